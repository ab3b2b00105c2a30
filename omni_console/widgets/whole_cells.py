"""Scrollbars that end where a cell ends.

Textual ends them within a cell, by a block of so many eighths. On the terminal's own ground and without
colour that is a stray line under the list, and fonts that lack these blocks show whatever they like.
"""

from __future__ import annotations

from typing import ClassVar

from textual.scrollbar import ScrollBarRender


class WholeCells(ScrollBarRender):
    VERTICAL_BARS: ClassVar[list[str]] = [" "]
    HORIZONTAL_BARS: ClassVar[list[str]] = [" "]
