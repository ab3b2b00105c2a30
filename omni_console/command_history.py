"""Commands that were typed, kept over restarts in a file that only its owner reads.

What somebody writes behind `note` or `reply` is for a conversation: it is remembered until the console
ends, and not written down.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from omni_console.command_line import Order
from omni_console.own_files import append_private, write_private

KEPT = 500
_WORDS_STAY_HERE = frozenset({"note.start", "reply.start"})


class CommandHistory:
    """`path` None: kept until the console ends. A file that cannot be read or written is the same."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lines: list[str] = []
        if path is not None:
            with contextlib.suppress(OSError):
                text = path.read_text(encoding="utf-8", errors="replace")
                self._lines = [line for line in text.splitlines() if line.strip()]
            if len(self._lines) > 2 * KEPT:
                self._lines = self._lines[-KEPT:]
                with contextlib.suppress(OSError):
                    write_private(path, "".join(line + "\n" for line in self._lines))

    def add(self, line: str, order: Order) -> None:
        line = " ".join(line.splitlines())
        if not self._lines or self._lines[-1] != line:
            self._lines.append(line)
            writable = order.action.id not in _WORDS_STAY_HERE or not order.words
            if self._path is not None and writable:
                with contextlib.suppress(OSError):
                    append_private(self._path, line + os.linesep)

    def beginning(self, start: str) -> list[str]:
        """Those that begin so, the newest first, each once."""
        return list(dict.fromkeys(line for line in reversed(self._lines) if line.startswith(start)))
