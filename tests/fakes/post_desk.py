"""A console before a real server whose mail comes from the test."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path
from typing import Any

from omni_console.app import OmniConsole
from omni_console.timing import Clock
from tests.fakes.console_hands import Hands
from tests.fakes.operator_world import shop
from tests.fakes.post_office import PostOffice, post_office


@contextlib.asynccontextmanager
async def desk(size: tuple[int, int] = (140, 44), **more: Any) -> AsyncIterator[tuple[PostOffice, Hands]]:
    async with post_office(**more) as post:
        # The parser's process must be there before Textual takes the standard streams away.
        first = await post.receive("first@before.example")
        await post.client.close_conversation(first.conversation_id, "test", "over")
        app = OmniConsole(await post.server.client(), clock=Clock(post.server.clock.now, UTC))
        async with app.run_test(size=size) as pilot:
            hands = Hands(app, pilot, shop(), Path(post.server.socket))
            await hands.until(lambda: app.desk_screen.online and app.desk.windows["queue"].loaded, "online")
            await hands.press("]")  # to the queue
            yield post, hands


async def opened(hands: Hands, words: str) -> None:
    """The newest conversation of the queue, in the pane."""
    await hands.until(lambda: "anna" in hands.text().lower(), "the conversation")
    await hands.press("enter")
    await hands.sees(words)
