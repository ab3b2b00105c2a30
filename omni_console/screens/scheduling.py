"""A reply for later: when it leaves, and what becomes of it if the customer writes before."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import msgspec
from textual.app import App

from omni_console.due import parse_due
from omni_console.i18n import _
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.screens.form_screen import Answers, FormScreen, Question
from omni_console.timing import Clock

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


class When(msgspec.Struct, frozen=True):
    """`at`: UTC ms. `keep`: it leaves even though the customer writes before."""

    at: int
    keep: bool


def ask_when(app: App[object], clock: Clock, title: str, then: Callable[[int], None]) -> None:
    """A time as operators type it, in their own zone."""

    def check(answers: Answers) -> tuple[str, str] | None:
        at = parse_due(answers["when"], clock)
        if at is None:
            return "when", _("not a time: 2h, 14:00, tomorrow 9:00, mon 10:00, 25.11 9:30")
        return None if at > clock.now() else ("when", _("that time is over"))

    def filled(answers: Answers | None) -> None:
        at = None if answers is None else parse_due(answers["when"], clock)
        if at is not None:
            then(at)

    questions = [Question("when", _("when"), "", 60)]
    foot = _("2h · 14:00 · tomorrow 9:00 · mon 10:00 · 25.11 9:30")
    app.push_screen(FormScreen(title, questions, check=check, foot=foot), filled)


class Scheduling:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"compose.schedule": self._schedule}

    def _schedule(self) -> None:
        screen, pane = self._screen, self._screen.pane
        if pane is None or pane.row is None:
            return
        if pane.composer.kind != "reply":
            screen.say(_("only a reply can leave later"))
            return
        if not pane.composer.text.strip():
            screen.say(_("write something first"))
            return
        conversation_id = pane.row.id

        def timed(at: int) -> None:
            moment = screen.clock.moment(at)
            question = _("It leaves {when}. If the customer writes before?").format(when=moment)
            choices = [
                Choice("back", _("it comes back as a draft")),
                Choice("keep", _("it leaves all the same")),
            ]

            def chosen(answer: str | None) -> None:
                now = screen.pane
                if answer is not None and now is not None and now.conversation_id == conversation_id:
                    screen.writing.send_later(When(at, answer == "keep"))

            screen.app.push_screen(ChoiceScreen(question, choices), chosen)

        title = _("When the reply to {customer} leaves").format(customer=pane.row.customer)
        ask_when(screen.app, screen.clock, title, timed)
