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


def strip_of(widget: Widget, line: Line, width: int, *states: str) -> Strip:
    """`line` exactly `width` cells wide, in the colours of `widget`; `states` are laid over each role."""
    segments = []
    for content, role in line:
        names = () if role == "base" else (f"line--{role}",)
        style = widget.get_visual_style(*names, *(f"line--{state}" for state in states))
        segments.extend(content.render_segments(style))
    rest = widget.get_visual_style(*(f"line--{state}" for state in states)).rich_style
    return Strip(segments).adjust_cell_length(width, rest)
