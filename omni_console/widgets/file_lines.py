"""How a file looks wherever one is named: pure."""

from __future__ import annotations

from textual.content import Content

from omni_console.i18n import N_, _
from omni_console.server_words import said_by_server
from omni_console.text import safe_line
from omni_console.widgets.paint import Line, cut, width_of
from server.protocol import CustomerFile, File

# What a file turns out to be, where that is worth a word.
_NATURES = {
    "application/vnd.microsoft.portable-executable": N_("a Windows program"),
    "application/x-executable": N_("a program"),
    "application/octet-stream": N_("nothing known"),
    "text/html": N_("a web page"),
    "text/plain": N_("plain text"),
}
SIDES_FROM = 40  # cells of a line from which there is room for width and height


def size(count: int) -> str:
    if count < 1024:
        return _("{n} B").format(n=count)
    if count < 1024 * 1024:
        return _("{n} KB").format(n=round(count / 1024))
    return _("{n} MB").format(n=round(count / 1024 / 1024, 1))


def sides(file: File | CustomerFile) -> str:
    """ "1280×960", of what is seen; else empty."""
    return f"{file.width}×{file.height}" if file.width and file.height else ""


def contradiction(file: File | CustomerFile) -> str:
    """That its sender, or its name, says something else than its bytes; else empty."""
    if not file.stated:
        return ""
    return _("by its content {type}, though sent as {stated}").format(
        type=_found(file.content_type), stated=file.stated
    )


def nature(file: File | CustomerFile) -> str:
    """Its type; with a sign where that is not what it was sent as. For where there is no room to say more."""
    return f"! {_found(file.content_type)}" if file.stated else file.content_type


def _found(content_type: str) -> str:
    return _(_NATURES[content_type]) if content_type in _NATURES else content_type


def file_lines(file: File, room: int, *, whole: bool) -> list[Line]:
    """`whole`: with its type, where that is not told anyway."""
    tail: Line = [(Content("  " + size(file.size)), "dim")]
    if whole and not file.stated:
        tail.insert(0, (safe_line(file.content_type, before="  "), "dim"))
    if file.problem:
        tail.append((safe_line(said_by_server(file.problem), before="  "), "bad"))
    if room >= SIDES_FROM and sides(file):
        tail.insert(0, (safe_line(sides(file), before="  "), "dim"))
    lead = Content("+ ")
    name = safe_line(file.name or file.kind)
    left = max(4, room - 2 - width_of(tail))
    lines = [cut([(lead, "accent"), (name.truncate(left, ellipsis=True), "base"), *tail], room)]
    parts = safe_line(contradiction(file)).wrap(max(8, room - 2)) if file.stated else []
    return lines + [[(Content("  "), "base"), (part, "bad")] for part in parts]
