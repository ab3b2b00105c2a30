"""A terminal of our own with a program in it: its screen as text, its bytes counted, its answers timed.

It says that it can draw a frame at once (mode 2026), as today's terminals do, and knows the sequences that
Textual writes. A key is painted when the screen, as it stands after some read, is what was waited for.
"""

from __future__ import annotations

import codecs
import fcntl
import os
import pty
import re
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.cells import cell_len

PATIENCE_S = 30.0
QUIET_S = 0.03  # silence after which nothing more is drawn for a key
READ = 1 << 18

_TOKEN = re.compile(
    r"\x1b\[(?P<given>[0-9;:?<=>]*)(?P<what>[ -/]*[@-~])"
    r"|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)"
    r"|\x1b[P_][^\x1b]*\x1b\\"
    r"|\x1b[^\[\]P_]"
    r"|(?P<text>[^\x1b]+)"
)
# COLUMNS and LINES, which readline sets behind our back, would win over our size; and whoever installed the
# program has its modules compiled.
_NOT_OURS = ("COLUMNS", "LINES", "PYTHONDONTWRITEBYTECODE")
_ANSWERS = {"?2026$p": b"\x1b[?2026;2$y", "?2048$p": b"\x1b[?2048;0$y"}


class Grid:
    """What stands on a screen: characters in cells, without colours."""

    def __init__(self, columns: int, rows: int) -> None:
        self._columns = columns
        self._rows = [[" "] * columns for _ in range(rows)]
        self._x = self._y = 0
        self._rest = ""
        self.questions: list[str] = []  # of the program, not answered yet

    def row(self, y: int) -> str:
        return "".join(self._rows[y])

    def text(self) -> str:
        return "\n".join("".join(row) for row in self._rows)

    def feed(self, text: str) -> None:
        text, at = self._rest + text, 0
        while token := _TOKEN.match(text, at):
            at = token.end()
            if token["text"] is not None:
                self._write(token["text"])
            elif token["what"] is not None:
                self._obey(token["given"], token["what"])
        self._rest = text[at:]

    def _obey(self, given: str, what: str) -> None:
        if what == "H":
            y, _, x = given.partition(";")
            self._y, self._x = int(y or 1) - 1, int(x or 1) - 1
        elif what == "J":
            self._rows = [[" "] * self._columns for _ in self._rows]
        elif what == "K":
            self._rows[self._y][self._x :] = [" "] * (self._columns - self._x)
        elif given + what in _ANSWERS:
            self.questions.append(given + what)

    def _write(self, text: str) -> None:
        for char in text:
            if char == "\n":
                self._y += 1
            elif char == "\r":
                self._x = 0
            elif char >= " " and self._y < len(self._rows) and self._x < self._columns:
                cells = 1 if char < "\u0300" else cell_len(char)
                row = self._rows[self._y]
                row[self._x : self._x + cells] = [char, ""][:cells]
                self._x += cells


class Terminal:
    """`with Terminal(arguments, columns, rows) as terminal:` the program runs until the end of the block."""

    def __init__(
        self, arguments: Sequence[str], columns: int, rows: int, environment: Mapping[str, str] | None = None
    ) -> None:
        self.grid = Grid(columns, rows)
        self.bytes = 0
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self.began = time.perf_counter()
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
            own = {"TERM": "xterm-256color", "COLORTERM": "truecolor", **(environment or {})}
            passed = {name: value for name, value in os.environ.items() if name not in _NOT_OURS}
            os.execve(arguments[0], list(arguments), passed | own)  # noqa: S606 - the caller's own program

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + 3.0
        while not os.waitpid(self.pid, os.WNOHANG)[0]:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
                break
            self.read(0.05)
        os.close(self._fd)

    def read(self, patience: float) -> float | None:
        """Draw what the program wrote; when it could be read, or None after `patience` s of silence."""
        if not select.select([self._fd], [], [], max(0.0, patience))[0]:
            return None
        try:
            data = os.read(self._fd, READ)
        except OSError:  # the program has ended
            data = b""
        at = time.perf_counter()
        if not data:
            time.sleep(max(0.0, patience))
            return None
        self.bytes += len(data)
        self.grid.feed(self._decode(data))
        for question in self.grid.questions:
            os.write(self._fd, _ANSWERS[question])
        self.grid.questions.clear()
        return at

    def press(self, keys: str) -> None:
        os.write(self._fd, keys.encode())

    def settle(self, quiet: float = QUIET_S) -> None:
        """Until the program has been silent for so long (s), or is never silent."""
        deadline = time.monotonic() + 2.0
        while self.read(quiet) is not None and time.monotonic() < deadline:
            pass

    def until(self, there: Callable[[Grid], bool], what: str) -> float:
        """When the screen became so. Raises RuntimeError, with the screen, when it does not."""
        deadline = time.monotonic() + PATIENCE_S
        at = time.perf_counter()
        while not there(self.grid):
            at = self.read(deadline - time.monotonic()) or at
            if time.monotonic() >= deadline:
                raise RuntimeError(f"{what}: not within {PATIENCE_S:.0f} s\n{self.grid.text()}")
        return at

    def sees(self, text: str) -> float:
        return self.until(lambda grid: text in grid.text(), repr(text))

    def timed(self, keys: str, there: Callable[[Grid], bool]) -> float:
        """Seconds from these keys to the screen that is waited for."""
        began = time.perf_counter()
        self.press(keys)
        return self.until(there, f"after {keys!r}") - began
