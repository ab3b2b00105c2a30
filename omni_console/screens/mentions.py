"""Notes in which colleagues call me, and calling one of them in a note."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from omni_console import errands
from omni_console.calling import completed
from omni_console.i18n import _
from omni_console.messages import MentionsCame, MentionSeen, Refused, Unanswered
from omni_console.widgets.river_view import RiverView
from server.protocol import MentionPage

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen
    from omni_console.screens.things_screen import Place

SHOWN = 6  # candidates that are named


class Mentions:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._telling: set[int] = set()  # mentions of which the server is being told that they were seen

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"mentions.open": self._open}

    def _open(self) -> None:
        from omni_console.screens.mentions_screen import MentionsScreen

        screen = self._screen

        def chosen(place: Place | None) -> None:
            if place is not None:
                screen.reading.jump_to(place.conversation_id, place.message_id)

        screen.app.push_screen(MentionsScreen(screen.client, screen.clock), chosen)

    # --- which there are --------------------------------------------------------------------------------

    def load(self) -> None:
        errands.send(self._screen, "mentions", self._screen.client.mentions, MentionsCame)

    def came(self, page: MentionPage) -> None:
        self._screen.desk.put_mentions(page)
        self._screen.status.changed()
        self._screen.list.lines_changed()
        for pane in self._screen.grid.panes:
            pane.river.changed()  # one of them may be on the screen already

    def read(self, event: RiverView.Called) -> None:
        """A note that calls me was painted: seen, if somebody looks."""
        screen = self._screen
        if not screen.online or not screen.reading.looked_at(event.sender):
            return
        for message_id in event.messages:
            key = screen.desk.called.get(message_id)
            if key is not None and key not in self._telling:
                self._telling.add(key)
                errands.send(screen, f"mention.{key}", partial(screen.client.mention_seen, key), MentionSeen)

    def seen(self, event: MentionSeen) -> None:
        self._telling.discard(event.mention.id)
        self.load()

    def not_told(self, event: Refused | Unanswered) -> bool:
        """True when it was about mentions: the next painting, or the next event, asks again."""
        if event.what.startswith("mention."):
            self._telling.discard(int(event.what.removeprefix("mention.")))
            return True
        return event.what == "mentions"  # an older server knows none

    # --- calling somebody -------------------------------------------------------------------------------

    def complete(self) -> bool:
        """Behind @ in a note: the colleague's login. False where nobody is being called."""
        screen, pane = self._screen, self._screen.pane
        if pane is None or not pane.writing or pane.composer.kind != "note" or pane.composer.read_only:
            return False
        composer = pane.composer
        row, column = composer.cursor_location
        colleagues = [one for one in screen.desk.operators.values() if one.id != screen.desk.me]
        called = completed(composer.document.get_line(row)[:column], colleagues)
        if called is None:
            return False
        put_in = composer.replace(called.login, (row, called.start), (row, column))
        composer.move_cursor(put_in.end_location)
        if called.candidates:
            names = [f"@{one.login} ({one.name})" for one in called.candidates[:SHOWN]]
            more = " …" if len(called.candidates) > SHOWN else ""
            screen.say(" · ".join(names) + more)
        elif not called.login.endswith(" "):
            screen.say(_("no colleague is called so: {name}").format(name=f"@{called.login}"), bad=True)
        return True
