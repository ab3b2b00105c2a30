"""Replies that are not settled: waiting, failed, or perhaps delivered. One key decides each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import ClassVar, Literal

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from omni_console import errands
from omni_console.client import ServerClient
from omni_console.i18n import _, ngettext
from omni_console.messages import LeftAt, OutboxCame, Refused, Settled, TakenBack, Unanswered
from omni_console.refusals import refusal
from omni_console.screens.choice_screen import Choice, ChoiceScreen, TextLines
from omni_console.screens.scheduling import ask_when
from omni_console.screens.window import Window
from omni_console.server_words import said_by_server
from omni_console.text import safe_line
from omni_console.timing import Clock
from omni_console.widgets.foot import Foot, Hint
from omni_console.widgets.line_list import LineList
from omni_console.widgets.message_lines import SIGNS, seconds_left
from omni_console.widgets.paint import Line, spread
from server.protocol import OutboxItem

Verdict = Literal["arrived", "again", "drop"]

# Each key also on a Russian layout; capital letters mean all of them.
VERDICTS: Mapping[str, tuple[Verdict, bool]] = {
    "a": ("arrived", False), "ф": ("arrived", False), "A": ("arrived", True), "Ф": ("arrived", True),
    "s": ("again", False), "ы": ("again", False), "S": ("again", True), "Ы": ("again", True),
    "d": ("drop", False), "в": ("drop", False),
}  # fmt: skip
UNDECIDED = ("failed", "unknown")
# Of what has not left yet: take it back, send it now, another time.
LEAVING: Mapping[str, Literal["back", "now", "time"]] = {
    "w": "back", "ц": "back", "n": "now", "т": "now", "t": "time", "е": "time",
}  # fmt: skip


class OutboxRows(LineList):
    row_height = 2

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.items: list[OutboxItem] = []
        self.loaded = False

    def empty(self) -> str:
        return _("every reply is settled") if self.loaded else _("loading…")

    def row_count(self) -> int:
        return len(self.items)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        item = self.items[index]
        edge = (Content("▌" if selected else " "), "accent")
        sign, role = SIGNS.get(item.state, (" ", "dim"))
        if line == 1:
            why = said_by_server(item.error or item.message.error)
            text = f"{item.message.text}" if not why else f"{why} · {item.message.text}"
            return spread([edge, (Content("    "), "base"), (safe_line(text), "dim")], [], width)
        words = {
            "failed": _("failed"),
            "unknown": _("maybe delivered"),
            "retrying": _("trying again"),
            "queued": _("queued"),
            "sending": _("sending"),
        }.get(item.state, item.state)
        if item.message.leaves_at is not None:
            seconds = seconds_left(item.message, self.clock)
            moment = self.clock.moment(item.message.leaves_at)
            later = _("leaves {when}, whatever comes") if item.keep else _("leaves {when}")
            words = _("leaves in {n} s").format(n=seconds) if seconds else later.format(when=moment)
        left: Line = [
            edge,
            (Content(f" {sign} ".ljust(4)), role),
            (safe_line(item.customer), "strong"),
            (Content("  "), "base"),
            (safe_line(item.message.mark), "mark"),
            (safe_line(item.message.author, before=" "), "dim"),
        ]
        right: Line = [
            (safe_line(words), role),
            (Content("  " + self.clock.moment(item.message.at) + " "), "dim"),
        ]
        return spread(left, right, width)


class OutboxScreen(Window[int]):
    """Ends with the conversation to go to, or None."""

    BINDINGS: ClassVar = [("escape,q,й", "leave", "")]

    def __init__(self, client: ServerClient, clock: Clock, taken_back: Callable[[TakenBack], object]) -> None:
        super().__init__()
        self.client = client
        self.clock = clock
        self._taken_back = taken_back
        self.rows = OutboxRows(clock)
        self.foot = Foot(("esc", _("close")))

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield TextLines(_("Unsettled replies"), role="strong", classes="title")
            yield self.rows
            yield self.foot

    def opened(self) -> None:
        self.rows.focus()
        self.load()

    def load(self) -> None:
        errands.send(self, "outbox", self.client.outbox, OutboxCame)

    @on(OutboxCame)
    def came(self, event: OutboxCame) -> None:
        rank = {"unknown": 0, "failed": 1}
        self.rows.items = sorted(event.items, key=lambda item: (rank.get(item.state, 2), item.message.at))
        self.rows.rows_changed()
        self.rows.loaded = True
        self._offer_keys()

    def _offer_keys(self) -> None:
        keys: list[Hint] = []
        if any(item.state in UNDECIDED for item in self.rows.items):
            keys += [
                ("a", _("it arrived")),
                ("s", _("send again")),
                ("d", _("drop")),
                ("A S", _("all of them")),
            ]
        if any(item.message.leaves_at is not None for item in self.rows.items):
            keys += [("w", _("take it back")), ("n", _("send it now")), ("t", _("another time"))]
        if self.rows.items:
            keys.append(("enter", _("open it")))
        self.foot.offer(*keys, ("esc", _("close")))

    @on(TakenBack)
    def came_back(self, event: TakenBack) -> None:
        self.dismiss(None)
        self._taken_back(event)

    @on(LeftAt)
    def left_at(self, event: LeftAt) -> None:
        self.load()

    @on(Settled)
    def settled(self, event: Settled) -> None:
        count = len(event.settled.message_ids)
        self.foot.say(ngettext("{n} reply settled", "{n} replies settled", count).format(n=count), "strong")
        self.load()

    @on(Refused)
    def refused(self, event: Refused) -> None:
        self.foot.say(refusal(event.problem), "bad")
        if not self.rows.loaded:
            self.rows.lost()

    @on(Unanswered)
    def unanswered(self, event: Unanswered) -> None:
        self.foot.say(_("no answer from the server: {why}").format(why=event.why), "bad")
        if not self.rows.loaded:
            self.rows.lost()

    @on(LineList.Chosen)
    def chosen(self, event: LineList.Chosen) -> None:
        event.stop()
        self.dismiss(self.rows.items[event.index].message.conversation_id)

    def on_key(self, event: events.Key) -> None:
        moves = {"j": 1, "о": 1, "down": 1, "k": -1, "л": -1, "up": -1}
        if event.key in moves:
            event.stop()
            self.rows.move(moves[event.key])
        elif event.key == "enter":
            event.stop()
            self.rows.choose()
        elif event.key in VERDICTS:
            event.stop()
            verdict, everything = VERDICTS[event.key]
            self._decide(verdict, everything=everything)
        elif event.key in LEAVING:
            event.stop()
            self._leave(LEAVING[event.key])

    def _leave(self, what: Literal["back", "now", "time"]) -> None:
        """What has not left yet comes back, goes, or gets another time."""
        if not self.rows.items:
            return
        item, client = self.rows.items[self.rows.cursor], self.client
        number = item.message.id
        if item.message.leaves_at is None:
            self.foot.say(_("this one does not wait for its time"), "strong")
        elif what == "back":
            errands.send(self, "withdraw", lambda: client.withdraw(number), TakenBack)
        elif what == "now":
            errands.send(self, "leave", lambda: client.leave(number), LeftAt)
        elif item.state != "scheduled":
            self.foot.say(_("this one leaves in a moment: take it back, and send it later"), "strong")
        else:

            def timed(at: int) -> None:
                errands.send(self, "leave", lambda: client.leave(number, at), LeftAt)

            title = _("When the reply to {customer} leaves").format(customer=item.customer)
            ask_when(self.app, self.clock, title, timed)

    def _decide(self, verdict: Verdict, *, everything: bool) -> None:
        undecided = [item for item in self.rows.items if item.state in UNDECIDED]
        if everything:
            if not undecided:
                return
            count = len(undecided)
            question = (
                ngettext("Send {n} reply again?", "Send {n} replies again?", count)
                if verdict == "again"
                else ngettext("Has {n} reply arrived?", "Have all {n} replies arrived?", count)
            ).format(n=count)
            choices = [Choice("no", _("no, not all of them")), Choice("yes", _("yes, all of them"))]

            def chosen(answer: str | None) -> None:
                if answer == "yes":
                    self._settle(verdict, [], everything=True)

            self.app.push_screen(ChoiceScreen(question, choices), chosen)
            return
        if not self.rows.items:
            return
        item = self.rows.items[self.rows.cursor]
        if item.state not in UNDECIDED:
            self.foot.say(_("this one is still on its way: nothing to decide yet"), "strong")
            return
        self._settle(verdict, [item.message.id], everything=False)

    def _settle(self, verdict: Verdict, ids: list[int], *, everything: bool) -> None:
        client = self.client
        errands.send(self, "settle", lambda: client.settle(verdict, ids, everything=everything), Settled)
