"""The line that says that the server is lost, since when, and what that means."""

from __future__ import annotations

from omni_console.i18n import _
from omni_console.text import safe_line
from omni_console.widgets.lines import Lines
from omni_console.widgets.paint import Line


class OfflineBanner(Lines):
    def __init__(self) -> None:
        super().__init__(id="banner")
        self.why = ""
        self.for_good = False
        self.display = False

    def show(self, why: str, *, for_good: bool = False) -> None:
        """`for_good`: the server does not want us; trying again is no use."""
        self.why = why
        self.for_good = for_good
        self.display = True
        self.changed()

    def hide(self) -> None:
        self.display = False

    def lay_out(self, width: int) -> list[Line]:
        text = _("offline — drafts are kept, nothing can be sent; trying again")
        if self.for_good:
            text = _("the server does not let this console in")
        line: Line = [(safe_line(text, before=" ○ "), "base")]
        if self.why:
            line.append((safe_line(_(self.why), before="  (", after=")"), "base"))
        return [line]
