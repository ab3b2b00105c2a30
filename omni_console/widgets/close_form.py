"""Topic and result, asked for when a case is closed: two short lines inside the pane."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.actions import SkipAction
from textual.app import ComposeResult
from textual.binding import Binding
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Input

from omni_console.cleaning import typed
from omni_console.i18n import _
from omni_console.text import safe_line
from omni_console.widgets.foot import Hint, hints_in
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line, width_of

TOPIC_MAX = 120
RESULT_MAX = 240


class FormLine(Lines):
    """A label, or what is missing."""

    def __init__(self, text: str, role: str, classes: str) -> None:
        super().__init__(classes=classes)
        self.text = text
        self.role = role
        self.hints: tuple[Hint, ...] = ()

    def say(self, text: str, role: str, *hints: Hint) -> None:
        self.text = text
        self.role = role
        self.hints = hints
        self.changed()

    def lay_out(self, width: int) -> list[Line]:
        line: Line = [(safe_line(self.text, before=" ", after="   "), self.role)]
        return [[*line, *hints_in(self.hints, width - width_of(line))]]


class CloseForm(Vertical):
    BINDINGS: ClassVar = [Binding("escape", "leave"), Binding("enter", "next", priority=True)]

    class Filled(Message):
        def __init__(self, sender: CloseForm, topic: str, result: str) -> None:
            super().__init__()
            self.sender = sender
            self.topic = topic
            self.result = result

        @property
        def control(self) -> CloseForm:
            return self.sender

    class Left(Message):
        def __init__(self, sender: CloseForm) -> None:
            super().__init__()
            self.sender = sender

        @property
        def control(self) -> CloseForm:
            return self.sender

    def __init__(self) -> None:
        super().__init__(classes="close-form")
        self.display = False

    def compose(self) -> ComposeResult:
        yield FormLine("", "strong", "form-prompt")
        with Horizontal(classes="form-row"):
            yield FormLine(_("topic"), "dim", "form-label")
            yield Input(classes="topic", compact=True, max_length=TOPIC_MAX)
        with Horizontal(classes="form-row"):
            yield FormLine(_("result"), "dim", "form-label")
            yield Input(classes="result", compact=True, max_length=RESULT_MAX)

    def open(self, topic: str) -> None:
        keys = (("enter", _("next, then close")), ("esc", _("not now")))
        self.query_one(FormLine).say(_("close this case"), "strong", *keys)
        for field in self.query(Input):
            field.cursor_blink = False
            field.value = typed(topic) if field.has_class("topic") else ""
        self.display = True
        self.screen.set_focus(self.query_one(".topic", Input))

    def action_leave(self) -> None:
        self.display = False
        self.post_message(self.Left(self))

    def action_next(self) -> None:
        """At once, so that what is typed next is the result; closing waits for the field itself."""
        if self.screen.focused is self.query_one(".topic", Input):
            self.screen.set_focus(self.query_one(".result", Input))
        else:
            raise SkipAction

    def turn(self) -> None:
        """From one of the two lines to the other."""
        topic, result = self.query_one(".topic", Input), self.query_one(".result", Input)
        self.screen.set_focus(result if self.screen.focused is topic else topic)

    @on(Input.Submitted)
    def submitted(self, event: Input.Submitted) -> None:
        event.stop()
        topic = self.query_one(".topic", Input)
        result = self.query_one(".result", Input)
        for field, name in ((topic, _("topic")), (result, _("result"))):
            if not field.value.strip():
                self.query_one(FormLine).say(
                    _("{name} cannot be empty: later readers live on it").format(name=name), "bad"
                )
                self.screen.set_focus(field)
                return
        self.post_message(self.Filled(self, topic.value.strip(), result.value.strip()))

    def on_key(self, event: events.Key) -> None:
        if event.key in ("up", "down"):
            event.stop()
            wanted = ".topic" if event.key == "up" else ".result"
            self.query_one(wanted, Input).focus()
