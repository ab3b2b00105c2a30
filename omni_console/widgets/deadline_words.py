"""How much of a deadline is left, in a few cells. Pure."""

from __future__ import annotations

from omni_console.i18n import _
from omni_console.text import safe_line
from omni_console.timing import Clock, duration
from omni_console.widgets.paint import Line
from server.protocol import Conversation, Deadline

NEAR_MS = 24 * 60 * 60_000  # what is due later is no news in a list


def left(row: Conversation, clock: Clock) -> Line:
    """In a list, in the place of the waiting time: "12m left", "late 2h05"; nothing where it is far off."""
    deadline = row.deadline
    if deadline is None or deadline.due_at - clock.now() > NEAR_MS:
        return []
    return [(safe_line(_time(deadline, clock)), _role(deadline, clock))]


def named(row: Conversation, clock: Clock) -> Line:
    """In the header: "first reply 12m left"."""
    deadline = row.deadline
    if deadline is None:
        return []
    text = f"{kind_words(deadline.kind)} {_time(deadline, clock)}"
    return [(safe_line(text, before="  ", after=" "), _role(deadline, clock))]


def kind_words(kind: str) -> str:
    return {
        "first_reply": _("first reply"),
        "next_reply": _("next reply"),
        "resolution": _("resolution"),
    }.get(kind, kind)


def _time(deadline: Deadline, clock: Clock) -> str:
    now = clock.now()
    if deadline.due_at <= now:
        return _("late {age}").format(age=clock.age(deadline.due_at))
    return _("{time} left").format(time=duration(deadline.due_at - now))


def _role(deadline: Deadline, clock: Clock) -> str:
    if deadline.due_at <= clock.now():
        return "bad"
    return "dim" if deadline.level == "running" else "note"
