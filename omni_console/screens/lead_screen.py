"""The lead's screen: everybody's work at a glance, and the conversations behind each figure."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.content import Content
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget

from omni_console import errands
from omni_console.i18n import _
from omni_console.messages import BehindCame, OverviewCame, Refused, Unanswered
from omni_console.refusals import refusal
from omni_console.text import safe_line
from omni_console.timing import Clock
from omni_console.widgets.foot import hints_in
from omni_console.widgets.lead_lists import Behind, Figures
from omni_console.widgets.line_canvas import ROLES
from omni_console.widgets.line_list import LineList
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line, spread
from omni_console.widgets.saying import Saying
from server.protocol import Conversation, Overview

if TYPE_CHECKING:
    from omni_console.screens.lead import Lead

AHEAD_S = 0.1  # the cursor must rest so long before the conversations behind a figure are asked for
CALM_S = 0.5  # what happens is shown at most so often
TICK_S = 10.0
LIMIT = 100
NARROW = 100

# Each key also on a Russian layout.
_TWINS = {
    "о": "j", "л": "k", "д": "l", "р": "h", "ф": "a", "Ф": "A", "ч": "x", "г": "u", "п": "g", "П": "G",
    "down": "j", "up": "k", "greater_than_sign": ">", "Ю": ">", "equals_sign": "=", "й": "q", "escape": "q",
    "right": "l", "tab": "l", "left": "h", "shift+tab": "h", "home": "g", "end": "G",
    "ctrl+d": "pagedown", "ctrl+u": "pageup",
}  # fmt: skip


class Head(Lines):
    def __init__(self, clock: Clock) -> None:
        super().__init__(classes="lead-head")
        self.clock = clock
        self.overview: Overview | None = None
        self.online = True

    def lay_out(self, width: int) -> list[Line]:
        title = _("Everybody's work")
        left: Line = [(Content(" "), "base"), (Content(f" {title} "), "active")]
        right: Line = [] if self.online else [(Content("○ " + _("offline") + " "), "bad")]
        if self.overview is not None and self.online:
            text = _("queue {n}").format(n=self.overview.queue)
            right.append((safe_line(text, after="   "), "strong" if self.overview.queue else "dim"))
            right.append((Content(self.clock.hour(self.clock.now()) + " "), "dim"))
        return [spread(left, right, width)]


class Foot(Saying):
    """What can be pressed here, or for a moment what just happened."""

    def __init__(self) -> None:
        super().__init__(classes="lead-foot")
        self.hints: list[tuple[str, str]] = []

    def lay_out(self, width: int) -> list[Line]:
        if self.said:
            return [[(Content(" "), "base"), (safe_line(self.said), self.role)]]
        return [[(Content(" "), "base"), *hints_in(self.hints, width - 1)]]


class LeadScreen(Screen[int | None]):
    """Ends with the conversation to go to, or None. What is done here, `lead` does."""

    AUTO_FOCUS = None
    COMPONENT_CLASSES: ClassVar[set[str]] = ROLES
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (NARROW, "-normal"), (160, "-wide")]  # noqa: RUF012 - Textual's

    def __init__(self, lead: Lead, overview: Overview, clock: Clock) -> None:
        super().__init__()
        self.lead = lead
        self.clock = clock
        self.head = Head(clock)
        self.head.overview = overview
        self.figures = Figures(overview, clock)
        self.behind = Behind(clock)
        self.foot = Foot()
        self._soon: Timer | None = None
        self._stale: Timer | None = None
        self._asked = False  # an answer is on its way, and what happens meanwhile asks once more
        self._again = False

    def compose(self) -> ComposeResult:
        yield self.head
        with Horizontal(id="lead-body"):
            yield self.figures
            yield self.behind
        yield self.foot

    def on_mount(self) -> None:
        self.set_focus(self.figures)
        self.set_interval(TICK_S, self.tick)
        self._load_behind()

    def tick(self) -> None:
        """Time goes on."""
        for widget in (self.head, self.figures, self.behind):
            widget.refresh()

    # --- what comes ---------------------------------------------------------------------------------------

    def say(self, text: str, *, bad: bool = False) -> None:
        self.foot.say(text, bad=bad)

    def link(self, *, online: bool) -> None:
        self.head.online = online
        self.head.changed()
        if online:
            self.stale()

    def stale(self) -> None:
        """Something happened: ask anew, but not for each thing."""
        if self._stale is None:
            self._stale = self.set_timer(CALM_S, self.reload)

    def reload(self) -> None:
        if self._stale is not None:
            self._stale.stop()
            self._stale = None
        if self._asked:
            self._again = True
            return
        self._asked = True
        errands.send(self, "overview", self.lead.client.lead.overview, OverviewCame)
        if not self._reads_figures_alone:
            self._load_behind()

    @on(OverviewCame)
    def overview_came(self, event: OverviewCame) -> None:
        self.head.overview = event.overview
        self.head.changed()
        self.figures.show(event.overview)
        self._answered()

    @on(BehindCame)
    def behind_came(self, event: BehindCame) -> None:
        if event.subject == self.figures.subject:
            self.behind.show(event.subject, event.found.items, more=event.found.more)
            self._hint()

    @on(Refused)
    def refused(self, event: Refused) -> None:
        self._not_done(event.what, refusal(event.problem))

    @on(Unanswered)
    def unanswered(self, event: Unanswered) -> None:
        self._not_done(event.what, _("no answer from the server: {why}").format(why=event.why))

    def _not_done(self, what: str, why: str) -> None:
        if what == "behind" and self.behind.subject is None:
            self.behind.gave_up(why)
        else:
            self.say(why, bad=True)
        self._answered()

    def _answered(self) -> None:
        self._asked = False
        if self._again:
            self._again = False
            self.stale()

    @property
    def _reads_figures_alone(self) -> bool:
        return self.has_class("-narrow") and not self.has_class("-behind")

    def _load_behind(self) -> None:
        subject, api = self.figures.subject, self.lead.client.lead
        if subject.operator_id is not None:
            who = subject.operator_id
            errands.send(self, "behind", lambda: api.held(who, LIMIT), lambda it: BehindCame(subject, it))
        elif subject.channel_id is not None:
            channel, team = subject.channel_id, subject.team
            errands.send(
                self, "behind", lambda: api.queue(channel, team, LIMIT), lambda it: BehindCame(subject, it)
            )
        elif subject.forgotten:
            errands.send(self, "behind", lambda: api.forgotten(LIMIT), lambda it: BehindCame(subject, it))
        else:
            errands.send(self, "behind", lambda: api.pressing(LIMIT), lambda it: BehindCame(subject, it))

    # --- keys ---------------------------------------------------------------------------------------------

    @property
    def row(self) -> Conversation | None:
        """The conversation under the cursor, when the operator is among conversations."""
        return self.behind.row if self.focused is self.behind else None

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        self._hint()

    def _hint(self) -> None:
        subject = self.figures.subject
        if self.focused is self.behind:
            hints = [
                ("enter", _("open it")),
                ("a", _("take")),
                ("A", _("hand over")),
                ("x", _("give back")),
            ]
        else:
            hints = [("enter", _("the conversations"))]
            if subject.operator_id is not None:
                hints += [("x", _("to the queue")), (">", _("to colleagues"))]
            hints.append(("=", _("balance")))
        self.foot.hints = [*hints, ("u", _("take back")), ("esc", _("back"))]
        self.foot.changed()

    def on_key(self, event: events.Key) -> None:
        key = _TWINS.get(event.key, event.key)
        here = self.behind if self.focused is self.behind else self.figures
        moves: dict[str, Callable[[], None]] = {
            "j": lambda: here.move(1),
            "k": lambda: here.move(-1),
            "g": lambda: here.move(-here.row_count()),
            "G": lambda: here.move(here.row_count()),
            "pagedown": lambda: here.move_pages(0.5),
            "pageup": lambda: here.move_pages(-0.5),
            "enter": self._enter,
            "l": self._go_in,
            "h": self._go_out,
            "q": self._leave,
            "a": lambda: self._with_row(self.lead.take),
            "A": lambda: self._with_row(self.lead.hand_over),
            "x": self._give_back,
            ">": lambda: self._propose("colleagues"),
            "=": lambda: self.lead.propose(None, "colleagues"),
            "u": self.lead.take_back,
        }
        if key in moves:
            event.stop()
            event.prevent_default()
            moves[key]()
            if here is self.figures and self.focused is self.figures:
                self._figure_chosen()

    def _figure_chosen(self) -> None:
        subject = self.figures.subject
        if self.behind.subject == subject:
            return
        self.behind.forget()
        self._hint()
        if self._soon is not None:
            self._soon.stop()
        if not self._reads_figures_alone:
            self._soon = self.set_timer(AHEAD_S, self._load_behind)

    def _enter(self) -> None:
        if self.focused is not self.behind:
            self._go_in()
        elif self.behind.row is not None:
            self.dismiss(self.behind.row.id)

    def _go_in(self) -> None:
        self._show(self.behind, behind=True)
        if self.behind.subject != self.figures.subject:
            self._load_behind()

    def _go_out(self) -> None:
        self._show(self.figures, behind=False)

    def _show(self, widget: Widget, *, behind: bool) -> None:
        self.set_class(behind, "-behind")
        self.set_focus(widget)

    def _leave(self) -> None:
        if self.focused is self.behind:
            self._go_out()
        else:
            self.dismiss(None)

    def _with_row(self, do: Callable[[Conversation], None]) -> None:
        if self.row is None:
            self.say(_("go to a conversation first: enter"))
        else:
            do(self.row)

    def _give_back(self) -> None:
        if self.row is not None:
            self.lead.give_back(self.row)
        elif self.focused is not self.behind:
            self._propose("queue")

    def _propose(self, to: str) -> None:
        who = self.figures.subject.operator_id
        if who is None:
            self.say(_("go to an operator first"))
        else:
            self.lead.propose(who, "queue" if to == "queue" else "colleagues")

    @on(LineList.Chosen)
    def clicked(self, event: LineList.Chosen) -> None:
        event.stop()
        self._show(event.sender, behind=event.sender is self.behind)
        self._enter()
