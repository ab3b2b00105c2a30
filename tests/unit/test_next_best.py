"""The sum by which the next conversation is chosen."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from server.protocol import Conversation, Deadline
from server.queue.next_best import Candidate, ranked, urgency

M = 60_000
H = 60 * M
NOW = 100_000 * M
ME = 7


def case(number: int = 1, due_in: int | None = None, **more: Any) -> Conversation:
    deadline = None if due_in is None else Deadline(kind="next_reply", due_at=NOW + due_in)
    return Conversation(
        id=number, seq=1, customer_id=1, customer="x", state="open", deadline=deadline, sort_at=NOW, **more
    )


def points(row: Conversation, **more: Any) -> dict[str, int]:
    found = urgency(Candidate(conversation=row, **more), ME, NOW)
    assert found.points == sum(part.points for part in found.parts)
    assert [part.points for part in found.parts] == sorted((p.points for p in found.parts), reverse=True)
    return {part.name: part.points for part in found.parts}


def test_the_parts_are_what_the_manual_says() -> None:
    assert points(case(due_in=0)) == {"deadline": 100}
    assert points(case(due_in=H)) == {"deadline": 50}
    assert points(case(due_in=4 * H)) == {"deadline": 20}
    assert points(case(due_in=-30 * M)) == {"deadline": 130}
    assert points(case(due_in=-5 * H)) == {"deadline": 164}
    assert points(case(waiting_since=NOW - H)) == {"waiting": 4}
    assert points(case(waiting_since=NOW - 24 * H)) == {"waiting": 96}
    assert points(case(waiting_since=NOW - 34 * H)) == {"waiting": 106}
    assert points(case(), window_until=NOW + H) == {"window": 60}
    assert points(case(), window_until=NOW - 1) == {}
    assert points(case(priority="urgent")) == {"priority": 300}
    assert points(case(priority="low")) == {"priority": -30}
    assert points(case(assignee_id=ME)) == {"own": 40}
    assert points(case(assignee_id=8)) == {}
    assert points(case(), acted_last=True) == {"own": 20}


def order(*rows: Conversation) -> list[int]:
    found = ranked([Candidate(conversation=row) for row in rows], ME, NOW)
    return [one.conversation.id for one in found if one.conversation]


def test_the_most_urgent_comes_first() -> None:
    letter_of_friday = case(1, waiting_since=NOW - 60 * H)
    chat_about_to_be_late = case(2, due_in=2 * M, waiting_since=NOW - 3 * M, assignee_id=ME)
    urgent = case(3, waiting_since=NOW, priority="urgent")
    late = case(4, due_in=-H, waiting_since=NOW - 2 * H)
    assert order(letter_of_friday, chat_about_to_be_late, urgent, late) == [3, 4, 2, 1]


def test_among_equals_the_one_that_waits_longer() -> None:
    older, newer = case(9, waiting_since=NOW - M), case(2, waiting_since=NOW)
    older.sort_at = NOW - M
    assert order(newer, older) == [9, 2]
    assert order(case(3), case(2)) == [2, 3]


times = st.integers(0, 400 * H)


@given(times, times, st.integers(-400 * H, 400 * H), st.integers(-400 * H, 400 * H))
def test_waiting_longer_or_being_due_sooner_never_makes_less_urgent(
    one: int, two: int, due_one: int, due_two: int
) -> None:
    least, most = sorted((one, two))
    later, sooner = max(due_one, due_two), min(due_one, due_two)
    calm = urgency(Candidate(conversation=case(due_in=later, waiting_since=NOW - least)), ME, NOW)
    pressing = urgency(Candidate(conversation=case(due_in=sooner, waiting_since=NOW - most)), ME, NOW)
    assert calm.points <= pressing.points


@given(st.integers(1, 3000))
def test_nobody_starves(hours: int) -> None:
    """However urgent the others are, whoever waits long enough comes before them."""
    newcomer = urgency(Candidate(conversation=case(due_in=M, priority="urgent", assignee_id=ME)), ME, NOW)
    waiting = case(priority="low", waiting_since=NOW - (hours + 500) * H)
    assert urgency(Candidate(conversation=waiting), ME, NOW).points > newcomer.points
