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
from omni_console.widgets.fitting import Part, fitted
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line, spread, width_of
from server.protocol import ChannelInfo, View

TROUBLE_MAX = 24  # characters of it that are always there
GOOD = ("connected", "starting")


def _ailment(channel: ChannelInfo) -> str:
    """What is wrong, where somebody must act: everything else ends by itself."""
    if channel.state == "bad_credentials":
        return _("{channel}: login refused").format(channel=said_by_server(channel.title))
    return said_by_server(channel.title)


FILTER_CELLS = (60, 40, 24, 12)  # of the filter in force, by how much room there is


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
        self.place = "mine"
        self.online = False
        self._ends: list[tuple[int, str]] = []  # where each view ends on the screen

    def show_view(self, view: View, place: str = "") -> None:
        self.view = view
        self.place = place or view
        self.changed()

    def lay_out(self, width: int) -> list[Line]:
        tabs, right = self._tabs(), self._right()
        lines = fitted([*tabs, *right], width)
        left: Line = []
        self._ends = []
        for part, line in zip(tabs, lines, strict=False):
            left += line
            self._ends.append((width_of(left), part.name))
        return [spread(left, [piece for line in lines[len(tabs) :] for piece in line], width)]

    # --- the views ------------------------------------------------------------------------------------

    def _tabs(self) -> list[Part]:
        return [*(part for view in VIEWS for part in self._tab(view)), *self._saved()]

    def _tab(self, view: View) -> list[Part]:
        """The one that is shown stays; `closed` and `all` have no number and can go."""
        counts = self.desk.counts
        number = {"mine": counts.mine, "queue": counts.queue, "waiting": counts.waiting}.get(view)
        if view == "spam" and self.place != "spam":
            return []  # looked at on purpose, and not all day long
        role = "active" if view == self.place else "strong" if number and view != "waiting" else "dim"
        text = view_word(view) if number is None else f"{view_word(view)} {number}"
        forms: list[Line] = [[(safe_line(text, before=" ", after=" "), role)]]
        found = [Part(view, {"closed": 30, "all": 31, "waiting": 50}.get(view, 70), forms)]
        if view not in ("mine", "queue", self.place):
            forms.append([])
        if view == "queue" and number and counts.oldest_queued_at is not None:
            age = self.clock.age(counts.oldest_queued_at)
            ages = (_("(oldest {age})").format(age=age), f"({age})")
            # Words go before anything else does; how long it is stays.
            found.append(Part(view, 8, [[(safe_line(one, after=" "), role)] for one in ages]))
        found.append(Part(view, 7, [[(Content(" "), "base")], []]))
        return [*found, *(self._filter() if view == self.place else ())]

    def _filter(self) -> list[Part]:
        """What the list on the screen is filtered by, in as many cells as there may be."""
        narrowed = self.desk.window(self.place).narrowed
        if narrowed is None:
            return []
        texts = dict.fromkeys(_cut(narrowed.typed, cells) for cells in FILTER_CELLS)
        forms: list[Line] = [
            [(safe_line(text, before="\\ ", after=" "), "accent"), (Content(" "), "base")] for text in texts
        ]
        return [Part(self.place, 45, forms)]

    def _saved(self) -> list[Part]:
        """The saved view that is on the screen; the others are reached by walking, or from their list."""
        saved = next((one for one in self.desk.saved_views if str(one.id) == self.place), None)
        if saved is None:
            return []
        name: Line = [(safe_line(saved.name, before=" ", after=" "), "active"), (Content(" "), "base")]
        narrowed = self.desk.window(self.place).narrowed
        changed = narrowed is not None and narrowed.typed != saved.filter
        return [Part(self.place, 70, [name]), *(self._filter() if changed else ())]

    # --- what else there is ---------------------------------------------------------------------------

    def _right(self) -> list[Part]:
        return [*self._news(), *self._channels(), *self._self()]

    def _news(self) -> list[Part]:
        """What somebody must act on: said shorter, and never dropped."""
        desk, counts = self.desk, self.desk.counts
        found = []
        if desk.trouble:
            why = said_by_server(desk.trouble)
            found.append(_part("trouble", 25, "bad", "! " + why, "! " + _cut(why)))
        if desk.mentions:
            text = _("@ {n} ({key})").format(n=desk.mentions, key=key_for("mentions.open"))
            found.append(_part("mentions", 60, "accent", text, f"@ {desk.mentions}"))
        if desk.inbox:
            text = _("≈ {n} ({key})").format(n=desk.inbox, key=key_for("identity.open"))
            found.append(_part("inbox", 20, "note", text, f"≈ {desk.inbox}", ""))
        if counts.due:
            found.append(_part("due", 80, "bad", _("{n} due").format(n=counts.due)))
        late = _("{n} late").format(n=counts.late) if counts.late else ""
        risk = _("{n} at risk").format(n=counts.at_risk) if counts.at_risk else ""
        if late or risk:
            whole = ", ".join(filter(None, (late, risk)))
            found.append(_part("deadlines", 75, "bad" if late else "note", whole, late or risk))
        if counts.unsettled:
            text = _("{n} to decide ({key})").format(n=counts.unsettled, key=key_for("outbox.open"))
            found.append(_part("outbox", 65, "bad", "✗ " + text, f"✗ {counts.unsettled}"))
        return found

    def _channels(self) -> list[Part]:
        ill = [channel for channel in self.desk.channels.values() if channel.state not in GOOD]
        if ill:
            first, more = _ailment(ill[0]), len(ill) - 1
            words = ", ".join(_ailment(channel) for channel in ill[:2])
            return [_part("ill", 85, "bad", "✗ " + words, f"✗ {first}" + (f" +{more}" if more else ""))]
        if self.desk.channels:
            return [_part("channels", 5, "dim", _("all channels ✓"), "")]
        return []

    def _self(self) -> list[Part]:
        found, me = [], self.desk.operator
        if me is not None and me.presence is not None and self.online:
            word, usual = presence_word(me.presence), me.presence == "available"
            full = bool(me.room) and self.desk.counts.mine >= me.room
            load = f"{self.desk.counts.mine}/{me.room}" if me.room else ""
            whole: Line = [
                (safe_line(word), "dim" if usual else "note"),
                (safe_line(load, before=" " if load else ""), "note" if full else "dim"),
                (Content("   "), "base"),
            ]
            forms = (whole, _text("dim", load)) if usual else (whole, _text("note", word))
            found.append(Part("presence", 40, (*forms, []) if usual else forms))
        if not self.online:
            found.append(_part("offline", 99, "bad", "○ " + _("offline")))
        name = me.name if me else ""
        found.append(
            Part(
                "name",
                10,
                tuple(
                    [(safe_line(text, after=" "), "strong")] if text else []
                    for text in dict.fromkeys((name, name.split(" ")[0], ""))
                ),
            )
        )
        return found

    def on_click(self, event: events.Click) -> None:
        for end, view in self._ends:
            if event.x < end:
                for known in VIEWS:
                    if known == view:
                        self.post_message(self.ViewChosen(known))
                return


def _cut(text: str, cells: int = TROUBLE_MAX) -> str:
    return text if len(text) <= cells else text[: cells - 1].rstrip() + "…"


def _text(role: str, text: str) -> Line:
    return [(safe_line(text), role), (Content("   "), "base")] if text else []


def _part(name: str, weight: int, role: str, *texts: str) -> Part:
    return Part(name, weight, tuple(_text(role, text) for text in texts))
