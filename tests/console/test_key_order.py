"""A second of typing that arrives as one piece does what it would have done letter by letter."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.widgets import Input

from omni_console.key_order import KeyOrder
from omni_console.screens.command_screen import CommandScreen
from omni_console.screens.outreach_screen import OutreachScreen, Words
from tests.fakes.console_hands import console
from tests.fakes.operator_api_server import FakeServer

IVAN, ANNA = 2, 3


async def test_a_whole_close_is_typed_at_once(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("1")
        await hands.until(lambda: hands.screen.pane, "the pane")
        key = hands.screen.pane.conversation_id if hands.screen.pane else 0
        await hands.burst("e", "refund", "enter", "paid back", "enter")
        await hands.until(lambda: world.conversations[key].state == "closed", "closed")
        assert (world.conversations[key].topic, world.conversations[key].result) == ("refund", "paid back")


async def test_a_backspace_takes_its_own_letter(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.burst(":", "hexx", "backspace", "backspace", "lp")
        await hands.until(lambda: isinstance(hands.app.screen, CommandScreen), "the command line")
        await hands.until(lambda: hands.app.screen.query_one(Input).value == "help", "every letter")


async def test_what_is_typed_behind_a_key_that_opens_a_window_goes_into_it(
    world: FakeServer, tmp_path: Path
) -> None:
    before = {key: row.state for key, row in world.conversations.items()}
    async with console(world, tmp_path) as hands:
        for opens in ("/", "ctrl+o", "\\"):
            await hands.burst(opens, "exea")
            await hands.until(lambda: hands.app.screen is not hands.screen, "a window")
            await hands.until(lambda: hands.app.screen.query_one(Input).value == "exea", "every letter")
            await hands.burst("escape", "j")
            await hands.until(lambda: hands.app.screen is hands.screen, "the desk")
        assert {key: row.state for key, row in world.conversations.items()} == before, "no letter acted"


async def test_tab_between_two_lines(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        hands.app.push_screen(OutreachScreen(hands.app.client))
        await hands.sees("Write to many")
        await hands.burst("tag:vip", "tab", "tab", "sale", "tab", "hello", "backspace", "!")
        window = hands.app.screen
        await hands.until(lambda: window.query_one(Words).text == "hell!", "the text")
        assert [field.value for field in window.query(Input)] == ["tag:vip", "service", "sale"]


async def test_a_reply_is_written_and_sent_at_once(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("1")
        await hands.until(lambda: hands.screen.pane, "the pane")
        await hands.burst("r", "on its way!", "backspace", ".", "ctrl+j")
        await hands.until(lambda: world.messages[-1].text == "on its way.", "sent as it was typed")


async def test_nothing_waits_for_a_widget_that_a_key_took_away(
    world: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omni_console.app.PATIENCE_S", 3600.0)  # only its own marker lets a key go on
    async with console(world, tmp_path, size=(200, 60)) as hands:
        await hands.burst("1", "|", "|")
        await hands.until(lambda: len(hands.screen.grid.panes) == 3, "three panes")
        await hands.burst("q", "q", "?", "escape", "/", "escape", "j")
        await hands.until(lambda: len(hands.screen.grid.panes) == 1, "one pane")
        await hands.until(lambda: hands.app.screen is hands.screen, "the desk")
        await hands.burst("|")
        await hands.until(lambda: len(hands.screen.grid.panes) == 2, "and every key went its way")


def test_a_marker_of_a_widget_that_went_away_holds_up_nothing() -> None:
    order = KeyOrder()
    lost, late = order.begin(), 0
    assert not order.arrived(late)
    assert order.arrived(lost.number) and not order.arrived(lost.number)
    assert order.next() is None
