"""The lead's screen on the desk: opened, kept live, and what is done from it, each time undoably."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Literal

from omni_console import errands
from omni_console.client import ServerClient
from omni_console.i18n import _, ngettext
from omni_console.messages import Done, OverviewCame, ProposalCame, TakeBack
from server.protocol import Conversation, Move, Moved, Overview, Proposal

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen
    from omni_console.screens.lead_screen import LeadScreen


class Lead:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._open: LeadScreen | None = None

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"lead.open": self._ask}

    @property
    def client(self) -> ServerClient:
        return self._screen.client

    # --- the screen -----------------------------------------------------------------------------------

    def _ask(self) -> None:
        """Who is no lead is told so by the server, in words, and stays where he is."""
        screen = self._screen
        if not screen.online:
            screen.say(_("offline: nothing was done"), bad=True)
            return
        errands.send(screen, "overview", screen.client.lead.overview, OverviewCame)

    def came(self, overview: Overview) -> None:
        from omni_console.screens.lead_screen import LeadScreen

        screen = self._screen
        if self._open is not None:
            return
        self._open = LeadScreen(self, overview, screen.clock)

        def closed(key: int | None) -> None:
            self._open = None
            if key is not None:
                screen.browsing.open(key)

        screen.app.push_screen(self._open, closed)

    def happened(self) -> None:
        if self._open is not None:
            self._open.stale()

    def done(self) -> None:
        """What was done from there is seen there at once."""
        if self._open is not None:
            self._open.reload()

    def link(self, *, online: bool) -> None:
        if self._open is not None:
            self._open.link(online=online)

    def say(self, text: str, *, bad: bool = False) -> bool:
        """Whether it was said there: what is done from that screen is answered on it."""
        if self._open is None:
            return False
        self._open.say(text, bad=bad)
        return True

    # --- what is done ---------------------------------------------------------------------------------

    def take(self, row: Conversation) -> None:
        self._screen.deeds.claim([row], from_holder=True)

    def give_back(self, row: Conversation) -> None:
        if row.assignee_id is None:
            self._screen.say(_("nobody has it"))
            return
        self._screen.deeds.release([row])

    def hand_over(self, row: Conversation) -> None:
        screen = self._screen
        screen.cases.ask_to_whom(row, lambda receiver, note: screen.deeds.give([row], receiver, note))

    def propose(self, operator_id: int | None, to: Literal["colleagues", "queue"]) -> None:
        client = self.client
        errands.send(self._screen, "moves", lambda: client.lead.propose(operator_id, to), ProposalCame)

    def proposal_came(self, proposal: Proposal) -> None:
        from omni_console.screens.moves_screen import MovesScreen

        screen = self._screen
        if not proposal.moves:
            said = _("nothing to move: nothing waits that nobody has begun")
            if proposal.untouched:
                said = _("nothing to move: nobody has room for it, or it is even already")
            screen.say(said)
            return

        def answered(yes: bool | None) -> None:
            if yes:
                self._move(proposal)

        screen.app.push_screen(MovesScreen(proposal, screen.clock), answered)

    def take_back(self) -> None:
        self._screen.undoing.undo_deed()

    def _move(self, proposal: Proposal) -> None:
        client = self.client
        moves = [
            Move(conversation_id=one.conversation.id, from_id=one.conversation.assignee_id, to_id=one.to_id)
            for one in proposal.moves
        ]

        async def ask() -> Done:
            done = await client.lead.move(moves)
            back = [
                Move(conversation_id=one.conversation_id, from_id=one.to_id, to_id=one.from_id)
                for one in done.moved
            ]

            async def undo() -> Done:
                return Done(_said(await client.lead.move(back, back=True), back=True), lists=True)

            return Done(_said(done), lists=True, back=TakeBack(_("moves"), undo) if back else None)

        self._screen.undoing.do("move", ask)


def _said(done: Moved, *, back: bool = False) -> str:
    count = len(done.moved)
    said = (
        ngettext("{n} conversation is back", "{n} conversations are back", count)
        if back
        else ngettext("{n} conversation moved", "{n} conversations moved", count)
    ).format(n=count)
    if done.skipped:
        words = {
            "elsewhere": _("somebody else has it by now"),
            "begun": _("begun meanwhile"),
            "gone": _("nobody there"),
            "full": _("no room"),
        }
        reasons = dict.fromkeys(words.get(one.why, one.why) for one in done.skipped)
        text = ngettext("{n} stays: {why}", "{n} stay: {why}", len(done.skipped))
        said += "; " + text.format(n=len(done.skipped), why=", ".join(reasons))
    return said
