"""Arrivals, silences, logins, crashes and clocks that jump, in virtual time and at random: after each of them
everything that the queue promises is looked at. OMNI_PROOF=1 makes it ten thousand; OMNI_SEED repeats one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from server.cases import casework
from server.queue import presence
from server.routing import Choice, Queued, Round
from server.store import presence as store
from server.store import queue, transfers
from tests.fakes.queue_world import MINUTE_MS
from tests.fakes.watched_queue import WatchedQueue

EVENTS = 10_000 if os.environ.get("OMNI_PROOF") else 1_000
SEED = int(os.environ.get("OMNI_SEED", "6"))
OFFER = Round.offer


def test_whatever_happens(tmp_path: Path) -> None:
    world = WatchedQueue(tmp_path, SEED)
    given = returned = interrupted = 0
    for number in range(EVENTS):
        what = world.step()
        before = world.held()
        done = world.drain()
        assert world.broken(done, before) == [], (SEED, number, what)
        given += sum(len(found.choices) for found in done)
        returned += sum(len(found.returns) for found in done)
        interrupted += sum(
            held.total() > world.desks.teams.members[f"op{key}"].capacity.total
            for key, held in world.held().items()
        )
    # It was not all idle talk.
    assert given > EVENTS // 10
    assert returned > EVENTS // 100
    assert interrupted
    assert world.undone > EVENTS // 100
    print(f"{EVENTS} events (OMNI_SEED={SEED}): {given} assignments by rules, {returned} given back")
    _everybody_is_served(world)


def _room_for_all(*_: object, **__: object) -> bool:
    return True


def _every_third_is_forgotten(self: Round, item: Queued) -> Choice | None:
    return None if item.id % 3 == 0 else OFFER(self, item)


@pytest.mark.parametrize(
    ("place", "name", "fault", "told"),
    [
        (Round, "_room", _room_for_all, "is beyond"),
        (Round, "offer", _every_third_is_forgotten, "have room"),
        (store, "untouched_of_gone", lambda tx, operators: [], "who is gone"),
        (queue, "note_why", lambda tx, conversation_id, why: None, "stores no reason"),
        (transfers, "undone", lambda tx, conversation_id, by, sender: False, "hand-overs of"),
    ],
)
def test_a_planted_fault_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: object, name: str, fault: object, told: str
) -> None:
    monkeypatch.setattr(place, name, fault)
    world = WatchedQueue(tmp_path, SEED)
    for _ in range(500):
        world.step()
        before = world.held()
        wrong = world.broken(world.drain(), before)
        if wrong:
            assert any(told in one for one in wrong), wrong
            return
    raise AssertionError("nobody noticed")


def _everybody_is_served(world: WatchedQueue) -> None:
    """All come to work and answer what they have: then nobody waits any more, however long it was."""
    for who in world.people:
        world.write(lambda tx, who=who: presence.choose(tx, who.id, "available"))  # type: ignore[misc]
    last = world.people[-1]
    by_hand = (
        "SELECT id FROM conversation WHERE (channel_id = 'odd' OR team = 'by-hand') AND assignee_id IS NULL"
    )
    for row in world.rows(by_hand):
        if world.rows("SELECT 1 FROM conversation WHERE id = ? AND state = 'open'", row["id"]):
            world.write(lambda tx, key=row["id"]: casework.claim(tx, key, last, None))  # type: ignore[misc]
    for _ in range(len(world.rows("SELECT 1 FROM conversation"))):
        world.now += MINUTE_MS
        world.drain()
        held = world.rows(
            "SELECT id, assignee_id FROM conversation WHERE state = 'open' AND assignee_id IS NOT NULL"
        )
        if not held:
            break
        for row in held:
            who = next(one for one in world.people if one.id == row["assignee_id"])
            world.answer(row["id"], who)
    left = world.rows(
        "SELECT id, acted, acted_by, channel_id FROM conversation WHERE state = 'open'"
        " AND (assignee_id IS NOT NULL OR acted NOT IN ('released', 'declined') AND given_from IS NULL)"
    )
    assert [dict(row) for row in left] == []
