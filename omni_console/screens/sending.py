"""What the server still holds of what was sent: how long, and how it comes back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from omni_console import errands
from omni_console.i18n import _, ngettext
from omni_console.messages import HeldCame, Refused, TakenBack
from omni_console.quoting import own_words
from omni_console.refusals import refusal
from omni_console.widgets.message_lines import seconds_left
from server.protocol import Message

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen

TICK_S = 1.0


class Sending:
    """The server is the one who knows what is held: a console that was away asks it."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._shown = False

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"send.undo": self._undo}

    # --- what is held -------------------------------------------------------------------------------------

    def load(self) -> None:
        errands.send(self._screen, "held", self._screen.client.held, HeldCame)

    def came(self, event: HeldCame) -> None:
        self._screen.desk.put_held(event.messages)
        self.tick()

    def tick(self) -> None:
        """The seconds go by: only while something is held."""
        screen = self._screen
        held = screen.desk.still_held(screen.clock.now())
        if not held and not self._shown:
            return
        self._shown = bool(held)
        seconds = self._seconds(held[-1]) if held else 0
        screen.keys.show_held(len(held), seconds, lost=not screen.online)
        for pane in screen.grid.panes:
            pane.river.changed()

    def _seconds(self, message: Message) -> int:
        return seconds_left(message, self._screen.clock)

    # --- taking back --------------------------------------------------------------------------------------

    def _undo(self) -> None:
        if not self.undo_newest():
            self._screen.say(_("nothing is held any more"))

    def undo_newest(self) -> bool:
        """Take back what was sent last, as long as it is held. False: nothing is."""
        screen = self._screen
        held = screen.desk.still_held(screen.clock.now())
        if not held:
            return False
        if not screen.online:
            screen.say(_("offline: it cannot be taken back from here now"), bad=True)
            return True
        self.take_back(held[-1].id, held[-1].conversation_id)
        return True

    def take_back(self, message_id: int, conversation_id: int) -> None:
        screen = self._screen
        for pane in screen.grid.panes:
            pane.keep()  # what was begun there since is not written over
        errands.send(
            screen,
            "withdraw",
            partial(screen.client.withdraw, message_id),
            TakenBack,
            conversation_id=conversation_id,
        )

    def taken_back(self, event: TakenBack) -> None:
        screen, desk = self._screen, self._screen.desk
        message, draft = event.withdrawn.message, event.withdrawn.draft
        key = message.conversation_id
        desk.put_message(message, message.seq)
        desk.note_held(message)
        if message.author_id == desk.me:
            words = message.text if draft.kind == "first" else own_words(message)
            desk.drafts.come_back(draft, words)
        if message.author_id == desk.me and draft.kind != "forward":
            pane = screen.grid.showing(key)
            elsewhere = screen.pane is not None and screen.pane.writing and screen.pane is not pane
            if pane is None and not elsewhere:
                screen.browsing.open(key)
                pane = screen.grid.showing(key)
            if pane is not None:
                pane.bring_back(draft.kind)
                pane.changed()
                if not elsewhere:
                    screen.grid.activate(pane)
                    pane.write(draft.kind)
            screen.writing.save_now()
        screen.say(_("taken back: it did not leave, and is a draft again"))
        if message.author_id == desk.me and draft.kind == "forward":
            screen.forwarding.come_back(draft)
        screen.list.rows_changed()
        screen.loader.load_counts()
        self.tick()

    def refused(self, event: Refused) -> bool:
        """True when it was about this, and the operator was told."""
        if event.what == "held":
            return True  # an older server holds nothing
        if event.what != "withdraw":
            return False
        self._screen.say(refusal(event.problem), bad=True)
        self.load()
        return True

    def farewell(self) -> str:
        """What whoever quits now must know, or ""."""
        held = self._screen.desk.still_held(self._screen.clock.now())
        if not held:
            return ""
        words = ngettext(
            "{n} reply still leaves, in {seconds} s: omni outbox withdraw {ids} takes it back",
            "{n} replies still leave, in {seconds} s: omni outbox withdraw {ids} takes them back",
            len(held),
        )
        return words.format(
            n=len(held),
            seconds=max(self._seconds(message) for message in held),
            ids=" ".join(str(message.id) for message in held),
        )
