"""How I am: there, pausing, away, gone. Chosen with one key, told in the status line."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from omni_console import errands
from omni_console.i18n import _
from omni_console.messages import PresenceCame
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.state_words import STATES, presence_word
from server.protocol import OperatorInfo, Presence

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


class OwnPresence:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"presence.choose": self._choose}

    def _choose(self) -> None:
        if not self._screen.online:
            self._screen.say(_("offline: nothing was done"), bad=True)
            return
        details = {
            "available": _("new work comes"),
            "pause": _("no new work; what colleagues hand over"),
            "away": _("back soon; what waits untouched goes back"),
            "offline": _("gone; what waits untouched goes back"),
        }

        def chosen(answer: str | None) -> None:
            state = next((state for state in STATES if state == answer), None)
            if state is not None:
                self.be(state)

        choices = [Choice(state, presence_word(state), details[state]) for state in STATES]
        self._screen.app.push_screen(ChoiceScreen(_("How are you?"), choices), chosen)

    def be(self, state: Presence) -> None:
        client = self._screen.client
        if not self._screen.online:
            self._screen.say(_("offline: nothing was done"), bad=True)
            return
        errands.send(self._screen, "presence", lambda: client.be(state), PresenceCame)

    def came(self, me: OperatorInfo) -> None:
        screen = self._screen
        screen.desk.put_operator(me)
        screen.status.changed()
        if me.presence is not None:
            screen.say(_("you are: {state}").format(state=presence_word(me.presence)))
