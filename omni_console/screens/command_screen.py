"""The `:` line at the foot of the screen: what is typed, what may follow, what was typed before."""

from __future__ import annotations

from collections.abc import Callable

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input

from omni_console.command_history import CommandHistory
from omni_console.command_line import (
    LINE_MAX,
    Completion,
    Known,
    Misread,
    Order,
    complete,
    completed,
    read,
)
from omni_console.i18n import _
from omni_console.keymap import usage
from omni_console.screens.window import Window
from omni_console.text import safe_line, typed
from omni_console.widgets.foot import hints_in
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line, width_of


class Prompt(Lines):
    def lay_out(self, width: int) -> list[Line]:
        return [[(Content(" :"), "accent")]]


class Hints(Lines):
    """One line: what the word could become, what the command takes, or what is wrong."""

    def __init__(self) -> None:
        super().__init__(classes="hints")
        self._found = Completion(0)
        self._chosen = -1
        self._wrong = ""
        self._role = "bad"

    def show(self, found: Completion, chosen: int = -1) -> None:
        self._found, self._chosen, self._wrong = found, chosen, ""
        self.changed()

    def say(self, sentence: str) -> None:
        self._wrong, self._role = sentence, "bad"
        self.changed()

    def offer(self, sentence: str) -> None:
        """What may be typed here."""
        self._wrong, self._role = sentence, "dim"
        self.changed()

    def lay_out(self, width: int) -> list[Line]:
        if self._wrong:
            return [[(safe_line(self._wrong, before=" "), self._role)]]
        line: Line = [(Content(" "), "base")]
        action = self._found.action
        if action is not None:
            line += [
                (safe_line(usage(action)), "strong"),
                (
                    safe_line(
                        _(action.label if self._found.words else action.help), before="  ", after="   "
                    ),
                    "dim",
                ),
            ]
        first = max(0, self._chosen - 3)
        for at, word in enumerate(self._found.words[first:], first):
            piece: Line = [
                (safe_line(word), "active" if at == self._chosen else "base"),
                (Content("  "), "base"),
            ]
            if width_of(line) + width_of(piece) > width - 2:
                line.append((Content("…"), "dim"))
                break
            line += piece
        if action is None and not self._found.words:
            keys = [("tab", _("complete")), ("↑", _("earlier ones")), ("esc", _("not now"))]
            line += hints_in(keys, width - 1)
        return [line]


class CommandScreen(Window[Order]):
    """Ends with the order that was typed, or None."""

    def __init__(self, known: Callable[[], Known], history: CommandHistory) -> None:
        super().__init__()
        self._known = known
        self._history = history
        self._hints = Hints()
        self._line = ""  # what the hints speak of
        self._cycle: tuple[str, Completion, int] | None = None  # the line before tab, its words, which one
        self._recalled: tuple[str, int] | None = None  # what was typed before ↑, and how far back one is

    def compose(self) -> ComposeResult:
        with Vertical(classes="command-line"):
            yield self._hints
            with Horizontal(classes="form-row"):
                yield Prompt(classes="prompt")
                yield Input(compact=True, max_length=LINE_MAX, select_on_focus=False)

    def opened(self) -> None:
        self._field.cursor_blink = False
        self._field.focus()
        self._hints.show(Completion(0))

    @property
    def _field(self) -> Input:
        return self.query_one(Input)

    def _put(self, line: str) -> None:
        self._line = typed(line)
        with self.prevent(Input.Changed):
            self._field.value = self._line
        self._field.cursor_position = len(self._field.value)

    @on(Input.Changed)
    def changed(self, event: Input.Changed) -> None:
        event.stop()
        line = self._field.value
        if line == self._line:
            return  # ours, or a letter that was read after the tab behind it
        self._line = line
        self._cycle = self._recalled = None
        self._hints.show(complete(line, self._known()) if line.strip() else Completion(0))

    @on(Input.Submitted)
    def entered(self, event: Input.Submitted) -> None:
        event.stop()
        found = read(event.value, self._known())
        if isinstance(found, Misread):
            self._hints.say(found.sentence)
            return
        if found is not None:
            self._history.add(event.value.strip(), found)
        self.dismiss(found)

    def on_key(self, event: events.Key) -> None:
        steps = {"tab": 1, "shift+tab": -1}
        if event.key in steps:
            event.stop()
            event.prevent_default()
            self._complete(steps[event.key])
        elif event.key in ("up", "down"):
            event.stop()
            self._recall(1 if event.key == "up" else -1)
        elif event.key == "backspace" and not self._field.value:
            event.stop()
            self.dismiss(None)

    def _complete(self, step: int) -> None:
        """As far as there is no choice; then one after the other."""
        field = self._field
        if self._cycle is None:
            found = complete(field.value, self._known())
            line = completed(field.value, found)
            if line != field.value:
                self._put(line)
                self._hints.show(complete(line, self._known()))
                return
            if not found.words:
                return
            self._cycle = (field.value, found, -1 if step > 0 else 0)
        line, found, at = self._cycle
        at = (at + step) % len(found.words)
        self._cycle = (line, found, at)
        self._put(line[: found.start] + found.words[at])
        self._hints.show(found, at)

    def _recall(self, step: int) -> None:
        typed_first, back = self._recalled or (self._field.value, 0)
        lines = self._history.beginning(typed_first)
        back = max(0, min(len(lines), back + step))
        self._recalled = (typed_first, back)
        self._put(lines[back - 1] if back else typed_first)
        self._hints.show(complete(self._field.value, self._known()) if self._field.value else Completion(0))
