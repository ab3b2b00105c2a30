"""What a search found, gone through from hit to hit while the histories are read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from omni_console import errands
from omni_console.i18n import _
from omni_console.messages import MoreHits

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen
    from omni_console.screens.search_screen import Found


class Hits:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._found: Found | None = None
        self._asking = False

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"hit.next": lambda: self._step(1), "hit.prev": lambda: self._step(-1)}

    def opened(self, found: Found) -> None:
        """A hit was chosen in the search."""
        self._found = found
        self._show()

    def _step(self, step: int) -> None:
        screen, found = self._screen, self._found
        if found is None:
            screen.say(_("search first"))
            return
        at = found.at + step
        if at < 0:
            screen.say(_("this is the first hit"))
        elif at < len(found.hits):
            found.at = at
            self._show()
        elif found.next is None:
            screen.say(_("this was the last hit"))
        elif not self._asking:
            self._ask(found)

    def _ask(self, found: Found) -> None:
        client, before = self._screen.client, found.next
        self._asking = True
        errands.send(
            self._screen,
            "hits",
            lambda: client.search(found.asked, before, customer_id=found.customer_id),
            lambda page: MoreHits(found.asked, page),
        )

    def came(self, event: MoreHits) -> None:
        """The page behind the last hit."""
        self._asking = False
        found = self._found
        if found is None or found.asked != event.asked:
            return
        found.take(event.page)
        self._step(1)

    def gave_up(self, what: str) -> None:
        if what == "hits":
            self._asking = False

    def _show(self) -> None:
        screen, found = self._screen, self._found
        if found is None:
            return
        hit = found.hits[found.at]
        screen.desk.put_row(hit.conversation, with_seen=True)
        screen.reading.jump_to(hit.conversation.id, hit.message.id)
        more = "+" if found.next is not None else ""
        screen.say(
            _("hit {n} of {count}{more}: {words}").format(
                n=found.at + 1, count=len(found.hits), more=more, words=found.typed
            )
        )
