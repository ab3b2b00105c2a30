"""What is due, in lists, headers and the line at the top; the most urgent with one key, and why."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from server.protocol import Deadline, DeadlineLevel
from tests.fakes.console_hands import console
from tests.fakes.operator_api_books import HOUR, MINUTE, NOW
from tests.fakes.operator_api_server import FakeServer


def due(world: FakeServer, name: str, left: int, level: DeadlineLevel = "running") -> int:
    """The conversation of that customer, with a first reply due in so many ms; its number."""
    key = next(
        row.id
        for row in world.conversations.values()
        if row.customer.startswith(name) and row.state == "open"
    )
    row = world.conversations[key]
    world.conversations[key] = replace(
        row,
        deadline=Deadline(kind="first_reply", due_at=NOW + left, level=level),
        due_at=None,
        priority="normal",
    )
    return key


async def test_lists_headers_and_counts(world: FakeServer, tmp_path: Path) -> None:
    due(world, "Anna", 4 * MINUTE, "risk")
    due(world, "Мария", -2 * HOUR, "late")
    async with console(world, tmp_path) as hands:
        await hands.sees("4m left")
        await hands.sees("late 2h00")
        await hands.sees("1 late, 1 at risk")
        await hands.press("g", "enter")
        await hands.sees("first reply 4m left")


async def test_what_is_due_in_days_leaves_the_waiting_time(world: FakeServer, tmp_path: Path) -> None:
    due(world, "Anna", 60 * HOUR)
    async with console(world, tmp_path) as hands:
        await hands.sees("Anna")
        assert "left" not in hands.text()


async def test_one_key_takes_the_most_urgent_and_one_says_why(world: FakeServer, tmp_path: Path) -> None:
    key = due(world, "Пётр", 2 * MINUTE)
    async with console(world, tmp_path) as hands:
        await hands.press("b")
        await hands.sees("points; B says why")
        assert world.conversations[key].assignee_id == world.me.id
        assert "Пётр" in hands.lines()[1]
        await hands.press("B")
        await hands.sees("How urgent is Пётр?")
        await hands.sees("due in 2m")
        await hands.sees("together")
        await hands.sees("first reply within 5m")
        await hands.press("escape")
        await hands.sees_no("together")
        await hands.press("b")
        await hands.until(lambda: "Пётр" not in hands.lines()[1], "another one")


async def test_where_nobody_waits_it_says_so(world: FakeServer, tmp_path: Path) -> None:
    for key, row in world.conversations.items():
        if row.state == "open":
            world.conversations[key] = replace(row, state="waiting")
    async with console(world, tmp_path) as hands:
        await hands.press("b")
        await hands.sees("nobody waits for you")
