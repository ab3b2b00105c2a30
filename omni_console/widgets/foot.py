"""Keys and what they do, drawn the same way at the foot of every screen, window and form."""

from __future__ import annotations

from collections.abc import Iterable

from textual.content import Content

from omni_console.text import safe_line, safe_text
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line, width_of

Hint = tuple[str, str]  # a key as it is shown, and what it does


def hint(key: str, does: str) -> Line:
    return [(safe_line(key), "strong"), (safe_line(does, before=" ", after="   "), "dim")]


def hints_in(hints: Iterable[Hint], width: int) -> Line:
    """On one line, as many as there is room for; the last one is kept, since it leads out."""
    pieces = [hint(*one) for one in hints]
    room = width - (width_of(pieces[-1]) if pieces else 0)
    line: Line = []
    for piece in pieces[:-1]:
        if width_of(line) + width_of(piece) <= room:
            line += piece
    return [*line, *pieces[-1]] if pieces else line


def hint_lines(hints: Iterable[Hint], width: int) -> list[Line]:
    """On as many lines as it takes; a key stays with its word."""
    lines: list[Line] = []
    for one in hints:
        piece = hint(*one)
        if not lines or width_of(lines[-1]) + width_of(piece) - 3 > width:
            lines.append([])
        lines[-1] += piece
    return lines


class Foot(Lines):
    """The last lines of a window: a sentence where there is one to say, and always the keys."""

    def __init__(self, *hints: Hint, say: str = "") -> None:
        super().__init__(classes="foot")
        self._hints = hints
        self._said = say
        self._role = "dim"

    def say(self, text: str, role: str = "dim") -> None:
        self._said, self._role = text, role
        self.changed(layout=True)

    def offer(self, *hints: Hint) -> None:
        self._hints = hints
        self.changed(layout=True)

    def lay_out(self, width: int) -> list[Line]:
        said: list[Line] = []
        if self._said:
            said = [[(part, self._role)] for part in safe_text(self._said).wrap(max(8, width))]
        return [*said, *(hint_lines(self._hints, width) or [[(Content(""), "base")]])]
