"""Work that nobody has begun, moved to where there is room: what is proposed, and what never is."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from channels.base import Medium
from server.queue.rebalancing import MOST, Holder, Untouched, propose
from server.routing import Capacity, Operator, Queued

NOW = 1_790_000_000_000
TEAM = frozenset({"support"})


def item(number: int, medium: Medium = "email", *, team: str = "support", since: int = 0) -> Queued:
    return Queued(id=number, team=team, medium=medium, priority=2, since=since)


def taker(number: int, held: int = 0, **fields: int) -> Operator:
    return Operator(id=number, teams=TEAM, held={"email": held}, capacity=Capacity(**fields))


def holder(number: int, held: int, *, room: int = 7, there: bool = True) -> Holder:
    return Holder(id=number, held=held, room=room, there=there)


def test_the_load_becomes_even_and_what_waits_longest_moves_first() -> None:
    work = [Untouched(1, item(number)) for number in range(1, 7)]
    choices = propose([taker(1, 6), taker(2)], [holder(1, 6), holder(2, 0)], work, NOW)
    assert [(one.conversation_id, one.operator_id) for one in choices] == [(1, 2), (2, 2), (3, 2)]


def test_a_difference_of_one_is_left_alone() -> None:
    work = [Untouched(1, item(1)), Untouched(1, item(2))]
    assert not propose([taker(1, 2), taker(2, 1)], [holder(1, 2), holder(2, 1)], work, NOW)


def test_who_is_not_there_gives_everything_that_there_is_room_for() -> None:
    work = [Untouched(1, item(number)) for number in range(1, 7)]
    people = [holder(1, 6, there=False), holder(2, 4)]
    choices = propose([taker(2, 4)], people, work, NOW)
    assert [one.conversation_id for one in choices] == [1, 2, 3]  # 4 and 3 are 7: full


def test_one_operators_work_goes_whoever_is_loaded_more() -> None:
    work = [Untouched(1, item(1)), Untouched(2, item(2))]
    people = [holder(1, 1), holder(2, 5)]
    choices = propose([taker(1, 1), taker(2, 5)], people, work, NOW, only=1)
    assert [(one.conversation_id, one.operator_id) for one in choices] == [(1, 2)]


def test_another_team_and_who_refused_it_get_nothing() -> None:
    foreign = Untouched(1, item(1, team="sales"))
    refused = Untouched(1, Queued(id=2, team="support", medium="email", priority=2, since=0, refused_by=2))
    assert not propose([taker(2)], [holder(1, 9, there=False)], [foreign, refused], NOW)


@pytest.mark.parametrize("seed", range(40))
def test_nobody_ever_gets_more_than_he_can_hold(seed: int) -> None:
    chance = Random(seed)
    media: tuple[Medium, ...] = ("chat", "messenger", "email", "call")
    people = [
        Operator(
            id=number,
            teams=TEAM,
            capacity=Capacity(chat=chance.randrange(4), email=chance.randrange(8), total=chance.randrange(9)),
            held={medium: chance.randrange(3) for medium in media if chance.random() < 0.5},
        )
        for number in range(1, chance.randrange(2, 9))
    ]
    receivers = [one for one in people if chance.random() < 0.8]
    holders = [
        Holder(id=one.id, held=sum(one.held.values()), room=one.capacity.total, there=one in receivers)
        for one in people
    ]
    work = [
        Untouched(one.id, item(one.id * 100 + number, medium))
        for one in people
        for number, medium in enumerate(one.held)
    ]
    only = chance.choice([None, 1])
    choices = propose(receivers, holders, work, NOW, only=only)
    assert len(choices) <= MOST
    assert len({one.conversation_id for one in choices}) == len(choices)
    after = {one.id: Counter[Medium](one.held) for one in people}
    by_id = {one.item.id: one for one in work}
    received: dict[int, set[Medium]] = {one.id: set() for one in people}
    for choice in choices:
        moved = by_id[choice.conversation_id]
        assert choice.operator_id != moved.holder_id
        assert only is None or moved.holder_id == only
        after[moved.holder_id][moved.item.medium] -= 1
        after[choice.operator_id][moved.item.medium] += 1
        received[choice.operator_id].add(moved.item.medium)
    for one in receivers:
        if received[one.id]:
            assert after[one.id].total() <= one.capacity.total
        for medium in received[one.id]:
            assert after[one.id][medium] <= one.capacity.of(medium)
        if "chat" in received[one.id]:
            assert not after[one.id]["call"] or one.held.get("call", 0) == 0
