"""A console that is killed: what was typed is on the server, and the next console shows it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from omni_console.screens.writing import SAVE_AFTER_S
from tests.fakes.operator_api import serving
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.terminal import PATIENCE_S, Terminal

IVAN = 2


async def saved(world: FakeServer, kind: str, text: str) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while (IVAN, kind) not in world.drafts or world.drafts[IVAN, kind].text != text:  # noqa: ASYNC110 - the fake has no event
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(("key", "kind"), [("r", "reply"), ("m", "note"), ("C", "first")])
async def test_what_was_typed_outlives_the_process(
    key: str, kind: str, world: FakeServer, tmp_path: Path
) -> None:
    assert SAVE_AFTER_S <= 1.0, "two seconds of typing is the most that may be lost"
    path = tmp_path / "s.sock"
    async with serving(world, path):
        first = Terminal()
        await first.start(str(path), 120, 40, tmp_path)
        await first.sees(b"Olga Orlova")
        await first.press("2")
        await first.sees("нечем заплатить".encode())
        await first.press(key)
        await first.press("precious words")
        # Nothing but time passes: no key, no other pane, no end.
        await saved(world, kind, "precious words")
        await first.press(" and a few more")
        await saved(world, kind, "precious words and a few more")
        await first.kill()

        second = Terminal()
        await second.start(str(path), 120, 40, tmp_path)
        try:
            await second.sees(b"Olga Orlova")
            await second.press("2")
            await second.sees(b"precious words and a few more")
        finally:
            await second.end()
    assert world.drafts[IVAN, kind].text == "precious words and a few more"
    assert "precious words" not in [message.text for message in world.messages]
