"""Who is looking and typing: what is told, to when it holds, and how often."""

from __future__ import annotations

from server.onlookers import COALESCE_MS, LOOKS_MS, TYPES_MS, Onlookers
from server.protocol import Company, Onlooker

NOW = 1_790_000_000_000


def company(conversation_id: int, *people: Onlooker, customer_types: bool = False) -> Company:
    return Company(conversation_id=conversation_id, people=list(people), customer_types=customer_types)


def looks(operator_id: int) -> Onlooker:
    return Onlooker(operator_id=operator_id)


def writes(operator_id: int, kind: str = "reply") -> Onlooker:
    return Onlooker(operator_id=operator_id, writing="note" if kind == "note" else "reply")


def test_what_a_console_shows_is_told_at_once_and_only_once() -> None:
    here = Onlookers()
    here.say("a", 1, [7, 8], NOW)
    assert here.news(NOW) == [company(7, looks(1)), company(8, looks(1))]
    assert here.news(NOW + COALESCE_MS) == []
    here.say("a", 1, [7, 8], NOW + COALESCE_MS)  # renewed, nothing new
    assert here.news(NOW + COALESCE_MS) == []


def test_a_conversation_is_told_of_a_few_times_a_second_at_most_and_then_as_it_is() -> None:
    here = Onlookers()
    here.say("a", 1, [7], NOW)
    assert here.news(NOW) == [company(7, looks(1))]
    here.say("b", 2, [7], NOW + 1)
    here.say("b", 2, [7], NOW + 2, typing=7)
    here.say("c", 3, [9], NOW + 3)
    assert here.news(NOW + 3) == [company(9, looks(3))]  # the other one waits
    assert here.news(NOW + COALESCE_MS - 1) == []
    assert here.news(NOW + COALESCE_MS) == [company(7, looks(1), writes(2))]


def test_what_came_and_went_in_between_is_not_told() -> None:
    here = Onlookers()
    here.say("a", 1, [7], NOW)
    here.news(NOW)
    here.say("b", 2, [7], NOW + 1)
    here.gone("b")
    assert here.news(NOW + COALESCE_MS) == []


def test_a_console_that_ends_leaves_nothing_behind() -> None:
    here = Onlookers()
    here.say("a", 1, [7], NOW, typing=7, kind="note")
    assert here.news(NOW) == [company(7, writes(1, "note"))]
    assert here.told() == [company(7, writes(1, "note"))]
    here.gone("a")
    assert here.news(NOW + COALESCE_MS) == [company(7)]
    assert here.told() == []
    assert here.news(NOW + 2 * COALESCE_MS) == []


def test_typing_runs_out_before_looking_does() -> None:
    here = Onlookers()
    here.say("a", 1, [7], NOW, typing=7)
    here.news(NOW)
    assert here.news(NOW + TYPES_MS - 1) == []
    assert here.news(NOW + TYPES_MS) == [company(7, looks(1))]
    assert here.news(NOW + LOOKS_MS - 1) == []
    assert here.news(NOW + LOOKS_MS) == [company(7)]


def test_two_consoles_of_one_operator_are_one_person() -> None:
    here = Onlookers()
    here.say("left", 1, [7], NOW, typing=7)
    here.say("right", 1, [7], NOW)
    assert here.news(NOW) == [company(7, writes(1))]
    here.gone("left")
    assert here.news(NOW + COALESCE_MS) == [company(7, looks(1))]


def test_where_somebody_types_he_also_looks() -> None:
    here = Onlookers()
    here.say("a", 1, [], NOW, typing=7)
    assert here.news(NOW) == [company(7, writes(1))]


def test_a_customer_types_until_he_has_written_or_stopped() -> None:
    here = Onlookers()
    here.customer_types(7, NOW)
    assert here.news(NOW) == [company(7, customer_types=True)]
    here.customer_wrote(7)
    assert here.news(NOW + COALESCE_MS) == [company(7)]
    here.customer_types(7, NOW + 1000)
    assert here.news(NOW + 1000) == [company(7, customer_types=True)]
    assert here.news(NOW + 1000 + TYPES_MS) == [company(7)]


def test_a_clock_that_is_set_back_keeps_nobody_for_ever() -> None:
    here = Onlookers()
    here.say("a", 1, [7], NOW)
    here.news(NOW)
    earlier = NOW - 3_600_000
    assert here.news(earlier) == [company(7)]
    here.say("a", 1, [7], earlier + COALESCE_MS)
    assert here.news(earlier + COALESCE_MS) == [company(7, looks(1))]
