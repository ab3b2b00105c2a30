"""Writing first: a message that nobody asked for, and what stands against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, get_args

from msgspec.structs import replace

from omni_console import errands
from omni_console.i18n import _
from omni_console.keymap import key_for
from omni_console.messages import Refused, Sent, Unanswered
from omni_console.outgoing import new_id
from omni_console.refusals import obstacle_words, refusal
from omni_console.screens.form_screen import Answers, FormScreen, Question
from omni_console.widgets.pane import Pane
from server.protocol import Conversation, Customer, FirstMessage, HeldBecause, ReplyWay

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


class FirstWords:
    """What was seen in the way of a message is the consent to go past it; what is new holds it again."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._commands: dict[int, FirstMessage] = {}  # by conversation beside which it is written

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"customer.write": self._start, "customer.write_many": self._to_many}

    def _to_many(self) -> None:
        from omni_console.screens.outreach_screen import OutreachScreen

        screen = self._screen
        screen.app.push_screen(OutreachScreen(screen.client, begun=screen.own.begun), self._written)

    def to_person(self, person: Customer) -> None:
        """To somebody with whom there is no conversation beside which it could be written."""
        from omni_console.screens.outreach_screen import OutreachScreen

        self._screen.open_late(OutreachScreen(self._screen.client, person), self._written)

    def _written(self, said: str | None) -> None:
        if said:
            self._screen.say(said)

    def _start(self) -> None:
        screen = self._screen
        if screen.focused is screen.list:
            key = screen.list.conversation_id
            if key is None:
                return
            screen.browsing.open(key, focus=False)
        pane = screen.pane
        if pane is not None:
            pane.write("first")

    def send(self, pane: Pane, row: Conversation, text: str) -> None:
        way = pane.way
        if way is None:
            pane.notice.say(_("there is no way to write to this customer"))
            return
        if pane.too_long(text, way):
            return
        command = self._command(row.id, text, way)
        if not way.subject or command.subject:
            self._send(pane, row, command)
            return

        def filled(answers: Answers | None) -> None:
            if answers is not None:
                whole = replace(command, subject=answers["subject"] or None)
                self._commands[row.id] = whole
                self._send(pane, row, whole)

        begun = self._screen.desk.drafts.get(row.id, "first")
        question = Question("subject", _("subject"), (begun.subject if begun is not None else "") or "")
        title = _("First message to {customer}").format(customer=row.customer)

        def check(answers: Answers) -> tuple[str, str] | None:
            return None if answers["subject"] else ("subject", _("a first letter needs a subject"))

        self._screen.app.push_screen(FormScreen(title, [question], check=check), filled)

    def _command(self, key: int, text: str, way: ReplyWay) -> FirstMessage:
        """The same words by the same way are the same message, however often they are sent."""
        known = self._commands.get(key)
        same = known is not None and (known.text, known.channel_id, known.address_id) == (
            text,
            way.channel_id,
            way.address_id,
        )
        if known is None or not same:
            known = FirstMessage(
                client_id=new_id(),
                text=text,
                channel_id=way.channel_id,
                address_id=way.address_id,
                beside=key,
            )
            self._commands[key] = known
        return known

    def _send(self, pane: Pane, row: Conversation, command: FirstMessage) -> None:
        client, customer_id, key = self._screen.client, row.customer_id, row.id
        pane.set_busy(True)
        errands.send(
            self._screen,
            "first",
            lambda: client.people.first_message(customer_id, command),
            lambda message: Sent(key, "first", message, go_on=False),
            conversation_id=key,
        )

    def sent(self, event: Sent) -> None:
        self._commands.pop(event.conversation_id, None)
        if event.message.conversation_id != event.conversation_id:  # no hold: it has left
            self._screen.browsing.open(event.message.conversation_id)

    def refused(self, event: Refused) -> bool:
        screen, problem = self._screen, event.problem
        pane = screen.grid.showing(event.conversation_id)
        if pane is None:
            screen.say(_("a first message was not sent: {why}").format(why=refusal(problem)), bad=True)
            return True
        pane.set_busy(False)
        if problem.code != "held":
            pane.notice.say(_("not sent: {why}").format(why=refusal(problem)))
            return True
        reasons = [obstacle_words(obstacle) for obstacle in problem.obstacles]
        command = self._commands.get(event.conversation_id)
        if any(obstacle.blocks for obstacle in problem.obstacles):
            pane.notice.say(_("not sent, and cannot be:"), reasons=reasons)
            return True
        seen: list[HeldBecause] = [
            kind for kind in get_args(HeldBecause) if any(one.kind == kind for one in problem.obstacles)
        ]
        if command is not None:
            despite = [*command.despite, *(kind for kind in seen if kind not in command.despite)]
            self._commands[event.conversation_id] = replace(command, despite=despite)
        text = _("not sent yet. {key} sends it all the same").format(key=key_for("compose.send"))
        pane.notice.say(text, reasons=reasons)
        return True

    def unanswered(self, event: Unanswered) -> bool:
        pane = self._screen.grid.showing(event.conversation_id)
        if pane is not None:
            pane.not_answered(maybe_done=event.maybe_done)
        return True
