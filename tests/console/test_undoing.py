"""`u` takes back what was done last: with one conversation as with all marked ones, exactly as it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from server import protocol as wire
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_books import MINUTE
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import BORIS

IVAN, ANNA, MARIA, PHONE = 2, 3, 4, 5


def so(row: wire.Conversation) -> tuple[object, ...]:
    """How and whose it is, whatever was written in it."""
    closed = row.closed_at, row.topic, row.result
    return (row.state, row.assignee_id, row.waiting_since, row.snooze_until, row.tags, row.priority, *closed)


async def walk(hands: Hands, keys: tuple[str, ...]) -> None:
    """Press them; "?…" waits for what the screen says, "=…" is typed."""
    for key in keys:
        if key.startswith("?"):
            await hands.sees(key[1:])
        elif key.startswith("="):
            await hands.type(key[1:])
        else:
            await hands.press(key)


async def undone(hands: Hands, world: FakeServer, before: dict[int, wire.Conversation], said: str) -> None:
    assert any(so(world.conversations[key]) != so(row) for key, row in before.items())
    await hands.press("u")
    await hands.sees(said)
    assert {key: so(world.conversations[key]) for key in before} == {
        key: so(row) for key, row in before.items()
    }


def now(world: FakeServer, *keys: int) -> dict[int, wire.Conversation]:
    return {key: world.conversations[key] for key in keys}


@pytest.mark.parametrize(
    ("holder", "keys", "said"),
    [
        (BORIS, ("a", "?Take over?", "2"), "Иван Петров is yours"),
        (None, ("a",), "Иван Петров is yours"),
        (None, ("s", "?Snooze", "1"), "Иван Петров is away until"),
        ("me", ("x",), "Иван Петров is back in the queue"),
        (BORIS, ("x",), "Иван Петров is back in the queue"),
        ("me", ("A", "?Who takes over", "enter", "=he is abroad", "enter"), "Иван Петров goes to Boris Berg"),
        (
            BORIS,
            ("e", "?close this case", "ctrl+u", "=card", "enter", "=unblocked", "enter"),
            "Иван Петров is closed: card",
        ),
        ("me", ("s", "?Snooze", "1"), "Иван Петров is away until"),
    ],
)
async def test_one_conversation(
    world: FakeServer,
    tmp_path: Path,
    holder: wire.OperatorInfo | str | None,
    keys: tuple[str, ...],
    said: str,
) -> None:
    who = world.me if isinstance(holder, str) else holder
    world.change(IVAN, assignee_id=who.id if who else None, assignee=who.name if who else "")
    async with console(world, tmp_path) as hands:
        hands.screen.browsing.open(IVAN)
        await hands.sees("нечем заплатить")
        before = now(world, IVAN)
        await walk(hands, keys)
        await hands.sees(said)
        await undone(hands, world, before, "Иван Петров is as it was before")
        await hands.press("u")
        await hands.sees("nothing to take back")


async def test_what_sleeps_wakes_and_sleeps_again(world: FakeServer, tmp_path: Path) -> None:
    early = world.now + 10 * MINUTE
    world.change(IVAN, state="snoozed", snooze_until=early)
    async with console(world, tmp_path) as hands:
        hands.screen.browsing.open(IVAN)
        await hands.sees("нечем заплатить")
        before = now(world, IVAN)
        await hands.press("s")
        await hands.sees("Snooze Иван Петров")
        await hands.press("1")
        await hands.sees("is away until")
        await undone(hands, world, before, "is as it was before")  # until its earlier time
        await hands.press("E")
        await hands.sees("Иван Петров is awake again")
        assert (world.conversations[IVAN].state, world.conversations[IVAN].snooze_until) == ("open", None)
        await undone(hands, world, before, "is as it was before")


async def test_reopened_and_closed_again_step_by_step(world: FakeServer, tmp_path: Path) -> None:
    world.change(IVAN, state="closed", topic="card", result="unblocked", closed_at=world.now)
    async with console(world, tmp_path) as hands:
        hands.screen.browsing.open(IVAN)
        await hands.sees("нечем заплатить")
        closed = now(world, IVAN)
        await hands.press("E")
        await hands.sees("Иван Петров is open again")
        opened = now(world, IVAN)
        await hands.press("x")
        await hands.sees("is back in the queue")
        await undone(hands, world, opened, "is as it was before")
        await undone(hands, world, closed, "is as it was before")


async def test_marked_ones(world: FakeServer, tmp_path: Path) -> None:
    world.change(ANNA, state="waiting", waiting_since=None)
    world.change(MARIA, assignee_id=BORIS.id, assignee=BORIS.name)
    async with console(world, tmp_path) as hands:
        hands.screen.browsing.show_view("all")
        await hands.until(lambda: len(hands.screen.desk.window("all").ids()) > 3, "everything")
        for keys, said in (
            (("s", "?Snooze 4 conversations until…", "1"), "4 away until"),
            (("x",), "are back in the queue"),
            (("e", "?Close 4 conversations", "=card", "enter", "=sent", "enter"), "4 closed"),
        ):
            await hands.press("escape")
            hands.screen.set_focus(hands.screen.list)
            hands.screen.list.marked = {IVAN, ANNA, MARIA, PHONE}
            before = now(world, IVAN, ANNA, MARIA, PHONE)
            await walk(hands, keys)
            await hands.sees(said)
            await undone(hands, world, before, "as before")


async def test_who_was_in_between_is_told(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        hands.screen.browsing.open(IVAN)
        await hands.sees("нечем заплатить")
        await hands.press("x")
        await hands.sees("is back in the queue")
        row = world.change(IVAN, assignee_id=BORIS.id, assignee=BORIS.name)
        await world.push("conversation.assigned", conversation_id=IVAN, operator_id=BORIS.id, seq=row.seq)
        await hands.press("u")
        await hands.sees("not yours: Boris Berg has it")
        assert world.conversations[IVAN].assignee == "Boris Berg"


async def test_a_held_reply_comes_first(world: FakeServer, tmp_path: Path) -> None:
    world.hold_ms = 10_000
    async with console(world, tmp_path) as hands:
        hands.screen.browsing.open(IVAN)
        await hands.sees("нечем заплатить")
        await hands.press("x")
        await hands.sees("is back in the queue")
        await hands.press("r")
        await hands.type("hello")
        await hands.press("ctrl+j")
        await hands.until(lambda: hands.screen.desk.held, "held")
        await hands.press("escape", "u")
        await hands.until(lambda: world.messages[-1].status == "withdrawn", "taken back")
        assert world.conversations[IVAN].assignee_id != 0


async def test_repeated_is_taken_back_too(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.until(lambda: hands.screen.list.row_count() == 3, "three are mine")
        hands.screen.browsing.open(IVAN)
        await hands.sees("нечем заплатить")
        await hands.press("s")
        await hands.sees("Snooze")
        await hands.press("1")
        await hands.sees("Иван Петров is away until")
        hands.screen.browsing.open(ANNA)
        await hands.until(lambda: hands.screen.target and hands.screen.target.id == ANNA, "Anna")
        before = now(world, ANNA)
        await hands.press(".")
        await hands.sees("Anna Schmidt is away until")
        await undone(hands, world, before, "Anna Schmidt is as it was before")
        assert world.conversations[IVAN].state == "snoozed"
