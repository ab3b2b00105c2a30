"""Names of states that more than one place shows: views, priorities, how an operator is."""

from __future__ import annotations

from typing import get_args

from omni_console.i18n import _
from server.protocol import Presence, Priority, View

STATES: tuple[Presence, ...] = ("available", "pause", "away", "offline")
PRIORITIES: tuple[Priority, ...] = get_args(Priority)
SPAM_ANSWERS = ("bar", "mark", "back")


def presence_word(state: Presence) -> str:
    return {
        "available": _("available"),
        "pause": _("pause"),
        "away": _("away"),
        "offline": _("not working"),
    }[state]


def priority_word(priority: Priority) -> str:
    return {"urgent": _("urgent"), "high": _("high"), "normal": _("normal"), "low": _("low")}[priority]


def view_word(view: View) -> str:
    return {
        "mine": _("mine"),
        "queue": _("queue"),
        "waiting": _("waiting"),
        "all": _("all"),
        "closed": _("closed"),
        "spam": _("spam"),
    }[view]
