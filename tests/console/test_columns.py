"""What is painted is as wide as we think: a real terminal emulator is asked where its cursor stands then."""

from __future__ import annotations

import asyncio
import ctypes
import locale
import shlex
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio
from rich.cells import cell_len

from omni_console.cleaning import clean
from tests.fakes.operator_api import serving
from tests.fakes.operator_api_books import MINUTE
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_world import HOSTILE, conversation, customer, said
from tests.fakes.terminal import PROGRAM, ROOT
from tests.fakes.tmux import Tmux

PATIENCE_S = 20.0
NASTY = [
    *HOSTILE,
    "👨‍👩‍👧 family", "❤️ ♥ ☎️ ©️", "👍🏽", "🇷🇺🇩🇪 🇺", "1️⃣2️⃣", "🫱🏻‍🫲🏿", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "⁉️ ⏰⌛ ☕⚡✈",
    "山田太郎", "한국어", "가", "ｆｕｌｌ ﾊﾝｶｸ", "㍿ ½ﬁ ①②", "\u115f\u1161", "。、「」",
    "مرحبا بك", "שָׁלוֹם", "a\u202eb\u2066c", "नमस्ते", "ก็ที่นี่", "ཨོཾ",
    "Ж\u0301ё\u0308", "e\u0301\u0302\u0303\u0304", "\u0301 begins with a mark", "◌\u0345",
    "हिन्दी में लिखा", "မြန်မာဘာသာ", "ភាសាខ្មែរ", "தமிழ் மொழி", "বাংলা ভাষা", "മലയാളം", "සිංහල", "తెలుగు",
    "ગુજરાતી", "ਪੰਜਾਬੀ", "ಕನ್ನಡ ಲಿಪಿ", "ພາສາລາວ", "བོད་ཡིག", "ꦗꦮ ꦧꦱ", "☰ ䷀ 𝌀 ⚊ 𝍠", "㉈ a〮", "한글",
    "\u200b\u2060\ufeffx", "a\u00adb", "x\u034fy", "⣿\u2800", "𝒳𝓎 𓀀 ꙮ ﷽", "░▒▓ ✔✖✗ ·…—",
]  # fmt: skip


class Emulator:
    """tmux, with one window in which nobody but us writes."""

    def __init__(self, folder: Path) -> None:
        self._tmux = Tmux(folder).do
        self._tty = ""

    def start(self, program: str = "printf ready; exec sleep 600", size: tuple[int, int] = (200, 5)) -> None:
        self._tmux("new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), program)
        self._tty = self._tmux("display", "-p", "#{pane_tty}")

    def end(self) -> None:
        self._tmux("kill-server")

    @property
    def column(self) -> int:
        return int(self._tmux("display", "-p", "#{cursor_x}"))

    def press(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def rows(self) -> list[str]:
        return self._tmux("capture-pane", "-p").split("\n")

    async def sees(self, words: str) -> list[str]:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while words not in "\n".join(rows := self.rows()):  # noqa: ASYNC110 - tmux tells nobody
                    await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{words!r} is not on the screen:\n" + "\n".join(self.rows())) from None
        return rows

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


def cells(text: str) -> int:
    """As the C library has it, which terminals ask; Rich is not."""
    library = ctypes.CDLL(None)
    library.wcwidth.argtypes = [ctypes.c_int32]
    before = locale.setlocale(locale.LC_CTYPE)
    locale.setlocale(locale.LC_CTYPE, "C.UTF-8")
    try:
        return sum(library.wcwidth(ord(char)) for char in text)
    finally:
        locale.setlocale(locale.LC_CTYPE, before)


def nasty(world: FakeServer) -> None:
    """Every nasty string as a name, a subject and a preview in the list, and all of them in one history."""
    world.conversations.clear()
    for number, text in enumerate(NASTY):
        who = customer(world, f"{text} {number}", [("mail", text, True)])
        key = conversation(
            world, who, "mail", assignee=world.me, waits=(number + 1) * MINUTE, subject=text, summary=text
        )
        said(world, key, ("in", (number + 1) * MINUTE, f"{text} {text}", {"subject": text}))
    last = max(world.conversations)
    said(world, last, *[("in" if at % 2 else "out", MINUTE, text) for at, text in enumerate(NASTY)])


async def test_the_columns_of_the_whole_screen_stay_straight(world: FakeServer, tmp_path: Path) -> None:
    nasty(world)
    path, screen = tmp_path / "s.sock", Emulator(tmp_path)
    environment = {"HOME": str(tmp_path), "PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}
    program = [*(f"{name}={value}" for name, value in environment.items()), sys.executable, "-c", PROGRAM]
    async with serving(world, path):
        screen.start(shlex.join(["env", *program, str(path)]), size=(140, 44))
        try:
            await screen.sees("Olga Orlova")
            screen.press("enter")
            await screen.sees("Olga →")
            seen = 0
            for keys in (("g",), ("C-d",), ("J",), ("J",), ("|",), ("k", "k", "k")):
                screen.press(*keys)
                await asyncio.sleep(0.5)
                rows = [row for row in (await screen.sees("Olga →"))[1:-1] if "│" in row]
                assert len(rows) == 42, "\n".join(screen.rows())
                edges = {cells(row.partition("│")[0]) for row in rows}
                assert edges == {cells(" " * 38)}, "\n".join(rows)
                seen += sum(not row.isascii() for row in rows)
            assert seen > 100
        finally:
            screen.end()
