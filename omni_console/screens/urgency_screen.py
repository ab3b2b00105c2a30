"""A small window: the sum of points that says how urgent a conversation is, and its deadlines."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.containers import Vertical

from omni_console.i18n import _
from omni_console.screens.choice_screen import TextLines
from omni_console.screens.window import Window
from omni_console.text import safe_line
from omni_console.timing import Clock, duration
from omni_console.widgets.deadline_words import kind_words
from omni_console.widgets.foot import Foot
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line, balanced
from server.protocol import DeadlineFigure, Urgency, UrgencyPart


class Parts(Lines):
    can_focus = True

    def __init__(self, found: Urgency, clock: Clock) -> None:
        super().__init__()
        self.found = found
        self.clock = clock

    def lay_out(self, width: int) -> list[Line]:
        lines = [
            _row(part_words(part, self.clock), str(part.points), "base", width) for part in self.found.parts
        ]
        lines.append(_row(_("together"), str(self.found.points), "strong", width))
        if self.found.deadlines:
            lines.append([])
        for figure in self.found.deadlines:
            label, value, role = figure_words(figure, self.clock)
            lines.append(_row(label, value, role, width))
        return lines


class UrgencyScreen(Window[None]):
    BINDINGS: ClassVar = [("q,й,enter,B,И", "leave", "")]

    def __init__(self, found: Urgency, clock: Clock) -> None:
        super().__init__()
        self._found = found
        self._clock = clock

    def compose(self) -> ComposeResult:
        customer = self._found.conversation.customer if self._found.conversation else ""
        with Vertical(classes="window -small"):
            question = _("How urgent is {customer}?").format(customer=customer)
            yield TextLines(question, role="strong", classes="question")
            yield Parts(self._found, self._clock)
            yield Foot(("esc", _("close")), say=_("points; the most are taken first"))

    def opened(self) -> None:
        self.query_one(Parts).focus()


def part_words(part: UrgencyPart, clock: Clock) -> str:
    at = part.at
    if at is None:
        return {"priority": _("priority"), "own": _("yours, or last answered by you")}.get(
            part.name, part.name
        )
    if part.name == "waiting":
        return _("waits {age}").format(age=clock.age(at))
    if part.name == "window":
        return _("the channel closes in {time}").format(time=duration(at - clock.now()))
    if at <= clock.now():
        return _("late {age}").format(age=clock.age(at))
    return _("due in {time}").format(time=duration(at - clock.now()))


def figure_words(figure: DeadlineFigure, clock: Clock) -> tuple[str, str, str]:
    """Label, value and role of a line. The length is business time, the moment is not."""
    label = _("{deadline} within {time}").format(
        deadline=kind_words(figure.kind), time=duration(figure.target_ms)
    )
    if figure.status == "paused":
        return label, _("stands still"), "dim"
    if figure.due_at is None:
        return label, _("no hours are set"), "dim"
    return label, _("by {when}").format(when=clock.moment(figure.due_at)), "bad" if figure.late else "note"


def _row(label: str, value: str, role: str, width: int) -> Line:
    return balanced(
        [(safe_line(label, before="  "), role)], [(safe_line(value, before=" ", after=" "), role)], width
    )
