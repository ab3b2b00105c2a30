"""Whatever went before: a deed that is undone at once never was; undone later it is refused with a reason, or
the conversation is what it was before. Nobody loses what he has begun, and no customer is put away unheard.
OMNI_PROOF=1 tries two thousand histories."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from server.protocol import OperatorInfo
from server.store.migrations import migrate
from tests.fakes.deed_world import CUSTOMERS, REFUSALS, DeedWorld

EXAMPLES = 2_000 if os.environ.get("OMNI_PROOF") else 100
DEEDS = ("claim", "release", "hand to ivan", "hand to rita", "hand to the office", "close", "snooze")
POSSIBLE = {"closed": ("reopen",), "snoozed": (*DEEDS, "wake")}
BESIDES = ("he writes", "he cries", "time passes", "dispatch", "note", "decline", "reply")

Step = tuple[int, int, int, int]  # what of all that is possible, at which conversation, by whom, which undo

steps = st.lists(
    st.tuples(st.integers(0, 59), st.integers(0, CUSTOMERS - 1), st.integers(0, 2), st.integers(0, 4)),
    min_size=12,
    max_size=30,
)


class Done:
    """A deed that was done, and how the conversation was before."""

    def __init__(self, world: DeedWorld, key: int, who: OperatorInfo, name: str) -> None:
        self.key, self.who, self.name = key, who, name
        self.before = world.life(key)
        self.seq = world.do(name, key, who)
        self.after = world.life(key)


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("deeds") / "omni.sqlite3"
    migrate(path, "0")
    with sqlite3.connect(path, check_same_thread=False) as connection:
        yield connection
    connection.close()


@settings(max_examples=EXAMPLES, deadline=None)
@given(steps)
def test_whatever_happens(template: sqlite3.Connection, history: list[Step]) -> None:
    world = DeedWorld(template)
    done: list[Done] = []
    for what, number, by, which in history:
        key, who = world.ids[number], world.people[by]
        deeds = POSSIBLE.get(world.life(key)["state"], DEEDS)
        names = (*deeds, *BESIDES, *("undo",) * 3)
        name = names[what % len(names)]
        world.now += 1000
        try:
            if name in deeds:
                _at_once(world, name, key, who)
                deed = Done(world, key, who, name)
                done += [deed] if deed.after != deed.before else []
            elif name == "undo":
                if done:
                    _later(world, done[-1 - which % len(done)])
            else:
                world.besides(name, key, who)
        except REFUSALS:
            pass
        assert world.miscounted() == []
    world.connection.close()


def _at_once(world: DeedWorld, name: str, key: int, who: OperatorInfo) -> None:
    """As if it never was. Raises one of REFUSALS where the deed itself is refused."""
    before = world.shown()
    began = world.newest()
    deed = Done(world, key, who, name)
    if deed.after == deed.before:
        assert world.newest() == began
        return
    world.now += 1000
    try:
        world.undo(key, who, deed.seq)
    except REFUSALS as error:
        raise AssertionError(f"{name} cannot be taken back: {error}") from error
    after = world.shown()
    for part, was in before.items():
        assert after[part] == was, (name, part)
    told = world.newest()
    world.undo(key, who, deed.seq)
    assert world.newest() == told, "asked again, nothing happens"


def _later(world: DeedWorld, deed: Done) -> None:
    now = world.life(deed.key)
    everything = world.shown()
    unheard = _said_since(world, deed)
    begun = _begun(world, deed)
    told = world.newest()
    try:
        world.undo(deed.key, deed.who, deed.seq)
    except REFUSALS as error:
        assert str(error)
        assert world.shown() == everything, "refused is refused"
        return
    after = world.life(deed.key)
    assert after == deed.before
    if world.newest() == told:
        assert now == after
        return
    assert now == deed.after, "somebody moved it since"
    if now["state"] != after["state"]:
        assert not unheard, "the customer is put away unheard"
    if now["assignee_id"] not in (after["assignee_id"], None, deed.who.id):
        assert not begun, "whoever had it has begun"


def _said_since(world: DeedWorld, deed: Done) -> list[Any]:
    return world.rows(
        "SELECT id FROM message WHERE conversation_id = ? AND kind = 'in' AND seq > ?", deed.key, deed.seq
    )


def _begun(world: DeedWorld, deed: Done) -> list[Any]:
    return world.rows(
        "SELECT m.id FROM message m JOIN conversation c ON c.id = m.conversation_id AND c.assignee_id ="
        " m.operator_id WHERE c.id = ? AND m.kind IN ('out', 'note') AND m.seq > ?",
        deed.key,
        deed.seq,
    )
