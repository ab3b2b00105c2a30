"""A line at the foot of the screen: hints over it, tab for what could stand there, ↑ for earlier ones."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input

from omni_console.cleaning import typed
from omni_console.command_line import Completion, completed
from omni_console.i18n import _
from omni_console.keymap import usage
from omni_console.screens.window import R, Window
from omni_console.text import safe_line
from omni_console.widgets.foot import hints_in
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line, width_of


class Prompt(Lines):
    def __init__(self, sign: str) -> None:
        super().__init__(classes="prompt")
        self._sign = sign

    def lay_out(self, width: int) -> list[Line]:
        return [[(safe_line(self._sign, before=" "), "accent")]]


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


class LineWindow(Window[R]):
    """Subclasses say what may stand here (`words`), what follows a change (`hint`), and what enter does."""

    sign: ClassVar[str]
    line_max: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self.hints = Hints()
        self._line = ""  # what the hints speak of
        self._cycle: tuple[str, Completion, int] | None = None  # the line before tab, its words, which one

    def compose(self) -> ComposeResult:
        with Vertical(classes="command-line"):
            yield self.hints
            with Horizontal(classes="form-row"):
                yield Prompt(self.sign)
                yield Input(compact=True, max_length=self.line_max, select_on_focus=False)

    def opened(self) -> None:
        self.field.cursor_blink = False
        self.field.focus()
        self.hint()

    @property
    def field(self) -> Input:
        return self.query_one(Input)

    def words(self) -> Completion:
        """What the end of the line could become."""
        raise NotImplementedError

    def hint(self) -> None:
        """Say what may follow, or what is wrong."""
        raise NotImplementedError

    def enter(self, line: str) -> None:
        raise NotImplementedError

    def recall(self, step: int) -> None:
        """One earlier line (1), or one later (-1)."""
        raise NotImplementedError

    def typed_anew(self) -> None:
        """The line was changed by hand."""

    def put(self, line: str) -> None:
        self._line = typed(line)
        with self.prevent(Input.Changed):
            self.field.value = self._line
        self.field.cursor_position = len(self.field.value)

    @on(Input.Changed)
    def changed(self, event: Input.Changed) -> None:
        event.stop()
        line = self.field.value
        if line == self._line:
            return  # ours, or a letter that was read after the tab behind it
        self._line = line
        self._cycle = None
        self.typed_anew()
        self.hint()

    @on(Input.Submitted)
    def entered(self, event: Input.Submitted) -> None:
        event.stop()
        self.enter(event.value)

    def on_key(self, event: events.Key) -> None:
        steps = {"tab": 1, "shift+tab": -1}
        if event.key in steps:
            event.stop()
            event.prevent_default()
            self._complete(steps[event.key])
        elif event.key in ("up", "down"):
            event.stop()
            self.recall(1 if event.key == "up" else -1)
        elif event.key == "backspace" and not self.field.value:
            event.stop()
            self.dismiss(None)

    def _complete(self, step: int) -> None:
        """As far as there is no choice; then one word after the other of those that could stand here."""
        if self._cycle is None:
            found = self.words()
            line = self.completed(self.field.value, found)
            if line != self.field.value:
                self.put(line)
                self.hint()
                return
            if not found.words:
                return
            self._cycle = (line, found, -1 if step > 0 else 0)
        line, found, at = self._cycle
        at = (at + step) % len(found.words)
        self._cycle = (line, found, at)
        self.put(line[: found.start] + found.words[at])
        self.hints.show(found, at)

    def completed(self, line: str, found: Completion) -> str:
        """The line as far as there is no choice."""
        return completed(line, found)
