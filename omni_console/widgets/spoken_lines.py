"""Calls, visits and letters on paper in the history: what it was, how long, and what came of it. Pure."""

from __future__ import annotations

from omni_console.i18n import _
from omni_console.text import safe_line
from omni_console.widgets.paint import Line
from server.protocol import Message


def spoken(message: Message, room: int) -> list[Line]:
    """The line over the text; nothing for what is simply a message."""
    if message.kind_of_event in ("message", "scheduled", ""):
        return []
    detail = message.detail
    kind = {
        "call": _("call"),
        "visit": _("visit to the office"),
        "paper": _("letter on paper"),
        "contact": _("contact"),
        "unsupported": _("cannot be shown here"),
    }.get(message.kind_of_event, message.kind_of_event)
    result = {
        "answered": _("answered"),
        "missed": _("missed"),
        "busy": _("busy"),
        "voicemail": _("voicemail"),
        "failed": _("failed"),
    }.get(detail.get("result", ""), detail.get("result", ""))
    seconds = detail.get("duration_s", "")
    long = ""
    if seconds.isascii() and seconds.isdecimal() and int(seconds[:9]):
        minutes, rest = divmod(int(seconds[:9]), 60)
        long = _("{minutes}:{seconds} min").format(minutes=minutes, seconds=f"{rest:02}")
    words = " · ".join(part for part in (kind, long, result) if part)
    lines: list[Line] = [[(part, "dim")] for part in safe_line(words).wrap(room)]
    if detail.get("recording"):
        lines += [[(part, "dim")] for part in safe_line(detail["recording"]).wrap(room)]
    return lines
