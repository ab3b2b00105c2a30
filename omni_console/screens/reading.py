"""The history in a pane: what was read, the place a search led to, one channel of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from omni_console import errands
from omni_console.i18n import _
from omni_console.messages import Refused, RowCame, Unanswered
from omni_console.screens.loading import FAR
from omni_console.widgets.pane import Pane
from omni_console.widgets.river_view import RiverView
from server.protocol import Conversation

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


class Reading:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._told_seen: dict[int, int] = {}  # conversation -> the newest seq that the server was told
        self._wanted: tuple[int, int] | None = None  # conversation and message a search led to
        self._awake = True  # somebody sits here

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"history.channels": self._one_channel, "history.folds": self._folds}

    def _one_channel(self) -> None:
        pane = self._screen.pane
        if pane is None:
            return
        found = {message.channel_id for message in pane.river.river.messages() if message.channel_id}
        choices = ["", *sorted(found)]
        if len(choices) < 3:
            self._screen.say(_("everything was said on one channel"))
            return
        at = choices.index(pane.river.only_channel) if pane.river.only_channel in choices else 0
        channel = choices[(at + 1) % len(choices)]
        pane.river.show_channel(channel)
        pane.header.only_channel = channel
        pane.header.changed()

    def _folds(self) -> None:
        pane = self._screen.pane
        if pane is not None and not pane.river.toggle_folds():
            self._screen.say(_("no message on the screen has quoted lines"))

    # --- a place ------------------------------------------------------------------------------------------

    def jump_to(self, conversation_id: int, message_id: int) -> None:
        """Open a conversation at one message, loading older pages until it is there."""
        screen = self._screen
        self._wanted = (conversation_id, message_id)
        shown = screen.grid.showing(conversation_id)
        screen.browsing.open(conversation_id)
        if shown is not None:
            self.find_place(shown)

    def find_place(self, pane: Pane) -> None:
        """More of this pane's history is loaded: go to the message that is wanted in it, if one is."""
        if self._wanted is None or self._wanted[0] != pane.conversation_id:
            return
        if pane.river.jump(self._wanted[1]):
            self._wanted = None
        elif pane.river.river.before is not None:
            self._screen.loader.load_older(pane.river.customer_id, FAR)
        else:
            self._wanted = None

    # --- seen ---------------------------------------------------------------------------------------------

    def read(self, event: RiverView.Read) -> None:
        """Painted, in the pane that has the focus, while somebody looks: seen."""
        screen = self._screen
        if not self.looked_at(event.sender):
            return
        key, seq = event.conversation_id, event.seq
        if not screen.online or self._told_seen.get(key, 0) >= seq:
            return
        self._told_seen[key] = seq
        client = screen.client
        errands.send(screen, "seen", lambda: client.seen(key, seq), RowCame, conversation_id=key)

    def row_came(self, row: Conversation) -> None:
        screen = self._screen
        screen.desk.put_row(row, with_seen=True)
        screen.list.rows_changed()
        pane = screen.grid.showing(row.id)
        if pane is not None:
            pane.changed()
        screen.loader.load_counts()

    def wait_for_a_key(self) -> None:
        """The focus is put back where it was: what came meanwhile is not read by that."""
        self._awake = False

    def key_came(self) -> None:
        if not self._awake:
            self._awake = True
            if self._screen.pane is not None:
                self._screen.pane.river.changed()

    def looked_at(self, river: RiverView) -> bool:
        """Whether somebody looks at what is painted there: it has the focus, and nothing stands before it."""
        screen, pane = self._screen, self._screen.grid.active
        return (
            self._awake
            and pane is not None
            and pane.river is river
            and screen.app.app_focus
            and screen.focused is not None
            and pane in screen.focused.ancestors_with_self
            and screen.app.screen is screen
        )

    def not_told(self, event: Refused | Unanswered) -> bool:
        """True when it was about a mark of what was seen: the next painting tells it again."""
        if event.what != "seen":
            return False
        self._told_seen.pop(event.conversation_id, None)
        return True
