"""Who gets what: room, skills, languages, the last operator, fairness; and nobody waits for ever."""

from __future__ import annotations

from typing import Any

import pytest

from server.routing import Capacity, Choice, Operator, Queued, Reason, Round

NOW = 1_790_000_000_000
TEAM = frozenset({"support"})


def operator(number: int, **fields: Any) -> Operator:
    return Operator(id=number, teams=TEAM, **fields)


def item(number: int = 1, **fields: Any) -> Queued:
    whole: dict[str, Any] = {"medium": "chat", "priority": 2, "since": NOW - 1000, "patience_ms": 120_000}
    return Queued(id=number, team="support", **(whole | fields))


def taker(choice: Choice | None) -> int | None:
    return None if choice is None else choice.operator_id


@pytest.mark.parametrize(("medium", "most"), [("chat", 3), ("messenger", 5), ("email", 7), ("call", 1)])
def test_the_defaults_of_each_medium(medium: str, most: int) -> None:
    offered = Round([operator(1)], NOW)
    given = [offered.offer(item(number, medium=medium)) for number in range(10)]
    assert [taker(one) for one in given] == [1] * most + [None] * (10 - most)


def test_all_media_together_have_a_limit() -> None:
    offered = Round([operator(1, held={"chat": 3, "messenger": 2})], NOW)
    assert taker(offered.offer(item(medium="email"))) == 1
    assert taker(offered.offer(item(medium="email"))) == 1
    assert offered.offer(item(medium="email")) is None


def test_a_call_and_chats_exclude_each_other() -> None:
    offered = Round([operator(1, held={"call": 1}), operator(2, held={"chat": 1})], NOW)
    assert taker(offered.offer(item(medium="chat"))) == 2
    assert offered.offer(item(medium="call")) is None
    # Somebody finishes his chats and gets no new one, or the call would wait for ever.
    assert offered.offer(item(medium="chat")) is None
    assert taker(offered.offer(item(medium="email"))) == 1


def test_urgent_work_may_interrupt_where_it_is_allowed() -> None:
    full = {"chat": 3}
    strict, flexible = operator(1, held=full), operator(2, held=full, capacity=Capacity(urgent_extra=1))
    offered = Round([strict, flexible], NOW)
    assert offered.offer(item(priority=2)) is None
    assert taker(offered.offer(item(priority=0))) == 2
    assert offered.offer(item(priority=0)) is None


def test_skill_then_last_operator_then_fairness() -> None:
    people = [
        operator(1, skills=frozenset({"tax"}), held={"email": 5}),
        operator(2, held={"email": 1}, turn=5),
        operator(3, turn=9),
        operator(4, turn=3),
    ]
    skilled = Round(people, NOW).offer(item(skills=frozenset({"tax"}), last_operator=2))
    assert skilled == Choice(1, 1, (Reason("skill", "tax"),))
    assert Round(people, NOW).offer(item(last_operator=2)) == Choice(1, 2, (Reason("last"),))
    assert Round(people, NOW).offer(item()) == Choice(1, 4, (Reason("fair"),))


def test_turns_are_taken_by_all() -> None:
    offered = Round([operator(1), operator(2), operator(3)], NOW)
    given = [taker(offered.offer(item(number, medium="email"))) for number in range(6)]
    assert given == [1, 2, 3, 1, 2, 3]


def test_who_can_it_but_has_no_room_is_waited_for_a_while() -> None:
    able = operator(1, languages=frozenset({"ru"}), held={"chat": 3})
    other = operator(2, languages=frozenset({"en"}))
    offered = Round([able, other], NOW)
    assert offered.offer(item(language="ru")) is None
    assert offered.again_at == NOW - 1000 + 120_000
    assert taker(Round([able, other], NOW + 119_000).offer(item(language="ru"))) == 2
    # Nobody waits for somebody who is not there, nor because a clock was set back.
    assert taker(Round([other], NOW).offer(item(language="ru"))) == 2
    assert taker(Round([able, other], NOW - 5000).offer(item(language="ru"))) == 2


def test_what_was_given_back_goes_to_somebody_else() -> None:
    offered = Round([operator(1), operator(2, held={"chat": 2})], NOW)
    assert taker(offered.offer(item(refused_by=1))) == 2
    assert Round([operator(1)], NOW).offer(item(refused_by=1)) is None


def test_other_teams_take_nothing() -> None:
    offered = Round([Operator(id=1, teams=frozenset({"office"}))], NOW)
    assert not offered.may_take("support", "chat", urgent=True)
    assert offered.offer(item()) is None
