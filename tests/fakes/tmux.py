"""tmux as a test uses it: a server of its own without a configuration; keys in, the screen out as text."""

from __future__ import annotations

import asyncio
import re
import shlex
import subprocess
from pathlib import Path

PATIENCE_S = 60.0
LOOK_S = 0.1
ENDED = "ended with "


class Tmux:
    """One tmux server, with its socket in `folder`: a short path."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")

    def do(self, *words: str) -> str:
        """A tmux command and what it prints. Raises CalledProcessError."""
        environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TERM": "xterm-256color"}
        return subprocess.run(
            ["tmux", "-u", "-S", self._socket, "-f", "/dev/null", *words],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        ).stdout.strip()

    def end(self) -> None:
        self.do("kill-server")


class TmuxScreen:
    """A program in tmux: keys by send-keys, the screen by capture-pane. A wait in vain shows the screen."""

    def __init__(self, tmux: Tmux) -> None:
        self._tmux = tmux

    def start(self, program: list[str], columns: int, rows: int, environment: dict[str, str]) -> None:
        """The screen stays when the program ends, so that its last words can be read.

        The shell says that it ended: tmux may miss the end of a child, and then draws nothing of it.
        """
        spelled = [f"{name}={value}" for name, value in environment.items()]
        command = f"{shlex.join(['env', *spelled, *program])}; echo {shlex.quote(ENDED)}$?; exec cat"
        self._tmux.do(
            "new-session",
            "-d",
            "-x",
            str(columns),
            "-y",
            str(rows),
            command,
        )

    def press(self, *keys: str) -> None:
        """Keys by the names that tmux gives them: a, Enter, C-j, M-u."""
        for key in keys:
            self._tmux.do("send-keys", "--", key)

    def type(self, text: str) -> None:
        self._tmux.do("send-keys", "-l", "--", text)

    def text(self) -> str:
        """The lines that say something."""
        lines = self._tmux.do("capture-pane", "-p").splitlines()
        return "\n".join(line for line in lines if re.search(r"\w", line))

    async def sees(self, *patterns: str) -> None:
        """Wait until the screen has all of these regular expressions; ^ and $ are a line's."""
        await self._until(patterns, there=True)

    async def sees_no(self, *patterns: str) -> None:
        await self._until(patterns, there=False)

    async def ends(self) -> int:
        """Wait until the program is gone; its exit code."""
        await self.sees(rf"{ENDED}\d+")
        found = re.search(rf"{ENDED}(\d+)", self.text())
        assert found is not None
        return int(found[1])

    async def _until(self, patterns: tuple[str, ...], there: bool) -> None:
        left, screen = list(patterns), ""
        try:
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    screen = self.text()
                    left = [one for one in left if bool(re.search(one, screen, re.MULTILINE)) != there]
                    if not left:
                        return
                    await asyncio.sleep(LOOK_S)
        except TimeoutError:
            what = "never seen" if there else "never gone"
            raise AssertionError(f"{what}: {left}\n{screen}") from None
