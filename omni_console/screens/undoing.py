"""Taking back what was just done, the newest first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from omni_console import errands
from omni_console.i18n import _
from omni_console.messages import Done, TakeBack

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen

KEPT = 20


class Undoing:
    """`do` is the way of every deed that is no reply: ask, tell what came of it, remember how to undo it."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._backs: list[TakeBack] = []

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"undo.last": self._undo}

    def do(self, what: str, ask: Callable[[], Awaitable[Done]], conversation_id: int = 0) -> None:
        if not self._screen.online:
            self._screen.say(_("offline: nothing was done"), bad=True)
            return
        errands.send(self._screen, what, ask, lambda done: done, conversation_id=conversation_id)

    def done(self, event: Done) -> None:
        screen, desk = self._screen, self._screen.desk
        for row in event.rows:
            desk.put_row(row, with_seen=True)
            screen.cases.done(row)
        if event.card is not None:
            screen.loader.customer_came(event.card)
        for customer_id in event.customers:
            screen.loader.load_customer(customer_id)
        for conversation_id in set(event.conversations).intersection(screen.grid.conversations()):
            screen.loader.load_detail(conversation_id)
        if event.lists:
            screen.loader.load_list()
        if event.lists or event.rows:
            screen.loader.load_counts()
        screen.list.rows_changed()
        for pane in screen.grid.panes:
            pane.changed()
        screen.card.changed()
        if event.back is not None:
            self._backs = [*self._backs, event.back][-KEPT:]
        if event.open:
            screen.browsing.open(event.open)
        said = screen.repeating.told(event.repeat, event.said)
        if said:
            screen.say(said)

    def _undo(self) -> None:
        if not self._screen.sending.undo_newest():
            self.undo_deed()

    def undo_deed(self) -> None:
        """The last deed that is no reply."""
        if not self._backs:
            self._screen.say(_("nothing to take back"))
            return
        if not self._screen.online:
            self._screen.say(_("offline: nothing was done"), bad=True)
            return
        back = self._backs.pop()
        self.do(f"undo: {back.label}", back.ask, back.conversation_id)
