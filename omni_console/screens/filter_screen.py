"""The filter line at the foot of the screen: what the list is to be narrowed to."""

from __future__ import annotations

from collections.abc import Sequence

from omni_console.command_line import Completion
from omni_console.desk import Desk
from omni_console.i18n import _
from omni_console.query_words import known_to, options, why
from omni_console.screens.line_window import LineWindow
from omni_console.timing import Clock
from server.protocol.filtering import filter_of
from server.protocol.query import QueryError, parse


class FilterScreen(LineWindow[str]):
    """Ends with what was typed, "" for no filter, None: as it was. `before`: earlier ones, newest first."""

    sign, line_max = "\\", 400

    def __init__(self, desk: Desk, clock: Clock, now: str, before: Sequence[str]) -> None:
        super().__init__()
        self._desk = desk
        self._clock = clock
        self._before = [one for one in before if one != now]
        self._back = 0  # how far back in the earlier ones
        self._own = now  # what was typed before that

    def opened(self) -> None:
        self.put(self._own)
        super().opened()

    def words(self) -> Completion:
        return options(self.field.value, self._desk, lists=True)

    def completed(self, line: str, found: Completion) -> str:
        """What follows "is:" follows at once: no space."""
        return super().completed(line, found).rstrip() if found.words else line

    def _problem(self) -> QueryError | None:
        try:
            here = self._clock.local(self._clock.now())
            filter_of(parse(self.field.value), known_to(self._desk), here)
        except QueryError as error:
            return error
        return None

    def hint(self) -> None:
        found, error = self.words(), self._problem()
        if found.words:
            self.hints.show(found)
        elif error is not None:
            self.hints.say(why(error))
        else:
            self.hints.offer(
                _("words from: is: tag: assignee: after: … · - excludes · empty: all · ↑ earlier")
            )

    def typed_anew(self) -> None:
        self._back, self._own = 0, self.field.value

    def enter(self, line: str) -> None:
        error = self._problem()
        if error is not None:
            self.hints.say(why(error))
        else:
            self.dismiss(line.strip())

    def recall(self, step: int) -> None:
        self._back = max(0, min(len(self._before), self._back + step))
        self.put(self._before[self._back - 1] if self._back else self._own)
        self.hint()
