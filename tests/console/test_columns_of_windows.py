"""What belongs together in the rows of a window stands in one column."""

from __future__ import annotations

from pathlib import Path

from omni_console.screens.moves_screen import MovesScreen
from server import protocol as wire
from tests.fakes.console_hands import console
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import MIRA


async def test_who_would_have_it_stands_in_one_column(world: FakeServer, tmp_path: Path) -> None:
    whys = ("least in hand", "skill refunds; least in hand", "")
    moves = [
        wire.ProposedMove(conversation=world.conversations[key], to="Boris Berg" if key > 2 else "", why=why)
        for key, why in zip((2, 3, 4), whys, strict=True)
    ]
    async with console(world, tmp_path, size=(80, 24)) as hands:
        hands.app.push_screen(MovesScreen(wire.Proposal(moves=moves, untouched=3), hands.app.clock))
        await hands.sees("Move 3 of 3")
        rows = [line for line in hands.lines() if " → " in line]
        assert len({row.index(" → ") for row in rows}) == 1, rows
        assert [row.rstrip()[-1] for row in rows] == ["d", "…", "g"], "cut only where words are lost"


async def test_marks_of_the_leads_list_stand_in_one_column(world: FakeServer, tmp_path: Path) -> None:
    world.me = MIRA
    world.change(3, priority="urgent")
    async with console(world, tmp_path, size=(80, 24)) as hands:
        await hands.press("Q")
        await hands.sees("Olga Orlova")
        await hands.press(*["j"] * 6, "l")
        await hands.sees("Olga Orlova: spoke with the customer last")
        rows = [line for line in hands.lines() if any(age in line for age in (" 7m", " 3h10", " 5m"))]
        marks = [max(row.rfind(f" {mark} ") for mark in "w@t") for row in rows]
        assert len(rows) == 3 and len(set(marks)) == 1, rows


async def test_what_does_not_come_is_not_waited_for(world: FakeServer, tmp_path: Path) -> None:
    world.fail_next["/outbox"] = "503"
    async with console(world, tmp_path) as hands:
        await hands.press("O")
        await hands.sees("Unsettled replies")
        await hands.sees_no("loading…")
        assert "every reply is settled" not in hands.text()
