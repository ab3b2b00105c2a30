"""The step of the tour that comes now, above the keys."""

from __future__ import annotations

from omni_console.i18n import _
from omni_console.keymap import key_for
from omni_console.text import safe_line
from omni_console.tour import Tour
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line, spread


class TourLine(Lines):
    def __init__(self, tour: Tour) -> None:
        super().__init__(id="tour")
        self.tour = tour
        self.display = not tour.over

    def lay_out(self, width: int) -> list[Line]:
        left: Line = [
            (safe_line(self.tour.number, before=" ", after="  "), "accent"),
            (safe_line(self.tour.text(key_for)), "strong"),
        ]
        leave = _("{key} ends the tour").format(key=key_for("mark.none"))
        return [spread(left, [(safe_line(leave, before="  ", after=" "), "dim")], width)]
