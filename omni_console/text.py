"""The only door from somebody else's text to the screen.

Whatever a customer, a provider or a colleague wrote may hold terminal escapes, Textual markup, bidi
overrides or ten thousand combining marks. It is cleaned (`cleaning.py`) and comes out as `Content`, which
Textual never parses as markup. A lint test forbids every other way (tests/console/test_text_lint.py).
"""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content

from omni_console.cleaning import clean, clean_line


def safe_text(text: str) -> Content:
    """Text of several lines, as it may be painted."""
    return Content(clean(text))


def safe_line(text: str, *, before: str = "", after: str = "") -> Content:
    """Names, subjects, previews, addresses, file names: one line, as it may be painted.

    `before` and `after` are ours: the space around it, a sign.
    """
    return Content(before + clean_line(text, line_max=500) + after)


def already_clean(line: str) -> Content:
    """A part of what `clean` or `clean_line` made; the spaces at its ends stay."""
    return Content(line)


def short_name(name: str, cells: int) -> Content:
    """A name in at most `cells` cells: whole, or its first word."""
    whole = clean_line(name, line_max=200)
    first = whole.split(" ")[0]
    if cell_len(whole) <= cells or not any(char.isalpha() for char in first):
        return Content(whole).truncate(cells, ellipsis=True)
    return Content(first).truncate(cells, ellipsis=True)


def fit(content: Content, width: int) -> Content:
    """Exactly `width` cells: cut with an ellipsis, or filled up with spaces."""
    if width <= 0:
        return Content("")
    cut = content.truncate(width, ellipsis=True)
    missing = width - cell_len(cut.plain)
    return cut.pad_right(missing) if missing > 0 else cut
