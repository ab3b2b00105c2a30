"""The filter line at the foot of the screen: what the list is to be narrowed to."""

from __future__ import annotations

from collections.abc import Sequence

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input

from omni_console.command_line import Completion
from omni_console.desk import Desk
from omni_console.i18n import _
from omni_console.query_words import known_to, options, why
from omni_console.screens.command_screen import Hints
from omni_console.screens.window import Window
from omni_console.text import typed
from omni_console.timing import Clock
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line
from server.protocol.filtering import filter_of
from server.protocol.query import QueryError, parse

LINE_MAX = 400


class Backslash(Lines):
    def lay_out(self, width: int) -> list[Line]:
        return [[(Content(" \\"), "accent")]]


class FilterScreen(Window[str]):
    """Ends with what was typed, "" for no filter, None: as it was. `before`: earlier ones, newest first."""

    def __init__(self, desk: Desk, clock: Clock, now: str, before: Sequence[str]) -> None:
        super().__init__()
        self._desk = desk
        self._clock = clock
        self._now = now
        self._before = [one for one in before if one != now]
        self._hints = Hints()
        self._cycle: tuple[str, Completion, int] | None = None  # the line before tab, its words, which one
        self._back = 0  # how far back in the earlier ones
        self._own = now  # what was typed before that

    def compose(self) -> ComposeResult:
        with Vertical(classes="command-line"):
            yield self._hints
            with Horizontal(classes="form-row"):
                yield Backslash(classes="prompt")
                yield Input(compact=True, max_length=LINE_MAX, select_on_focus=False)

    def opened(self) -> None:
        self._field.cursor_blink = False
        self._put(self._now)
        self._field.focus()

    @property
    def _field(self) -> Input:
        return self.query_one(Input)

    def _put(self, line: str) -> None:
        with self.prevent(Input.Changed):
            self._field.value = typed(line)
        self._field.cursor_position = len(self._field.value)
        self._hint()

    def _problem(self) -> QueryError | None:
        try:
            here = self._clock.local(self._clock.now())
            filter_of(parse(self._field.value), known_to(self._desk), here)
        except QueryError as error:
            return error
        return None

    def _hint(self) -> None:
        found = options(self._field.value, self._desk, lists=True)
        error = self._problem()
        if found.words:
            self._hints.show(found)
        elif error is not None:
            self._hints.say(why(error))
        else:
            self._hints.offer(
                _("words from: is: tag: assignee: after: … · - excludes · empty: all · ↑ earlier")
            )

    @on(Input.Changed)
    def changed(self, event: Input.Changed) -> None:
        event.stop()
        self._cycle, self._back, self._own = None, 0, event.value
        self._hint()

    @on(Input.Submitted)
    def entered(self, event: Input.Submitted) -> None:
        event.stop()
        error = self._problem()
        if error is not None:
            self._hints.say(why(error))
        else:
            self.dismiss(event.value.strip())

    def on_key(self, event: events.Key) -> None:
        steps = {"tab": 1, "shift+tab": -1}
        if event.key in steps:
            event.stop()
            event.prevent_default()
            self._complete(steps[event.key])
        elif event.key in ("up", "down"):
            event.stop()
            self._back = max(0, min(len(self._before), self._back + (1 if event.key == "up" else -1)))
            self._put(self._before[self._back - 1] if self._back else self._own)

    def _complete(self, step: int) -> None:
        """One word after the other of those that could stand here."""
        if self._cycle is None:
            found = options(self._field.value, self._desk, lists=True)
            if not found.words:
                return
            self._cycle = (self._field.value, found, -1 if step > 0 else 0)
        line, found, at = self._cycle
        at = (at + step) % len(found.words)
        with self.prevent(Input.Changed):
            self._field.value = typed(line[: found.start] + found.words[at])
        self._field.cursor_position = len(self._field.value)
        self._own = self._field.value
        if len(found.words) == 1:
            self._cycle = None
            self._hint()
        else:
            self._cycle = (line, found, at)
            self._hints.show(found, at)
