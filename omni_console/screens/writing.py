"""Replies, notes and drafts: from the editor to the server, and what comes back."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.worker import Worker

from omni_console import errands
from omni_console.client import RefusedError, UnreachableError
from omni_console.desk import ANSWERING
from omni_console.drafts import ComposeKind
from omni_console.i18n import _, ngettext
from omni_console.keymap import key_for
from omni_console.messages import DraftSaved, Refused, Sent, Unanswered
from omni_console.outgoing import Outgoing, is_held
from omni_console.refusals import refusal
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.screens.scheduling import When
from omni_console.widgets.pane import Pane
from server.protocol import Conversation

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen

SAVE_AFTER_S = 1.0  # a draft is on the server within 2 s of the last key
QUIT_WAIT_S = 2.0


class Writing:
    """Everything about words that leave the console."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._outgoing: defaultdict[int, Outgoing] = defaultdict(Outgoing)  # by conversation
        self._save_due = False
        self._saver: Worker[None] | None = None
        self._waits_for_server: set[int] = set()
        # conversation -> go on to the next one afterwards; when it is to leave
        self._checking: dict[int, tuple[bool, When | None]] = {}

    def commands(self) -> dict[str, Callable[[], None]]:
        return {
            "reply.start": lambda: self._start("reply"),
            "note.start": lambda: self._start("note"),
            "compose.kind": self._turn,
            "compose.way": self._next_way,
            "compose.leave": self._leave,
            "compose.send": lambda: self._send(go_on=False),
            "compose.send_next": lambda: self._send(go_on=True),
            "app.quit": self._quit,
        }

    # --- starting and leaving ---------------------------------------------------------------------------

    def _start(self, kind: ComposeKind) -> None:
        screen = self._screen
        me = screen.desk.operator
        if kind == "reply" and me is not None and me.role not in ANSWERING:
            screen.say(_("your role does not answer customers"), bad=True)
            return
        if screen.focused is screen.list:
            key = screen.list.conversation_id
            if key is None:
                return
            screen.browsing.open(key, focus=False)
        pane = screen.pane
        if pane is not None:
            pane.write(kind)

    def _turn(self) -> None:
        pane = self._screen.pane
        if pane is not None and pane.writing:
            pane.turn("reply" if pane.composer.kind == "note" else "note")
            self._screen.keys.changed()

    def _next_way(self) -> None:
        pane = self._screen.pane
        if pane is None:
            return
        if len(pane.ways) < 2:
            self._screen.say(_("there is only one way to answer"))
        pane.next_way()

    def _leave(self) -> None:
        screen, pane = self._screen, self._screen.pane
        if pane is not None:
            pane.keep()
            self.save_now()
            screen.set_focus(pane.river)

    # --- drafts -------------------------------------------------------------------------------------------

    def save_soon(self) -> None:
        if not self._save_due:
            self._save_due = True
            self._screen.set_timer(SAVE_AFTER_S, self.save_now)

    def online_again(self) -> None:
        """Words that wait for the server are sent by the operator, who may have changed his mind."""
        for key in self._waits_for_server:
            pane = self._screen.grid.showing(key)
            if pane is not None and pane.notice.display:
                pane.notice.say(
                    _("the server is back: {key} sends it now").format(key=key_for("compose.send")), bad=False
                )
        self._waits_for_server.clear()
        if self._saver is not None:
            self._saver.cancel()  # it may still wait for an answer of the server that went away
            self._saver = None
        self.save_now()

    def save_now(self) -> None:
        self._save_due = False
        busy = self._saver is not None and not self._saver.is_finished
        if busy or not self._screen.desk.drafts.unsaved():
            return
        self._saver = self._screen.run_worker(self._save(), group="drafts", exit_on_error=True)

    async def save_what_is_begun(self) -> None:
        """Before the console stands still for a while."""
        await self._save()

    async def _save(self) -> None:
        screen = self._screen
        again = False
        try:
            for draft, ticket in screen.desk.drafts.unsaved():
                saved = await screen.client.save_draft(draft)
                screen.post_message(DraftSaved(saved, ticket))
        except UnreachableError:
            again = screen.online
        except RefusedError as error:
            again = error.status >= 500
            screen.post_message(Refused("draft", 0, error.body))
        if again:
            self.save_soon()

    def _quit(self) -> None:
        screen = self._screen
        for pane in screen.grid.panes:
            pane.keep()
        screen.run_worker(self._save_and_quit(), group="quit", exclusive=True)

    async def _save_and_quit(self) -> None:
        drafts, screen = self._screen.desk.drafts, self._screen
        why = ""
        try:
            async with asyncio.timeout(QUIT_WAIT_S):
                for draft, ticket in drafts.unsaved():
                    drafts.saved(await screen.client.save_draft(draft), ticket)
        except (UnreachableError, RefusedError, TimeoutError) as error:
            why = str(error) or _("no answer")
        lost = drafts.unsaved_texts()
        if lost:
            text = ngettext(
                "{n} unsent text could not be saved ({why}). Quit and lose it?",
                "{n} unsent texts could not be saved ({why}). Quit and lose them?",
                lost,
            ).format(n=lost, why=why)
            choices = [Choice("stay", _("stay")), Choice("quit", _("quit, lose it"))]
            chosen = await screen.app.push_screen_wait(ChoiceScreen(text, choices))
            if chosen != "quit":
                return
        screen.layouts.end()
        screen.app.exit(0, message=screen.sending.farewell() or None)

    # --- sending ------------------------------------------------------------------------------------------

    def send_later(self, when: When) -> None:
        self._send(go_on=False, when=when)

    def _send(self, *, go_on: bool, when: When | None = None) -> None:
        screen, pane = self._screen, self._screen.pane
        if pane is None or not pane.conversation_id:
            return
        row, text = pane.row, pane.composer.text.strip()
        attached = (
            row is not None and pane.composer.kind == "reply" and screen.desk.drafts.attached.get(row.id)
        )
        if row is None or not (text or attached):
            return
        outgoing = self._outgoing[row.id]
        if outgoing.in_flight:
            return
        pane.keep()
        if not screen.online:
            self._waits_for_server.add(row.id)
            pane.notice.say(_("offline: not sent. The text stays here; send it when the server is back"))
            return
        if pane.composer.kind == "note":
            self._send_note(pane, row, text, go_on=go_on)
            return
        if pane.composer.kind == "first":
            screen.first_words.send(pane, row, text)
            return
        if outgoing.must_check(text):
            # Earlier words may have arrived: look before other words go.
            self._checking[row.id] = (go_on, when)
            screen.loader.load_detail(row.id)
            return
        self._send_reply(pane, row, text, go_on=go_on, when=when)

    def _send_reply(
        self, pane: Pane, row: Conversation, text: str, *, go_on: bool, when: When | None = None
    ) -> None:
        screen, way = self._screen, pane.way
        if way is None:
            known = row.id in screen.desk.ways
            pane.notice.say(_("there is no way to answer this customer") if known else _("loading…"))
            return
        if pane.too_long(text, way):
            return
        outgoing = self._outgoing[row.id]
        attached = screen.desk.drafts.attached.get(row.id, [])
        river = pane.river.river
        newest = max((message.id for message in river.messages()), default=0)
        command = outgoing.reply(
            text,
            way,
            pane.river.painted_seq,
            newest,
            pane.addressees,
            [file.id for file in attached],
            at=None if when is None else when.at,
            keep=when is not None and when.keep,
        )
        outgoing.in_flight = True
        pane.set_busy(True)
        client, key = screen.client, row.id
        errands.send(
            screen,
            "reply",
            lambda: client.reply(key, command),
            lambda message: Sent(key, "reply", message, go_on),
            conversation_id=key,
        )

    def _send_note(self, pane: Pane, row: Conversation, text: str, *, go_on: bool) -> None:
        outgoing = self._outgoing[row.id]
        command = outgoing.note(text)
        outgoing.in_flight = True
        pane.set_busy(True)
        client, key = self._screen.client, row.id
        errands.send(
            self._screen,
            "note",
            lambda: client.note(key, command),
            lambda message: Sent(key, "note", message, go_on),
            conversation_id=key,
        )

    # --- what came of it ----------------------------------------------------------------------------------

    def sent(self, event: Sent) -> None:
        screen = self._screen
        self._outgoing[event.conversation_id].taken()
        screen.desk.put_message(event.message)
        screen.desk.note_held(event.message)
        screen.sending.tick()
        later = event.message.status == "scheduled" and not is_held(event.message)
        if later and event.message.leaves_at is not None:
            screen.say(_("it leaves {when}").format(when=screen.clock.moment(event.message.leaves_at)))
        pane = screen.grid.showing(event.conversation_id)
        if pane is not None:
            pane.sent(event.kind)
            self.save_now()
            pane.changed()
            if pane.writing and not event.go_on:
                screen.set_focus(pane.river)
        if event.kind == "first":
            screen.first_words.sent(event)
        if event.go_on:
            screen.browsing.go_on()
        screen.loader.load_counts()

    def refused(self, event: Refused) -> bool:
        """True when it was about writing, and the operator was told."""
        if event.what == "draft":
            return event.problem.code == "not_found"
        if event.what == "first":
            return self._screen.first_words.refused(event)
        if event.what not in ("reply", "note"):
            return False
        screen, problem = self._screen, event.problem
        outgoing = self._outgoing[event.conversation_id]
        outgoing.refused()
        pane = screen.grid.showing(event.conversation_id)
        if pane is None:
            screen.say(_("a reply was not sent: {why}").format(why=refusal(problem)), bad=True)
            return True
        pane.set_busy(False)
        if problem.code == "stale":
            outgoing.held(problem.seq)
            for message in problem.news:
                screen.desk.put_message(message)
            pane.changed()
            pane.notice.say(
                ngettext(
                    "not sent yet: this came meanwhile. {key} sends it all the same",
                    "not sent yet: these {n} came meanwhile. {key} sends it all the same",
                    len(problem.news),
                ).format(
                    n=len(problem.news),
                    key=key_for("compose.schedule" if outgoing.for_later else "compose.send"),
                ),
                news=problem.news,
            )
            return True
        if problem.code == "missing":
            screen.templates.point_out(pane, problem.missing)
            return True
        pane.notice.say(_("not sent: {why}").format(why=refusal(problem)))
        return True

    def unanswered(self, event: Unanswered) -> bool:
        self._checking.pop(event.conversation_id, None)
        if event.what == "first":
            return self._screen.first_words.unanswered(event)
        if event.what not in ("reply", "note"):
            return False
        self._outgoing[event.conversation_id].unanswered(
            maybe_done=event.maybe_done and event.what == "reply"
        )
        pane = self._screen.grid.showing(event.conversation_id)
        if pane is not None:
            pane.not_answered(maybe_done=event.maybe_done)
        return True

    def detail_came(self, conversation_id: int) -> None:
        """If this was asked for because of a doubtful reply: say what became of it, or send."""
        checking = self._checking.pop(conversation_id, None)
        if checking is None:
            return
        go_on, when = checking
        screen = self._screen
        pane, row = screen.grid.showing(conversation_id), screen.desk.conversations.get(conversation_id)
        if pane is None or row is None:
            return
        outgoing = self._outgoing[conversation_id]
        if outgoing.checked(screen.desk.river(row.customer_id), screen.desk.me):
            pane.notice.say(
                _("the earlier words did arrive. {key} sends these as well").format(
                    key=key_for("compose.send")
                )
            )
            return
        self._send_reply(pane, row, pane.composer.text.strip(), go_on=go_on, when=when)
