"""What somebody else wrote, without what could do something: escapes, controls, bidi overrides, many marks.

Nothing here removes the danger from the *stored* text; it decides what is *shown*, on the screen (`text.py`)
and in the lines that commands print.

What is shown has a width on which terminals agree: variation selectors and skin tones are dropped, a
joined emoji comes apart, a flag becomes its two letters, and what is wide in one terminal and narrow in
another becomes a sign.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

from rich.cells import cell_len

from omni_console.widths import DISPUTED, measure_as_terminals_do

measure_as_terminals_do()

LINE_MAX = 4_000  # characters of one line
TEXT_MAX = 40_000  # characters of one text
MARKS_MAX = 3  # combining marks on one character; no living script needs more
TAB = "    "

HIDDEN = "\u237d"  # ⍽ stands for characters of no width
TURN = "\u21c4"  # ⇄ stands for bidi controls
UNKNOWN = "\ufffd"

_BIDI = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_JOINERS = "\u200c\u200d"
_WRITTEN = _JOINERS + "\u00ad"  # of no width, and part of what people write
# Letters by category, nothing by looks: they would let a name seem empty.
_BLANK_LETTERS = frozenset("\u115f\u1160\u3164\uffa0")
_TRAILER = re.compile(r"\s+")
_PLAIN = re.compile(
    r"[\n\x20-\x7e\u00a1-\u00ac\u00ae-\u02ff\u0400-\u0482\u048a-\u052f\u2010-\u2015\u2018-\u201f\u2026]*"
)


@lru_cache(8192)
def _twin(char: str) -> str:
    """What stands for one character that is not a combining mark: itself, a symbol, or nothing."""
    code = ord(char)
    if char == "\n":
        return char
    if char == "\t":
        return TAB
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if char in _BIDI:
        return TURN
    if 0x1F3FB <= code <= 0x1F3FF:  # skin tones: as wide as terminals please
        return ""
    if 0x1F1E6 <= code <= 0x1F1FF:  # flags: the letters of the country
        return chr(ord("A") + code - 0x1F1E6)
    if char in _BLANK_LETTERS:
        return HIDDEN
    if char == "\u2800":
        return " "
    category = unicodedata.category(char)
    if category == "Zs":
        return char if char == "\u3000" else " "
    if category in ("Zl", "Zp"):
        return "\n"
    if category == "Cf":
        return UNKNOWN if 0xE0000 <= code <= 0xE007F else HIDDEN
    if category[0] == "C":
        return UNKNOWN
    if cell_len(char) == 0:
        return HIDDEN
    return char


def _joins(before: str, after: str) -> bool:
    """Is a zero-width (non-)joiner between these two ordinary writing (Persian, Hindi, emoji)?"""
    return bool(before) and bool(after) and before[-1] > "\u02ff" and after > "\u02ff"


def clean(text: str, *, text_max: int = TEXT_MAX, line_max: int = LINE_MAX) -> str:
    """`text` as it may be painted: no control character but the line feed, nothing invisible.

    Longer texts and lines end in "…".
    """
    cut = len(text) > text_max
    if cut:
        text = text[:text_max]
    if "\r" in text:
        text = text.replace("\r\n", "\n")
    if not _PLAIN.fullmatch(text):
        text = _spell(text)
    if cut:
        text += "…"
    if len(text) > line_max:
        text = "\n".join(
            line if len(line) <= line_max else line[:line_max] + "…" for line in text.split("\n")
        )
    return text


def _spell(text: str) -> str:
    out: list[str] = []
    marks = 0
    for index, char in enumerate(text):
        code = ord(char)
        if 0xFE00 <= code <= 0xFE0F or 0xE0100 <= code <= 0xE01EF or code == 0x034F:
            if code == 0x034F and (not out or out[-1] != HIDDEN):
                out.append(HIDDEN)
            continue
        if char in DISPUTED:
            out.append(UNKNOWN)
            continue
        if unicodedata.category(char)[0] == "M":
            marks += 1
            if not out or out[-1] in ("\n", " ", HIDDEN, TURN, UNKNOWN):
                out.append("\u25cc")  # a mark needs something to stand on, and not our frame
            if marks <= MARKS_MAX:
                out.append(char)
            continue
        if char in _JOINERS and _joins(out[-1] if out else "", text[index + 1 : index + 2]):
            continue
        twin = _twin(char)
        if twin:
            marks = 0
        # Mail fillers are hundreds of invisible characters in a row: one sign says enough.
        if twin in (HIDDEN, TURN) and out and out[-1] == twin:
            continue
        if twin:
            out.append(twin)
    return "".join(out)


def clean_line(text: str, *, line_max: int = LINE_MAX) -> str:
    """`text` on one line: every run of white space is one space."""
    return _TRAILER.sub(" ", clean(text[: line_max * 2], line_max=line_max)).strip()[:line_max]


def typed(text: str) -> str:
    """What an operator pastes or a stored draft holds, fit for an editor: one character for one."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if _PLAIN.fullmatch(text):
        return text
    return "".join(char if char in "\n\t" else _editable(char) for char in text)


@lru_cache(4096)
def _editable(char: str) -> str:
    category = unicodedata.category(char)
    if category in ("Cc", "Cs", "Cn", "Co") or char in _BIDI:
        return _twin(char) or UNKNOWN
    if category == "Cf" and char not in _WRITTEN:
        return _twin(char)  # invisible: nobody shall send what he does not see
    return char
