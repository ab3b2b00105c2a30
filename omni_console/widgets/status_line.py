"""The top line: the views with their counts, the channels' health, who sits here."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.message import Message

from omni_console.desk import Desk
from omni_console.i18n import _
from omni_console.keymap import key_for
from omni_console.server_words import said_by_server
from omni_console.state_words import presence_word, view_word
from omni_console.text import safe_line
from omni_console.timing import Clock
from omni_console.views import VIEWS
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line, spread, width_of
from server.protocol import ChannelInfo, View

GOOD = ("connected", "starting")


def _ailment(channel: ChannelInfo) -> str:
    """What is wrong, where somebody must act: everything else ends by itself."""
    if channel.state == "bad_credentials":
        return _("{channel}: login refused").format(channel=channel.title)
    return channel.title


class StatusLine(Lines):
    class ViewChosen(Message):
        def __init__(self, view: View) -> None:
            super().__init__()
            self.view = view

    def __init__(self, desk: Desk, clock: Clock) -> None:
        super().__init__(id="status")
        self.desk = desk
        self.clock = clock
        self.view: View = "mine"
        self.online = False

    def show_view(self, view: View) -> None:
        self.view = view
        self.changed()

    def lay_out(self, width: int) -> list[Line]:
        right = self._right(short=width < 100)
        room = width - width_of(right) - 1
        for detail in (2, 1, 0):
            left: Line = []
            for view in VIEWS:
                left.extend(self._tab(view, detail))
            if width_of(left) <= room:
                break
        return [spread(left, right, width)]

    def _tab(self, view: View, detail: int) -> Line:
        counts = self.desk.counts
        number = {"mine": counts.mine, "queue": counts.queue, "waiting": counts.waiting}.get(view)
        label = view_word(view)
        if view == "spam" and self.view != "spam":
            return []  # looked at on purpose, and not all day long
        text = label if number is None else f"{label} {number}"
        if view == "queue" and detail and number and counts.oldest_queued_at is not None:
            age = self.clock.age(counts.oldest_queued_at)
            text += " " + (_("(oldest {age})").format(age=age) if detail == 2 else f"({age})")
        role = "active" if view == self.view else "strong" if number and view != "waiting" else "dim"
        return [(safe_line(text, before=" ", after=" "), role), (Content(" " if detail else ""), "base")]

    def _right(self, *, short: bool) -> Line:
        out: Line = []
        if self.desk.trouble:
            out += [(safe_line("! " + said_by_server(self.desk.trouble)), "bad"), (Content("   "), "base")]
        if self.desk.mentions:
            text = _("@ {n} ({key})").format(n=self.desk.mentions, key=key_for("mentions.open"))
            out += [(safe_line(text), "accent"), (Content("   "), "base")]
        if self.desk.inbox:
            text = _("≈ {n} ({key})").format(n=self.desk.inbox, key=key_for("identity.open"))
            out += [(safe_line(text), "note"), (Content("   "), "base")]
        if self.desk.counts.due:
            text = _("{n} due").format(n=self.desk.counts.due)
            out += [(safe_line(text), "bad"), (Content("   "), "base")]
        if self.desk.counts.late or self.desk.counts.at_risk:
            parts = [
                _("{n} late").format(n=self.desk.counts.late) if self.desk.counts.late else "",
                _("{n} at risk").format(n=self.desk.counts.at_risk) if self.desk.counts.at_risk else "",
            ]
            role = "bad" if self.desk.counts.late else "note"
            out += [(safe_line(", ".join(filter(None, parts))), role), (Content("   "), "base")]
        if self.desk.counts.unsettled:
            text = _("{n} to decide ({key})").format(n=self.desk.counts.unsettled, key=key_for("outbox.open"))
            out += [(safe_line(text, before="✗ "), "bad"), (Content("   "), "base")]
        ill = [channel for channel in self.desk.channels.values() if channel.state not in GOOD]
        if ill:
            words = ", ".join(_ailment(channel) for channel in ill[:2])
            out += [(safe_line("✗ " + words), "bad"), (Content("   "), "base")]
        elif self.desk.channels and not short:
            out += [(Content(_("all channels ✓")), "dim"), (Content("   "), "base")]
        me = self.desk.operator
        if me is not None and me.presence is not None and self.online:
            out += [(safe_line(presence_word(me.presence)), "dim" if me.presence == "available" else "note")]
            if me.room:
                full = self.desk.counts.mine >= me.room
                load = f"{self.desk.counts.mine}/{me.room}"
                out += [(safe_line(load, before=" "), "note" if full else "dim")]
            out += [(Content("   "), "base")]
        name = me.name if me else ""
        state = "" if self.online else _("offline")
        if state:
            out += [(Content("○ " + state), "bad"), (Content("  "), "base")]
        out += [(safe_line(name), "strong"), (Content(" "), "base")]
        return out

    def on_click(self, event: events.Click) -> None:
        at = 0
        for view in VIEWS:
            at += width_of(self._tab(view, 2))
            if event.x < at:
                self.post_message(self.ViewChosen(view))
                return
