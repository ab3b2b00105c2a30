"""Contacts that no machine heard: a call, a visit, a letter on paper, written down by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from omni_console.contact_ways import CONTACT_WAYS, ContactWay
from omni_console.due import parse_past
from omni_console.i18n import _
from omni_console.messages import Done
from omni_console.outgoing import new_id
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.screens.form_screen import Answers, FormScreen, Question
from server.protocol import Conversation, HandContact

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


class Contacts:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"contact.log": self._log}

    def _log(self) -> None:
        screen, row = self._screen, self._screen.target
        choices = [Choice(key, _(way.label)) for key, way in CONTACT_WAYS.items()]
        choices.append(Choice("new", _("a call of somebody who is not here")))
        if row is None:
            choices = choices[-1:]

        def chosen(answer: str | None) -> None:
            if answer == "new":
                self._ask(None, CONTACT_WAYS["call in"])
            elif answer is not None:
                self._ask(row, CONTACT_WAYS[answer])

        question = (
            _("Log a contact with {customer}").format(customer=row.customer) if row else _("Log a contact")
        )
        screen.app.push_screen(ChoiceScreen(question, choices), chosen)

    def _ask(self, row: Conversation | None, way: ContactWay) -> None:
        screen, clock = self._screen, self._screen.clock
        new = [Question("name", _("name"), max_length=200), Question("phone", _("phone"), max_length=60)]
        questions = [
            *([] if row else new),
            Question("text", _("what was said"), max_length=4000),
            Question("result", _("result"), max_length=200),
            Question("when", _("when"), max_length=40),
        ]

        def check(answers: Answers) -> tuple[str, str] | None:
            if row is None and not answers["name"] and not answers["phone"]:
                return "name", _("a name or a phone, so that somebody can be called back")
            if not answers["text"]:
                return "text", _("a few words: later readers live on it")
            if answers["when"] and parse_past(answers["when"], clock) is None:
                return "when", _("not a time: {text}. Try 10m, 14:00, yesterday 14:00").format(
                    text=answers["when"]
                )
            return None

        client_id = new_id()

        def filled(answers: Answers | None) -> None:
            if answers is None:
                return
            command = HandContact(
                client_id=client_id,
                medium=way.medium,
                from_customer=way.from_customer,
                text=answers["text"],
                result=answers["result"],
                at=parse_past(answers["when"], clock) if answers["when"] else None,
                conversation_id=row.id if row else None,
                name=answers.get("name", ""),
                phone=answers.get("phone", ""),
            )

            async def ask() -> Done:
                message = await screen.client.people.contact(command)
                key = message.conversation_id
                return Done(_("written down"), conversations=[key], lists=row is None, open=0 if row else key)

            screen.undoing.do("contact", ask, row.id if row else 0)

        who = row.customer if row else _("somebody new")
        title = _("{customer}: {way}").format(customer=who, way=_(way.label))
        foot = _("when: empty for just now, or 10m (ago), 14:00, yesterday 14:00")
        first = "text" if row else "name"
        screen.app.push_screen(FormScreen(title, questions, first=first, check=check, foot=foot), filled)
