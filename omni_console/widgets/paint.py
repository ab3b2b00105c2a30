"""A line on the screen: pieces of safe content, each with the role that decides its looks.

A role is a component class of the widget that paints (styles/*.tcss gives it colours). Whoever lays out
lines knows roles and widths, and no colours.
"""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.strip import Strip
from textual.widget import Widget

from omni_console.text import fit

Piece = tuple[Content, str]
Line = list[Piece]


def width_of(line: Line) -> int:
    return sum(cell_len(content.plain) for content, _role in line)


def spread(left: Line, right: Line, width: int, role: str = "base") -> Line:
    """`left` and `right` at the two ends of `width` cells; `left` gives way when there is no room."""
    room = width - width_of(right)
    out: Line = []
    for content, piece_role in left:
        cells = cell_len(content.plain)
        if cells > room:
            out.append((fit(content, room), piece_role))
            room = 0
            break
        out.append((content, piece_role))
        room -= cells
    if room > 0:
        out.append((Content(" " * room), role))
    return [*out, *right]


def balanced(left: Line, right: Line, width: int) -> Line:
    """As `spread`, but what stands at the right leaves the left at least a third."""
    room, kept = width * 2 // 3, []
    for content, role in right:
        cut = content.truncate(room, ellipsis=True) if room > 0 else Content("")
        kept.append((cut, role))
        room -= cell_len(cut.plain)
    return spread(left, kept, width)


def cut(line: Line, width: int) -> Line:
    """`line`, or as much of it as there is room for, and then an ellipsis; spaces at its end are no loss."""
    if width <= 0:
        return []
    words = "".join(content.plain for content, _role in line).rstrip()
    if cell_len(words) <= width:
        return line
    kept: Line = []
    for content, role in line:
        room = width - width_of(kept)
        if cell_len(content.plain) >= room:
            # Never whole, even where this piece just fits: more of the line is to come.
            return [*kept, (content.truncate(room - 1).rstrip(), role), (Content("…"), role)]
        kept.append((content, role))
    return kept


def strip_of(widget: Widget, line: Line, width: int, *states: str) -> Strip:
    """`line` exactly `width` cells wide, in the colours of `widget`; `states` are laid over each role."""
    strip = _painted(widget, line, states)
    if strip.cell_length > width:
        strip = _painted(widget, cut(line, width), states)
    rest = widget.get_visual_style(*(f"line--{state}" for state in states)).rich_style
    return strip.adjust_cell_length(width, rest)


def _painted(widget: Widget, line: Line, states: tuple[str, ...]) -> Strip:
    segments = []
    for content, role in line:
        names = () if role == "base" else (f"line--{role}",)
        style = widget.get_visual_style(*names, *(f"line--{state}" for state in states))
        segments.extend(content.render_segments(style))
    return Strip(segments)
