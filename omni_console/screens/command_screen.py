"""The `:` line at the foot of the screen: what is typed, what may follow, what was typed before."""

from __future__ import annotations

from collections.abc import Callable

from omni_console.command_history import CommandHistory
from omni_console.command_line import LINE_MAX, Completion, Known, Misread, Order, complete, read
from omni_console.screens.line_window import LineWindow


class CommandScreen(LineWindow[Order]):
    """Ends with the order that was typed, or None."""

    sign, line_max = ":", LINE_MAX

    def __init__(self, known: Callable[[], Known], history: CommandHistory) -> None:
        super().__init__()
        self._known = known
        self._history = history
        self._recalled: tuple[str, int] | None = None  # what was typed before ↑, and how far back one is

    def words(self) -> Completion:
        return complete(self.field.value, self._known())

    def hint(self) -> None:
        self.hints.show(self.words() if self.field.value.strip() else Completion(0))

    def typed_anew(self) -> None:
        self._recalled = None

    def enter(self, line: str) -> None:
        found = read(line, self._known())
        if isinstance(found, Misread):
            self.hints.say(found.sentence)
            return
        if found is not None:
            self._history.add(line.strip(), found)
        self.dismiss(found)

    def recall(self, step: int) -> None:
        typed_first, back = self._recalled or (self.field.value, 0)
        lines = self._history.beginning(typed_first)
        back = max(0, min(len(lines), back + step))
        self._recalled = (typed_first, back)
        self.put(lines[back - 1] if back else typed_first)
        self.hint()
