"""The frame of a pane: who this is, what just went wrong, and to whom one is about to write."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.message import Message as Told

from omni_console.addressees import Addressees
from omni_console.desk import Desk
from omni_console.i18n import _, ngettext
from omni_console.keymap import key_for
from omni_console.server_words import said_by_server
from omni_console.text import fit, safe_line
from omni_console.timing import HOUR, Clock, duration
from omni_console.widgets.company_line import company_line
from omni_console.widgets.deadline_words import named
from omni_console.widgets.fitting import Part, fitted
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line, spread, width_of
from omni_console.widgets.where_stopped import stopped_briefly, stopped_lines
from server.protocol import Conversation, Message, ReplyWay

NEWS_LINES = 3
NAME_MIN = 16  # cells that a customer's name keeps in a narrow pane
CROSS_CELLS = 3  # at the right end of a header, where a click closes the pane
SHORT_TEXT = 1_000  # a limit that one can run into: show it from the first character


class PaneHeader(Lines):
    """The person and the state; then where it stopped, in as many lines as the pane has room for."""

    class Clicked(Told):
        """The operator wants to go there."""

        def __init__(self, sender: PaneHeader) -> None:
            super().__init__()
            self.sender = sender

    class CrossClicked(Told):
        """The operator wants it closed."""

        def __init__(self, sender: PaneHeader) -> None:
            super().__init__()
            self.sender = sender

    def __init__(self, desk: Desk, clock: Clock) -> None:
        super().__init__(classes="pane-header")
        self.desk = desk
        self.clock = clock
        self.conversation_id = 0
        self.only_channel = ""
        self.active = False
        self.awaited = False  # a conversation is on its way here
        self.focused = False  # what is typed goes to this pane
        self.number, self.count = 1, 1
        self._shown = 1  # panes that have room
        self.roomy = False  # where it stopped may take several lines
        self._height = 0

    def changed(self, *, layout: bool = False) -> None:
        height = len(self.lay_out(self.size.width)) if self.is_attached else 0
        super().changed(layout=layout or height != self._height)
        self._height = height

    def among(self, shown: int) -> None:
        """So many panes have room on the screen."""
        if shown != self._shown:
            self._shown = shown
            self.refresh()

    def lay_out(self, width: int) -> list[Line]:
        row = self.desk.conversations.get(self.conversation_id)
        if row is None:
            words = _("loading…") if self.awaited else _("empty")
            empty: Line = [(safe_line(words, before="   "), "name" if self.focused else "dim")]
            return [spread(empty, self._frame(), width)]
        slot = self.desk.slot_of(row.id)
        name = safe_line(row.customer, before=" ", after=" ")
        if not row.customer.strip():
            name = Content(" " + _("(no name)") + " ")
        role = "active" if self.focused else "name" if self.active else "strong"
        number: Line = [
            (Content(f" {slot or ' '}"), "active" if self.focused else "accent" if self.active else "dim")
        ]
        # Whose conversation it is stays, whatever else there is no room for.
        shown = fitted(
            (
                Part("who", 9, ([(name, role)], [(fit(name, NAME_MIN), role)])),
                Part("only", 1, (self._only(), [])),
                Part("urgency", 4, (self._urgency(row), [])),
                Part("doubt", 2, (self._doubt(row), [])),
                Part("due", 3, (named(row, self.clock), [])),
                Part("state", 5, (self._state(row), [])),
                Part("frame", 8, (self._frame(),)),
            ),
            width - width_of(number) - 1,
        )
        left: Line = [*number, *shown[0], (Content(" "), "base")]
        state = [piece for part in shown[1:] for piece in part]
        company = company_line(self.desk, row.id, width - width_of(left) - width_of(state))
        state = [*company, *state]
        left += self._addresses(row, width - width_of(left) - width_of(state))
        first = spread(left, state, width)
        stopped = stopped_lines if self.roomy else stopped_briefly
        return [first, *stopped(row, self.desk, self.clock, width)]

    def _frame(self) -> Line:
        """Which of the panes this is, where not all are on the screen; a cross for the mouse."""
        hidden: Line = []
        if self.active and self._shown < self.count:
            hidden = [(safe_line(f"{self.number}/{self.count}", before=" ", after=" "), "accent")]
        return [*hidden, (Content("× "), "off")] if self.count > 1 else hidden

    def on_click(self, event: events.Click) -> None:
        on_cross = self.count > 1 and event.y == 0 and event.x >= self.size.width - CROSS_CELLS
        self.post_message(self.CrossClicked(self) if on_cross else self.Clicked(self))

    @staticmethod
    def _urgency(row: Conversation) -> Line:
        words = {"urgent": _("urgent"), "high": _("high"), "low": _("low")}.get(row.priority)
        if words is None:
            return []
        return [(safe_line(words, before="  ", after=" "), "bad" if row.priority == "urgent" else "note")]

    @staticmethod
    def _doubt(row: Conversation) -> Line:
        if not row.doubted or row.spam:
            return []
        return [(safe_line(_("spam?"), before="  ", after=" "), "note")]

    def _addresses(self, row: Conversation, room: int) -> Line:
        out: Line = []
        for way in self.desk.ways.get(row.id, [])[:3]:
            piece: Line = [
                (safe_line(way.mark), "mark"),
                (safe_line(said_by_server(way.label), before=" "), "dim"),
                (Content("  "), "base"),
            ]
            if width_of(out) + width_of(piece) > room:
                break
            out += piece
        return out or [(safe_line(" ".join(row.marks) or row.mark), "mark")]

    def _state(self, row: Conversation) -> Line:
        if row.spam:
            return [(safe_line(_("spam"), before=" ", after=" "), "note")]
        if row.state == "open" and row.waiting_since:
            text = _("waits {age}").format(age=self.clock.age(row.waiting_since))
            return [(Content(f" {text} "), "accent" if self.desk.unread(row) else "strong")]
        if row.state == "snoozed" and row.snooze_until:
            text = _("until {when}").format(when=self.clock.moment(row.snooze_until))
            return [(Content(f" {text} "), "note")]
        if row.state == "waiting":
            text = _("silent {age}").format(age=self.clock.age(row.sort_at))
            return [(Content(f" {text} "), "dim")]
        words = {
            "open": _("open"),
            "snoozed": _("snoozed"),
            "closed": _("closed"),
        }[row.state]
        return [(Content(f" {words} "), "dim")]

    def _only(self) -> Line:
        if not self.only_channel:
            return []
        channel = self.desk.channels.get(self.only_channel)
        title = said_by_server(channel.title) if channel else self.only_channel
        text = _("only {channel} ({key})").format(channel=title, key=key_for("history.channels"))
        return [(safe_line(text, before=" "), "note")]


class Notice(Lines):
    """What the operator must know before the reply can go: a few lines, only while they matter."""

    def __init__(self) -> None:
        super().__init__(classes="notice")
        self.text = ""
        self.news: list[Message] = []
        self.reasons: list[str] = []
        self.bad = False
        self.display = False

    def say(
        self,
        text: str,
        *,
        news: list[Message] | None = None,
        reasons: list[str] | None = None,
        bad: bool = True,
    ) -> None:
        self.text = text
        self.news = news or []
        self.reasons = reasons or []
        self.bad = bad
        self.display = True
        self.changed(layout=True)

    def clear(self) -> None:
        if self.display:
            self.text = ""
            self.news = []
            self.reasons = []
            self.display = False

    def lay_out(self, width: int) -> list[Line]:
        role = "bad" if self.bad else "strong"
        lines: list[Line] = [
            [(Content(" "), "base"), (part, role)] for part in safe_line(self.text).wrap(max(8, width - 2))
        ]
        for reason in self.reasons:
            lead: Line = [(Content("   · "), "dim")]
            parts = safe_line(reason).wrap(max(8, width - 6))
            lines += [
                [*(lead if number == 0 else [(Content("     "), "dim")]), (part, "base")]
                for number, part in enumerate(parts)
            ]
        for message in self.news[-NEWS_LINES:]:
            head: Line = [(Content("   "), "base"), (safe_line(message.mark, after=" "), "mark")]
            text = message.text.strip() or _("(a file)")
            lines.append(
                spread(
                    [*head, (safe_line(message.author, after="  "), "strong"), (safe_line(text), "base")],
                    [],
                    width,
                )
            )
        return lines


class ComposeLine(Lines):
    """Who writes to whom, by which channel, to which address; how long the text is."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        super().__init__(classes="compose-line")
        self.desk = desk
        self.clock = clock
        self.conversation_id = 0
        self.note = False
        self.first = False
        self.way: ReplyWay | None = None
        self.ways = 0
        self.addressees = Addressees()
        self.files: list[str] = []  # that go along
        self.length = 0
        self.by_hand = False  # the text itself quotes: nothing more is quoted below
        self.writing = False
        self.busy = False

    @property
    def too_long(self) -> bool:
        return not self.note and self.way is not None and self.length > self.way.text_max

    def lay_out(self, width: int) -> list[Line]:
        row = self.desk.conversations.get(self.conversation_id)
        if row is None:
            return [[]]
        if self.note:
            left: Line = [
                (Content(" # "), "note"),
                (Content(_("private note")), "note"),
                (Content("  " + _("the customer does not see it")), "dim"),
            ]
            return [spread(left, self._right(width), width)]
        me = self.desk.operator.name.split(" ")[0] if self.desk.operator else ""
        left = [(safe_line(me, before=" ", after=" → "), "dim"), (safe_line(row.customer), "strong")]
        if self.first:
            left.append((Content("  " + _("first message")), "note"))
        if self.way is None and row.id not in self.desk.ways:
            left.append((Content("  …"), "dim"))
        elif self.way is None:
            left.append((Content("  " + _("no way to answer")), "bad"))
        else:
            right = self._right(width)
            left += self._by(self.way, width - width_of(left) - width_of(right))
            left += self._others(self.way, width - width_of(left) - width_of(right))
            left += self._along(width - width_of(left) - width_of(right))
        right = self._right(width)
        if self.way is not None and self.way.why:
            why: Line = [(safe_line(said_by_server(self.way.why), before="  (", after=")"), "dim")]
            if width_of(left) + width_of(why) + width_of(right) <= width:
                left += why
        left += self._quotes(width - width_of(left) - width_of(right))
        return [spread(left, right, width)]

    @staticmethod
    def _by(way: ReplyWay, room: int) -> Line:
        """The channel and the address; where that is too much, the mark and the address."""
        lead: Line = [(Content("  " + _("by") + " "), "dim"), (safe_line(way.mark), "mark")]
        title: Line = [(safe_line(said_by_server(way.channel_title), before=" "), "strong")]
        label: Line = []
        if way.label and way.label != way.channel_title:
            label = [(safe_line(said_by_server(way.label), before="  "), "accent")]
        if label and width_of(lead) + width_of(title) + width_of(label) > room:
            return [*lead, (safe_line(way.label, before=" "), "accent")]
        return [*lead, *title, *label]

    def _others(self, way: ReplyWay, room: int) -> Line:
        """Who gets it besides the customer; or that others got what he wrote, and will not get this."""
        others = self.addressees.others(way.label)
        if others:
            names: Line = [(safe_line(", ".join(others), before=" + "), "accent")]
            count = ngettext("{n} other", "{n} others", len(others)).format(n=len(others))
            return names if width_of(names) <= room else [(Content(f" + {count}"), "accent")]
        if self.addressees or not way.others or self.first:
            return []
        words = ngettext("not to {n} other ({key})", "not to {n} others ({key})", len(way.others))
        text = words.format(n=len(way.others), key=key_for("reply.all"))
        return [(Content(f"  {text}"), "note")] if len(text) + 2 <= room else []

    def _quotes(self, room: int) -> Line:
        """What he wrote goes below the answer."""
        if self.way is None or not self.way.quotes or self.by_hand or self.first:
            return []
        text = "  " + _("quoting the letter")
        return [(Content(text), "dim")] if len(text) <= room else []

    def _along(self, room: int) -> Line:
        if not self.files or self.first:
            return []
        names: Line = [(safe_line(", ".join(self.files), before="  ⊞ "), "accent")]
        count = ngettext("{n} file", "{n} files", len(self.files)).format(n=len(self.files))
        return names if width_of(names) <= room else [(Content(f"  ⊞ {count}"), "accent")]

    def _window(self) -> Line:
        """For how long the channel still takes a message, where it does not always."""
        if self.way is None or self.note or self.way.window_until is None:
            return []
        left = self.way.window_until - self.clock.now()
        if left <= 0:
            return [(safe_line(_("closed for now"), before=" "), "bad")]
        words = _("closes in {age}").format(age=duration(left))
        return [(safe_line(words, before=" "), "bad" if left < HOUR else "dim")]

    def _right(self, width: int) -> Line:
        out: Line = []
        if self.busy:
            return [(Content(" " + _("sending…") + " "), "accent")]
        out += self._window()
        if self.length and self.way is not None and not self.note:
            near = self.length * 10 > self.way.text_max * 7
            if near or (self.writing and self.way.text_max <= SHORT_TEXT):
                text = f" {self.length}/{self.way.text_max}"
                out.append((Content(text), "bad" if self.too_long else "dim"))
        if self.writing and width > 70:
            out.append(
                (Content(f"  {key_for('compose.send')} " + (_("keep") if self.note else _("send"))), "dim")
            )
        return [*out, (Content(" "), "base")]
