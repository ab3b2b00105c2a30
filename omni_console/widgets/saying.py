"""Lines that show a sentence for a few seconds, and then again what they are for."""

from __future__ import annotations

from textual.timer import Timer

from omni_console.widgets.lines import Lines

SAID_S = 6.0


class Saying(Lines):
    """Subclasses lay out `said` while there is something; it may hold names: it is cleaned when painted."""

    said = ""
    role = "strong"
    _over: Timer | None = None

    def say(self, text: str, *, bad: bool = False) -> None:
        self.said, self.role = text, "bad" if bad else "strong"
        if self._over is not None:
            self._over.stop()
        self._over = self.set_timer(SAID_S, self._forget)
        self.changed()

    def _forget(self) -> None:
        self.said = ""
        self.changed()
