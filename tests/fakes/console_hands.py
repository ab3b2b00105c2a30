"""An operator at the keyboard of a console that repeats itself: UTC, a clock that stands still."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path

from textual.events import Key
from textual.keys import _character_to_key
from textual.pilot import Pilot
from textual.widgets import Input, TextArea

from omni_console.app import OmniConsole
from omni_console.client import ServerClient
from omni_console.own import Own
from omni_console.screens.desk_screen import DeskScreen
from omni_console.timing import Clock
from tests.fakes.operator_api import serving
from tests.fakes.operator_api_books import NOW
from tests.fakes.operator_api_server import FakeServer

PATIENCE_S = 20.0  # of a machine that is busy with something else


BY_NAME = frozenset({"enter", "escape", "backspace", "tab", "ctrl+j", "alt+left", "ctrl+o"})


class Hands:
    """An operator at the keyboard, who waits for what should happen."""

    def __init__(
        self,
        app: OmniConsole,
        pilot: Pilot[int],
        world: FakeServer | None = None,
        socket_path: Path | None = None,
    ) -> None:
        self.app = app
        self.pilot = pilot
        self.world = world
        self.socket_path = socket_path

    @property
    def screen(self) -> DeskScreen:
        return self.app.desk_screen

    async def press(self, *keys: str) -> None:
        for key in keys:
            await self.pilot.press(key)
        await self.pilot.pause()

    async def burst(self, *keys: str) -> None:
        """Keys that arrive together, as over a line that stalled; single letters may stand in one word."""
        for key in [one for word in keys for one in ([word] if word in BY_NAME else word)]:
            self.arrives(key)
        await self.pilot.pause()

    def arrives(self, key: str) -> None:
        """A key comes from the terminal: a letter, or a name."""
        letter = len(key) == 1
        self.app.post_message(Key(_character_to_key(key) if letter else key, key if letter else None))

    async def type(self, text: str) -> None:
        """Text into whatever has the focus, at once; `press` is for keys that must go the whole way."""
        focused = self.app.focused
        if isinstance(focused, TextArea):
            focused.insert(text)
        elif isinstance(focused, Input):
            focused.insert_text_at_cursor(text)
        else:
            raise AssertionError(f"nothing to type into: {focused}\n{self.text()}")
        await self.pilot.pause()

    async def until(self, true: Callable[[], object], what: str = "") -> None:
        """Wait until something is so; fail, saying what did not happen, when it never is."""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not true():  # noqa: ASYNC110 - the app under test has no event for "painted"
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"never happened: {what or true}\n{self.text()}") from None
        await self.pilot.pause()

    def lines(self) -> list[str]:
        """The screen as text, line by line."""
        width, height = self.app.size
        strips = self.app.screen._compositor.render_strips()
        return [strip.text.ljust(width) for strip in strips[:height]]

    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines())

    async def sees(self, words: str) -> None:
        await self.until(lambda: words in self.text(), f"{words!r} on the screen")

    async def sees_no(self, words: str) -> None:
        await self.until(lambda: words not in self.text(), f"{words!r} gone from the screen")


@asynccontextmanager
async def console(
    world: FakeServer,
    tmp_path: Path,
    *,
    size: tuple[int, int] = (120, 40),
    offline_after: float = 4.5,
    changes: dict[str, str] | None = None,
    own: Own | None = None,
) -> AsyncIterator[Hands]:
    path = tmp_path / "s.sock"
    async with serving(world, path):
        client = ServerClient(str(path), offline_after=offline_after, chance=lambda: 0.0)
        app = OmniConsole(client, clock=Clock(lambda: NOW, UTC), changes=changes, own=own)
        async with app.run_test(size=size) as pilot:
            hands = Hands(app, pilot, world, path)
            await hands.until(lambda: app.desk_screen.online and app.desk.windows["queue"].loaded, "online")
            yield hands
