"""A small window with a question and a few answers."""

from __future__ import annotations

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input

from omni_console.i18n import _
from omni_console.screens.window import Window
from omni_console.text import safe_line, safe_text
from omni_console.widgets.foot import Foot
from omni_console.widgets.line_list import LineList
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line, balanced


class Choice(msgspec.Struct, frozen=True):
    key: str
    label: str
    detail: str = ""


class TextLines(Lines):
    """A few sentences, wrapped."""

    def __init__(self, text: str, *, role: str = "base", classes: str = "") -> None:
        super().__init__(classes=classes)
        self.text = text
        self.role = role

    def say(self, text: str, role: str = "base") -> None:
        self.text = text
        self.role = role
        self.changed(layout=True)

    def lay_out(self, width: int) -> list[Line]:
        return [[(part, self.role)] for part in safe_text(self.text).wrap(max(8, width))]


class ChoiceList(LineList):
    def __init__(self, choices: list[Choice]) -> None:
        super().__init__()
        self.choices = choices

    def row_count(self) -> int:
        return len(self.choices)

    def get_content_height(self, *_sizes: object) -> int:
        return len(self.choices)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        choice = self.choices[index]
        number = str(index + 1) if index < 9 else " "
        left: Line = [
            (Content("▌ " if selected else "  "), "accent"),
            (safe_line(number, after=" "), "dim"),
            (safe_line(choice.label), "strong" if selected else "base"),
        ]
        return balanced(
            left, [(safe_line(choice.detail, before=" ", after=" "), "dim")] if choice.detail else [], width
        )


class ChoiceScreen(Window[str]):
    """Answers with the key of the choice, None for escape. With `prompt`, a typed answer is possible too."""

    def __init__(self, question: str, choices: list[Choice], *, prompt: str = "") -> None:
        super().__init__()
        self._question = question
        self._choices = choices
        self._prompt = prompt

    def compose(self) -> ComposeResult:
        with Vertical(classes="window -small"):
            yield TextLines(self._question, role="strong", classes="question")
            yield ChoiceList(self._choices)
            if self._prompt:
                yield TextLines(self._prompt, role="dim", classes="prompt")
                yield Input(compact=True, max_length=20)
            yield Foot(("enter", _("choose")), ("esc", _("not now")))

    def opened(self) -> None:
        for field in self.query(Input):
            field.cursor_blink = False
        self.query_one(ChoiceList).focus()

    def on_key(self, event: events.Key) -> None:
        choices = self.query_one(ChoiceList)
        if isinstance(self.focused, Input):
            if event.key == "up":
                event.stop()
                choices.focus()
            return
        moves = {"down": 1, "j": 1, "о": 1, "up": -1, "k": -1, "л": -1}
        if event.key in moves:
            event.stop()
            at_end = choices.cursor == len(self._choices) - 1
            if event.key == "down" and at_end and self._prompt:
                self.query_one(Input).focus()
            else:
                choices.move(moves[event.key])
        elif event.key == "enter":
            event.stop()
            choices.choose()
        elif event.key in ("q", "й"):
            event.stop()
            self.dismiss(None)
        elif event.key.isdecimal() and 0 < int(event.key) <= len(self._choices):
            event.stop()
            self.dismiss(self._choices[int(event.key) - 1].key)

    @on(LineList.Chosen)
    def chosen(self, event: LineList.Chosen) -> None:
        event.stop()
        self.dismiss(self._choices[event.index].key)

    @on(Input.Submitted)
    def entered(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self.dismiss("=" + event.value.strip())
        else:
            self.query_one(Foot).say(_("type an answer, or choose above"), "bad")
