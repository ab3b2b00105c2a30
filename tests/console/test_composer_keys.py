"""Keys that come faster than they are worked off, as over a slow line: they act in the order of pressing."""

from __future__ import annotations

from pathlib import Path

from textual import events

from tests.fakes.console_hands import Hands, console
from tests.fakes.operator_api_server import FakeServer


def burst(hands: Hands, keys: list[str]) -> None:
    """All of these at once, as a terminal delivers what has gathered."""
    for key in keys:
        letter = key if len(key) == 1 else None
        hands.app.post_message(events.Key(key, letter))


async def test_letters_do_not_overtake_the_keys_before_them(world: FakeServer, tmp_path: Path) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("2", "r")
        burst(hands, [*"piad", "backspace", "backspace", "backspace", *"aid"])
        await hands.sees("paid")
        burst(hands, ["home", *"un", "end", "!"])
        await hands.sees("unpaid!")


async def test_what_is_typed_behind_a_key_that_leads_away_is_not_written(
    world: FakeServer, tmp_path: Path
) -> None:
    async with console(world, tmp_path) as hands:
        await hands.press("2", "r")
        burst(hands, [*"paid", "ctrl+o", *"olga"])
        await hands.sees("Go to")
        await hands.sees("paid")
        await hands.sees_no("paidolga")
        assert hands.screen.pane is not None
        assert hands.screen.pane.composer.text == "paid"
