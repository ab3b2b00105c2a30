"""A few lines to fill in, at the head of the screen, so that what was said last can be read meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import Input

from omni_console.cleaning import typed
from omni_console.i18n import _
from omni_console.screens.choice_screen import TextLines
from omni_console.screens.window import Window
from omni_console.widgets.close_form import FormLine
from omni_console.widgets.foot import Foot, Hint

Answers = Mapping[str, str]
# What is wrong with the answers: the key of the line to go to, and a sentence; None when nothing is.
Check = Callable[[Answers], tuple[str, str] | None]


class Question(msgspec.Struct, frozen=True):
    key: str
    label: str
    value: str = ""
    max_length: int = 300


def nothing_wrong(_answers: Answers) -> tuple[str, str] | None:
    return None


class FormScreen(Window[Answers]):
    """Ends with the answers by key, stripped; None for escape. `first`: the line to begin with."""

    def __init__(
        self,
        title: str,
        questions: list[Question],
        *,
        first: str = "",
        check: Check = nothing_wrong,
        foot: str = "",
    ) -> None:
        super().__init__()
        self._title = title
        self._questions = questions
        self._first = first or questions[0].key
        self._check = check
        self._foot = foot

    def compose(self) -> ComposeResult:
        with Vertical(classes="window -form"):
            yield TextLines(self._title, role="strong", classes="title")
            for question in self._questions:
                with Horizontal(classes="form-row"):
                    yield FormLine(question.label, "dim", "form-label")
                    yield Input(
                        id=f"q-{question.key}",
                        compact=True,
                        max_length=question.max_length,
                        select_on_focus=False,
                    )
            yield Foot(*self._keys(), say=self._foot)

    def _keys(self) -> list[Hint]:
        if len(self._questions) == 1:
            return [("enter", _("done")), ("esc", _("not now"))]
        return [("enter", _("next, then done")), ("ctrl+j", _("done")), ("esc", _("not now"))]

    def opened(self) -> None:
        for question in self._questions:
            field = self._field(question.key)
            field.cursor_blink = False
            field.value = typed(question.value)
            field.cursor_position = len(field.value)
        self._field(self._first).focus()

    def _field(self, key: str) -> Input:
        return self.query_one(f"#q-{key}", Input)

    @on(Input.Submitted)
    def entered(self, event: Input.Submitted) -> None:
        event.stop()
        fields = list(self.query(Input))
        at = fields.index(event.input)
        if at + 1 < len(fields):
            fields[at + 1].focus()
        else:
            self._done()

    def on_key(self, event: events.Key) -> None:
        fields = list(self.query(Input))
        if event.key == "ctrl+j":
            event.stop()
            self._done()
        elif event.key in ("up", "down") and isinstance(self.focused, Input):
            event.stop()
            step = 1 if event.key == "down" else -1
            fields[(fields.index(self.focused) + step) % len(fields)].focus()

    def _done(self) -> None:
        answers = {question.key: self._field(question.key).value.strip() for question in self._questions}
        problem = self._check(answers)
        if problem is None:
            self.dismiss(answers)
            return
        key, sentence = problem
        self.query_one(Foot).say(sentence, "bad")
        self._field(key).focus()
