"""The most urgent conversation with one key; why this one with another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from omni_console import errands
from omni_console.i18n import _, ngettext
from omni_console.keymap import key_for
from omni_console.messages import UrgencyCame

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


class NextBest:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"next.take": self._take, "next.why": self._why}

    def _take(self) -> None:
        screen = self._screen
        if not screen.online:
            screen.say(_("offline: nothing was done"), bad=True)
            return
        here = [] if screen.pane is None else [screen.pane.conversation_id]
        client = screen.client
        errands.send(
            screen, "next", lambda: client.take_next(here), lambda found: UrgencyCame(found, taken=True)
        )

    def _why(self) -> None:
        screen, row = self._screen, self._screen.target
        if row is None:
            return
        client, key = screen.client, row.id
        errands.send(
            screen,
            "why",
            lambda: client.why(key),
            lambda found: UrgencyCame(found, taken=False),
            conversation_id=key,
        )

    def came(self, event: UrgencyCame) -> None:
        from omni_console.screens.urgency_screen import UrgencyScreen

        screen, found, row = self._screen, event.urgency, event.urgency.conversation
        if row is None:
            screen.say(_("nobody waits for you"))
            return
        screen.desk.put_row(row, with_seen=True)
        screen.list.rows_changed()
        if not event.taken:
            screen.open_late(UrgencyScreen(found, screen.clock))
            return
        screen.loader.load_counts()
        screen.browsing.open(row.id)
        said = ngettext(
            "{customer}: {n} point; {key} says why", "{customer}: {n} points; {key} says why", found.points
        )
        screen.say(said.format(customer=row.customer, n=found.points, key=key_for("next.why")))
