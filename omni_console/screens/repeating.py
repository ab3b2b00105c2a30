"""The last deed that changed something, done again with one key."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from omni_console.actions import BY_ID
from omni_console.command_line import Order
from omni_console.i18n import _
from omni_console.messages import Repeat

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


class Repeating:
    """Remembers a deed when the server has done it. A send is never one."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self.last: Repeat | None = None
        self._said = ""  # what is being done again
        self._awaited = 0  # answers that tell of it

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"repeat.last": self._again}

    def did(self, deed: Repeat) -> None:
        self.last = deed

    def _again(self) -> None:
        screen, last = self._screen, self.last
        if last is None:
            screen.say(_("nothing was done yet that could be done again"))
            return
        rows = screen.marking.rows()
        if not rows:
            return
        order = Order(BY_ID[last.action_id], last.words)
        marked = "" if len(rows) == 1 else " " + _("({n} marked)").format(n=len(rows))
        self._said = _("again: {command}").format(command=order.spelled()) + marked
        self._awaited = 1
        screen.say(self._said)
        screen.orders.again(order, rows)

    def told(self, deed: Repeat | None, said: str) -> str:
        """What is said of a deed that was done: where it was one again, that too."""
        if deed is not None:
            self.last = deed
            self._screen.touring.did(f"did {deed.action_id}")
        if deed is None or not self._awaited:
            return said
        self._awaited -= 1
        return f"{self._said} · {said}"

    def not_done(self) -> None:
        self._awaited = 0
