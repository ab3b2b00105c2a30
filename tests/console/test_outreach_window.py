"""Writing to many: who does not get it and why can be read, and the keys say what comes next."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from omni_console.begun_words import BegunWords
from omni_console.look import PALETTE
from omni_console.screens.outreach_screen import OutreachScreen
from server.protocol import BulkOutcome, Obstacle
from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_server import FakeServer

ANNA, MARIA = 2, 3
REFUSED = Obstacle(kind="consent", text="refused marketing by email on 2026-11-03")
BEGUN = Obstacle(kind="open_conversation", text="#7 is open, with Boris, last word 2026-11-20: Chair 2190")


@pytest.fixture
def world(world: FakeServer) -> FakeServer:
    problem = "cannot be written to first on any channel"
    world.held_back = {
        ANNA: BulkOutcome(customer_id=ANNA, problem=problem),
        MARIA: BulkOutcome(customer_id=MARIA, obstacles=[REFUSED, BEGUN]),
    }
    return world


@asynccontextmanager
async def looked_at(
    world: FakeServer, tmp_path: Path, size: tuple[int, int] = (80, 24)
) -> AsyncIterator[Hands]:
    """A text to everybody, and who would get it."""
    async with console(world, tmp_path, size=size) as hands:
        hands.app.push_screen(OutreachScreen(hands.app.client))
        await hands.sees("Write to many")
        await hands.type("*")
        await hands.press("tab", "tab", "tab")
        await hands.type("Dear {first_name}")
        await hands.press("ctrl+j")
        await hands.sees("do not; nothing is sent yet")
        yield hands


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_names_and_reasons_stand_in_columns(
    world: FakeServer, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with looked_at(world, tmp_path, size) as hands:
        await hands.sees("Does not get it")
        anna = next(line for line in hands.lines() if "Anna Schmidt  cannot" in line)
        maria = next(line for line in hands.lines() if "Мария К." in line and "consent" in line)
        assert anna.index("cannot") == maria.index("consent")
        await hands.sees("ctrl+j send it")
        await hands.sees("esc not now")


async def test_the_keys_have_room_beside_the_edges_of_the_terminals_palette(
    world: FakeServer, tmp_path: Path
) -> None:
    world.held_back |= {key: BulkOutcome(customer_id=key, obstacles=[REFUSED]) for key in (4, 5, 6)}
    async with looked_at(world, tmp_path) as hands:
        hands.app.theme = PALETTE
        await hands.press("tab", "j")
        await hands.sees("open conversation: #7")
        await hands.sees("ctrl+j send it")


async def test_what_is_cut_is_read_by_going_there(world: FakeServer, tmp_path: Path) -> None:
    async with looked_at(world, tmp_path) as hands:
        assert "▌" not in hands.text(), "the keys go to the text"
        await hands.sees_no("Chair 2190")
        await hands.press("tab", "j")
        await hands.sees("▌ Мария К.")
        await hands.sees("Chair 2190")
        await hands.press("up")
        await hands.sees("▌ Anna Schmidt")
        await hands.press("tab")
        await hands.sees_no("▌")


async def test_another_text_is_looked_at_again(world: FakeServer, tmp_path: Path) -> None:
    async with looked_at(world, tmp_path) as hands:
        await hands.type("!")
        await hands.sees("ctrl+j see who would get it")
        await hands.sees_no("Does not get it")
        await hands.press("ctrl+j")
        await hands.sees("ctrl+j send it")
        assert world.asked.count("POST /v1/bulk-messages") == 2
        await hands.press("ctrl+j")
        await hands.until(lambda: world.asked.count("POST /v1/bulk-messages") == 3, "sent")
        await hands.until(lambda: hands.app.screen is hands.screen, "the desk")


async def test_what_was_begun_is_there_the_next_time_until_it_is_sent(
    world: FakeServer, tmp_path: Path
) -> None:
    path = tmp_path / "state" / "to-many.json"
    async with console(world, tmp_path) as hands:
        hands.app.push_screen(OutreachScreen(hands.app.client, begun=BegunWords(path)))
        await hands.sees("Write to many")
        await hands.type("tag:vip")
        await hands.press("tab", "tab")
        await hands.type("News")
        await hands.press("tab")
        await hands.type("precious words")
        await hands.until(path.exists, "kept while it is typed")
        await hands.press("escape")
        await hands.until(lambda: hands.app.screen is hands.screen, "the desk")
        assert path.stat().st_mode & 0o777 == 0o600
    async with console(world, tmp_path) as hands:
        hands.app.push_screen(OutreachScreen(hands.app.client, begun=BegunWords(path)))
        await hands.sees("precious words")
        await hands.sees("tag:vip")
        await hands.sees("News")
        await hands.press("ctrl+j")
        await hands.sees("nothing is sent yet")
        await hands.press("ctrl+j")
        await hands.until(lambda: hands.app.screen is hands.screen, "sent")
        assert not path.exists()


async def test_a_text_that_is_taken_away_is_not_kept(world: FakeServer, tmp_path: Path) -> None:
    path = tmp_path / "to-many.json"
    path.write_text("{broken")
    async with console(world, tmp_path) as hands:
        hands.app.push_screen(OutreachScreen(hands.app.client, begun=BegunWords(path)))
        await hands.press("tab", "tab", "tab", *"word")
        await hands.until(lambda: path.exists() and "word" in path.read_text(), "kept")
        await hands.press(*["backspace"] * 4, "escape")
        await hands.until(lambda: hands.app.screen is hands.screen, "the desk")
        assert not path.exists()
