"""A few whole screens, as pictures: at the three sizes that are promised, and the windows."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from datetime import UTC
from pathlib import Path

import pytest
from textual.pilot import Pilot

from omni_console import i18n
from omni_console.app import OmniConsole
from omni_console.client import ServerClient
from omni_console.timing import Clock
from server.protocol import Draft
from tests.fakes.operator_api import serving
from tests.fakes.operator_api_books import NOW
from tests.fakes.operator_api_server import FakeServer

PATIENCE_S = 10.0
Compare = Callable[..., bool]


@pytest.fixture
def socket_path(world: FakeServer, tmp_path: Path) -> Iterator[Path]:
    """The fake operator API in a thread: the snapshot plugin runs the app in a loop of its own."""
    path, up, loop = tmp_path / "s.sock", threading.Event(), asyncio.new_event_loop()
    down = asyncio.Event()

    async def serve() -> None:
        async with serving(world, path):
            up.set()
            await down.wait()

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    assert up.wait(PATIENCE_S)
    yield path
    loop.call_soon_threadsafe(down.set)
    thread.join(PATIENCE_S)


def console(path: Path) -> OmniConsole:
    return OmniConsole(ServerClient(str(path)), clock=Clock(lambda: NOW, UTC))


def pressing(*keys: str, sees: str) -> Callable[[Pilot[int]], object]:
    """Wait for the lists, press the keys, and wait for what must be there."""

    async def run(pilot: Pilot[int]) -> None:
        app = pilot.app
        assert isinstance(app, OmniConsole)

        async def until(words: str) -> None:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    strips = app.screen._compositor.render_strips()
                    if words in "\n".join(strip.text for strip in strips):
                        return
                    await asyncio.sleep(0.01)

        async with asyncio.timeout(PATIENCE_S):
            while not (app.desk_screen.online and app.desk.windows["queue"].loaded):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        for key in keys:
            if key.startswith("see:"):
                await until(key[4:])
            else:
                await pilot.press(key)
                await pilot.pause()
        await until(sees)
        async with asyncio.timeout(PATIENCE_S):
            while app.desk.drafts.unsaved() or any(  # noqa: ASYNC110 - seen marks come back as events
                app.desk.unread(row) and row.id in app.desk_screen.grid.conversations()
                for row in app.desk.conversations.values()
            ):
                await asyncio.sleep(0.01)
        await pilot.pause()

    return run


@pytest.mark.parametrize("language", ["en", "ru"])
@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=["80x24", "120x40", "200x60"])
def test_the_desk(
    snap_compare: Compare, world: FakeServer, socket_path: Path, size: tuple[int, int], language: str
) -> None:
    i18n.use(language)
    world.drafts[2, "reply"] = Draft(
        conversation_id=2, text="Снимаю блокировку, это займёт минуту.", channel_id="chat", address_id=10
    )
    # Two conversations side by side where there is room.
    keys = ["1", "see:Kind regards", "2"] if size[0] < 100 else ["1", "see:Kind regards", "|"]
    run = pressing(*keys, sees="Снимаю блокировку, это займёт")
    assert snap_compare(console(socket_path), terminal_size=size, run_before=run)


def test_the_list_in_a_small_terminal(snap_compare: Compare, socket_path: Path) -> None:
    run = pressing("]", sees="Chloé Lefèvre")
    assert snap_compare(console(socket_path), terminal_size=(80, 24), run_before=run)


def test_closing(snap_compare: Compare, socket_path: Path) -> None:
    run = pressing("j", "enter", "see:нечем заплатить", "e", sees="close this case")
    assert snap_compare(console(socket_path), terminal_size=(120, 40), run_before=run)


def test_keys(snap_compare: Compare, socket_path: Path) -> None:
    run = pressing("question_mark", sees="Anywhere")
    assert snap_compare(console(socket_path), terminal_size=(120, 40), run_before=run)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=["80x24", "120x40"])
def test_everybodys_work(snap_compare: Compare, socket_path: Path, size: tuple[int, int]) -> None:
    seen = "Hand-overs" if size[0] < 100 else "spoke with the customer last"
    run = pressing("Q", "see:Hand-overs", "G", "k", "k", sees=seen)
    assert snap_compare(console(socket_path), terminal_size=size, run_before=run)
