"""What comes of a customer's silence, as operators see it: proposed, announced, hindered, closed by term."""

from __future__ import annotations

from pathlib import Path

import pytest

from server.protocol import Silence
from tests.fakes.console_hands import console
from tests.fakes.operator_api_books import HOUR, NOW
from tests.fakes.operator_api_server import FakeServer

DAY = 24 * HOUR


def quiet(world: FakeServer, silence: Silence) -> int:
    """Tom's conversation is answered, and nothing came since; its number."""
    key = next(row.id for row in world.conversations.values() if row.customer == "Tom Baker")
    for channel in world.channels.values():
        channel.continues = channel.title == "Telegram"
    world.change(key, silence=silence, sort_at=NOW - HOUR, summary="A jacket with a broken zip")
    return key


@pytest.mark.parametrize(("width", "height"), [(120, 40), (80, 24)])
async def test_what_comes_of_silence_stands_in_the_head(
    world: FakeServer, tmp_path: Path, width: int, height: int
) -> None:
    key = quiet(world, Silence(proposed=True))
    async with console(world, tmp_path, size=(width, height)) as hands:
        await hands.press("]", "]", "enter")
        await hands.sees("silent 1h00")
        await hands.sees("continue in Telegram? >")

        async def told(silence: Silence) -> None:
            row = world.change(key, silence=silence)
            await world.push("conversation.silence", conversation_id=row.id, seq=row.seq)

        await told(Silence(proposed=True, announced_at=NOW, closes_at=NOW + DAY))
        await hands.sees("they were told: closes tomorrow")
        await told(Silence(obstacle="the announcement could not be delivered"))
        await hands.sees("is not closed by itself: the announcement could not")


async def test_a_closing_by_term_is_told_from_one_by_hand(world: FakeServer, tmp_path: Path) -> None:
    key = quiet(world, Silence())
    by_term = {"by": "silence"}
    world.add_message(key, "system", "silence: no answer", at=NOW, kind_of_event="closed", detail=by_term)
    async with console(world, tmp_path) as hands:
        await hands.press("]", "]", "enter")
        await hands.sees("closed by term: silence: no answer")
