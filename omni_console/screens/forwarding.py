"""A message goes on to somebody else: to whom, what is said above it, and how it comes back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from omni_console import errands
from omni_console.addressees import line_of, read
from omni_console.i18n import _, ngettext
from omni_console.messages import Forwarded, Refused, Unanswered
from omni_console.outgoing import new_id
from omni_console.refusals import refusal
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.screens.form_screen import Answers, FormScreen, Question
from omni_console.screens.letters import LINE_MAX, unreadable
from omni_console.server_words import said_by_server
from server import protocol as wire
from server.protocol import Draft, ForwardCommand, Message

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


class Forwarding:
    """What is filled in is a draft until the server has the forward: nothing is typed twice."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._ids: dict[
            int, str
        ] = {}  # by message: the same forward once more, after no answer, keeps its id

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"message.forward": self._forward}

    def _forward(self) -> None:
        screen = self._screen
        message = screen.letters.message(lambda one: one.kind in ("in", "out") and not one.deleted)
        if message is None:
            screen.say(_("no message to forward here"))
            return
        channels = [one for one in screen.desk.channels.values() if one.begins == "email"]
        own = [one for one in channels if one.id == message.channel_id]
        if not channels:
            screen.say(_("no channel here forwards messages"))
        elif own or len(channels) == 1:
            self._ask(message, (own or channels)[0].id)
        else:
            choices = [Choice(one.id, said_by_server(one.title)) for one in channels]

            def chosen(answer: str | None) -> None:
                if answer is not None:
                    self._ask(message, answer)

            screen.app.push_screen(ChoiceScreen(_("From which address?"), choices), chosen)

    def come_back(self, draft: Draft) -> None:
        """It was taken back: what was filled in stands in its form again, if nothing else is in hand."""
        screen, of = self._screen, draft.forwards
        pane = screen.grid.showing(draft.conversation_id)
        message = pane.river.river.get(of.message_id) if pane is not None and of is not None else None
        if message is None or screen.app.screen is not screen or (pane is not None and pane.writing):
            screen.say(_("taken back: it did not leave. Forward the message again, and it is all there"))
            return
        self._ask(message, draft.channel_id)

    def _ask(self, message: Message, channel_id: str) -> None:
        screen = self._screen
        begun = screen.desk.drafts.forward(message.conversation_id, message.id)
        begun = begun or Draft(conversation_id=message.conversation_id, kind="forward")
        only = None if begun.forwards is None else begun.forwards.file_ids
        count = len(message.files) if only is None else len(only)
        files = ngettext("{n} file goes along", "{n} files go along", count)
        questions = [
            Question("to", _("To"), line_of(begun.to), LINE_MAX),
            Question("cc", _("Cc"), line_of(begun.cc), LINE_MAX),
            Question("text", _("what to say"), begun.text, LINE_MAX),
        ]

        def filled(answers: Answers | None) -> None:
            if answers is None:
                return
            command = ForwardCommand(
                client_id="",
                channel_id=channel_id,
                to=list(read(answers["to"], ())),
                cc=list(read(answers["cc"], ())),
                bcc=begun.bcc,
                text=answers["text"],
                file_ids=only,
                hold=True,
            )
            self._send(message, command)

        def check(answers: Answers) -> tuple[str, str] | None:
            problem = unreadable(answers, ("to", "cc"))
            if problem is None and not answers["to"]:
                return "to", _("somebody must get it")
            return problem

        title = _("Forward the message of {name}").format(name=message.author)
        foot = files.format(n=count) if count else ""
        screen.app.push_screen(FormScreen(title, questions, check=check, foot=foot), filled)

    def _send(self, message: Message, command: ForwardCommand) -> None:
        screen, client = self._screen, self._screen.client
        draft = Draft(
            conversation_id=message.conversation_id,
            kind="forward",
            text=command.text,
            channel_id=command.channel_id,
            to=command.to,
            cc=command.cc,
            bcc=command.bcc,
            forwards=wire.Forwarded(message_id=message.id, file_ids=command.file_ids),
        )
        if screen.desk.drafts.write(draft):
            self._ids.pop(message.id, None)  # other words, or another recipient: another forward
            screen.writing.save_soon()
        if not screen.online:
            screen.say(_("offline: not forwarded. Forward it again, and it is all there"), bad=True)
            return
        command.client_id = self._ids.setdefault(message.id, new_id())
        errands.send(
            screen,
            "forward",
            lambda: client.forward(message.id, command),
            lambda made: Forwarded(draft, made),
            conversation_id=message.conversation_id,
        )

    def sent(self, event: Forwarded) -> None:
        screen, draft, message = self._screen, event.draft, event.message
        assert draft.forwards is not None  # noqa: S101 - for the type checker: it was made with it
        self._ids.pop(draft.forwards.message_id, None)
        screen.desk.drafts.sent_forward(draft)
        screen.writing.save_now()
        screen.desk.put_message(message)
        screen.desk.note_held(message)
        screen.sending.tick()
        if message.status == "scheduled":
            screen.say(_("forwarded: it leaves in a moment"))
        else:
            said = _("forwarded: what is answered to it is conversation #{number}")
            screen.say(said.format(number=message.conversation_id))
        screen.loader.load_detail(draft.conversation_id)
        screen.loader.load_list()

    def refused(self, event: Refused) -> bool:
        """True when it was about a forward, and the operator was told."""
        if event.what != "forward":
            return False
        self._screen.say(_("not forwarded: {why}").format(why=refusal(event.problem)), bad=True)
        return True

    def unanswered(self, event: Unanswered) -> bool:
        if event.what != "forward":
            return False
        words = _("no answer: it may be forwarded already. The same again is not sent twice")
        if not event.maybe_done:
            words = _("not forwarded: the server cannot be reached. Forward it again, and it is all there")
        self._screen.say(words, bad=True)
        return True
