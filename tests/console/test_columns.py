"""What is painted is as wide as we think: a real terminal emulator is asked where its cursor stands then."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from rich.cells import cell_len

from omni_console.text import clean
from tests.fakes.operator_world import HOSTILE

PATIENCE_S = 10.0
NASTY = [
    *HOSTILE,
    "👨‍👩‍👧 family", "❤️ ♥ ☎️ ©️", "👍🏽", "🇷🇺🇩🇪 🇺", "1️⃣2️⃣", "🫱🏻‍🫲🏿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "⁉️ ⏰⌛ ☕⚡✈",
    "山田太郎", "한국어", "가", "ｆｕｌｌ ﾊﾝｶｸ", "㍿ ½ﬁ ①②", "\u115f\u1161", "。、「」",
    "مرحبا بك", "שָׁלוֹם", "a\u202eb\u2066c", "नमस्ते", "ก็ที่นี่", "ཨོཾ",
    "Ж\u0301ё\u0308", "e\u0301\u0302\u0303\u0304", "\u0301 begins with a mark", "◌\u0345",
    "\u200b\u2060\ufeffx", "a\u00adb", "x\u034fy", "⣿\u2800", "𝒳𝓎 𓀀 ꙮ ﷽", "░▒▓ ✔✖✗ ·…—",
]  # fmt: skip


class Emulator:
    """tmux, with one window in which nobody but us writes."""

    def __init__(self, folder: Path) -> None:
        self._socket = str(folder / "tmux")
        self._tty = ""

    def _tmux(self, *words: str) -> str:
        environment = {"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin", "TERM": "xterm-256color"}
        return subprocess.run(
            ["tmux", "-u", "-S", self._socket, "-f", "/dev/null", *words],
            capture_output=True,
            text=True,
            check=True,
            env=environment,
        ).stdout.strip()

    def start(self) -> None:
        self._tmux("new-session", "-d", "-x", "200", "-y", "5", "printf ready; exec sleep 600")
        self._tty = self._tmux("display", "-p", "#{pane_tty}")

    def end(self) -> None:
        self._tmux("kill-server")

    @property
    def column(self) -> int:
        return int(self._tmux("display", "-p", "#{cursor_x}"))

    def _write(self, text: str) -> None:
        with Path(self._tty).open("w", encoding="utf-8") as terminal:
            terminal.write(text)

    async def column_after(self, text: str) -> int:
        """Where the cursor stands behind `text`, when it does not move any more."""
        self._write("\r\x1b[2K" + text)
        async with asyncio.timeout(PATIENCE_S):
            before = -1
            while before != (now := self.column):
                before = now
                await asyncio.sleep(0.02)
        return before


@pytest_asyncio.fixture
async def emulator(tmp_path: Path) -> AsyncIterator[Emulator]:
    found = Emulator(tmp_path)
    found.start()
    async with asyncio.timeout(PATIENCE_S):
        while found.column != len("ready"):  # noqa: ASYNC110 - tmux tells nobody
            await asyncio.sleep(0.02)
    yield found
    found.end()


async def test_a_terminal_agrees_on_every_width(emulator: Emulator) -> None:
    lines = [line[:90] for text in NASTY for line in clean(text).split("\n")]
    found = [(line, await emulator.column_after(line)) for line in lines]
    assert found == [(line, cell_len(line)) for line in lines]
    # What is not cleaned shows what this is for.
    assert await emulator.column_after("👍🏽") != cell_len(clean("👍🏽"))
