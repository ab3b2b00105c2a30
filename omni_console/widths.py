"""How wide characters are: as terminals have it, where Rich thinks otherwise.

Signs that stand beside a letter (Unicode category Mc: vowels of Hindi, Tamil, Bengali, Burmese, Khmer and
forty more scripts) take a cell in tmux and in everything that asks the C library; Rich counts none, and a
line of Hindi pushes what is right of it out of its column. A terminal outside tmux that gives them no cell
shows such a line a little short instead.

Where terminals themselves differ by their age, no number is right: `DISPUTED` is shown as a sign for it.
tests/console/test_columns.py asks a real terminal.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from rich import cells
from rich._unicode_data import load as rich_table

# Wide since Unicode 16, narrow before: the symbols of the I Ching and counting rods; circled numbers on black
# squares, which some take for wide; marks of tone that the C library gives two cells.
DISPUTED = frozenset(
    chr(code)
    for first, last in (
        (0x2630, 0x2637), (0x268A, 0x268F), (0x302E, 0x302F), (0x3248, 0x324F), (0x4DC0, 0x4DFF),
        (0x16FF0, 0x16FF1), (0x1D300, 0x1D356), (0x1D360, 0x1D376),
    )
    for code in range(first, last + 1)
)  # fmt: skip


def _spacing(code: int) -> bool:
    return unicodedata.category(chr(code)) == "Mc"


@lru_cache
def _table(unicode_version: str = "auto") -> cells.CellTable:
    """Rich's table, in which spacing marks are one cell wide; in order, as it is searched."""
    known = rich_table(unicode_version)
    widths: list[tuple[int, int, int]] = []
    for first, last, width in known.widths:
        if width != 0:
            widths.append((first, last, width))
            continue
        start = first
        for code in range(first, last + 1):
            if _spacing(code):
                if start < code:
                    widths.append((start, code - 1, 0))
                widths.append((code, code, 1))
                start = code + 1
        if start <= last:
            widths.append((start, last, 0))
    return known._replace(widths=widths)


def measure_as_terminals_do() -> None:
    """From now on, for everything that is laid out in this process. Twice is as once."""
    setattr(cells, "load_cell_table", _table)  # noqa: B010 - a name that Rich does not export
    for memory in (cells.get_character_cell_size, cells.cached_cell_len):
        memory.cache_clear()
