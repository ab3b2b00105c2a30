"""The tour over the desk: shown once, and again for whoever asks."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from omni_console import own_files
from omni_console.i18n import _
from omni_console.tour import Tour
from omni_console.widgets.tour_line import TourLine

if TYPE_CHECKING:
    from pathlib import Path

    from omni_console.screens.desk_screen import DeskScreen


def was_shown() -> bool:
    return own_files.state("tour").exists()


class Touring:
    """`shown`: the file that remembers that the tour was walked or left; None: nothing is remembered."""

    def __init__(self, screen: DeskScreen, *, wanted: bool, shown: Path | None) -> None:
        self._screen = screen
        self._tour = Tour()
        self._shown = shown
        if not wanted:
            self._tour.leave()
        self.line = TourLine(self._tour)

    def did(self, what: str) -> None:
        """A command was pressed, or the server has done something."""
        if self._tour.did(what):
            if self._tour.over:
                self._end(_("that was the tour; omni console --tour shows it again"))
            self.line.changed()

    def left(self) -> bool:
        """Escape, where nothing else is meant by it. True when a tour was going on."""
        if self._tour.over:
            return False
        self._tour.leave()
        self._end(_("the tour is over; omni console --tour shows it again"))
        return True

    def _end(self, said: str) -> None:
        self.line.display = False
        self._screen.say(said)
        if self._shown is not None:
            with contextlib.suppress(OSError):
                own_files.write_private(self._shown, "")
