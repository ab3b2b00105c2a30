"""A console in a pty of which one is told what windows it opens and closes."""

from __future__ import annotations

import asyncio
from pathlib import Path

from benchmarks.terminal import Grid
from tests.fakes.terminal import PATIENCE_S, Terminal

COLUMNS, ROWS = 170, 50
# Each window that opens or closes is a line of the file: "+Name", "-Name".
PROGRAM = """
import sys
from textual.app import App
log = open(sys.argv[2], "a", buffering=1)
def told(sign, old):
    def new(self, screen=None, *rest, **more):
        if sign == "-":
            log.write(f"-{type(self.screen).__name__}\\n")
            return old(self)
        log.write(f"+{type(screen).__name__}\\n")
        return old(self, screen, *rest, **more)
    return new
App.push_screen, App.pop_screen = told("+", App.push_screen), told("-", App.pop_screen)
from omni_console.app import run_console
sys.exit(run_console(sys.argv[1], language="en"))
"""


class WatchedTerminal(Terminal):
    program = PROGRAM

    async def begin(self, socket_path: str, home: Path) -> None:
        self._log = home / "windows"
        self._log.touch()
        await self.start(socket_path, COLUMNS, ROWS, home, str(self._log))

    def windows(self) -> list[str]:
        """Every window that was opened or closed until now, in order."""
        return self._log.read_text(encoding="utf-8").split()

    async def opens(self, name: str, keys: str) -> None:
        """These keys open a window of this class. On a slow machine an escape just before them makes the
        first one an alt key: then they are pressed again."""
        before = len(self.windows())
        for _ in range(3):
            await self.press(keys)
            try:
                async with asyncio.timeout(PATIENCE_S / 3):
                    while f"+{name}" not in self.windows()[before:]:
                        assert self.process.returncode is None, self.bytes[-3000:].decode(errors="replace")
                        await asyncio.sleep(0.02)
                    return
            except TimeoutError:
                await self.escape()
        grid = Grid(COLUMNS, ROWS)
        grid.feed(self.bytes.decode(errors="replace"))
        raise AssertionError(f"{name}: {self.windows()[before:]}\n{grid.text()}")

    def open_windows(self) -> int:
        lines = self.windows()
        return sum(1 if line[0] == "+" else -1 for line in lines)
