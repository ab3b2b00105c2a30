"""What is written, looked at by the operator's own speller."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from omni_console import spelling
from omni_console.i18n import _, ngettext
from omni_console.own_programs import OwnProgramError
from omni_console.widgets.pane import Pane

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen

SHOWN = 6  # words, in the line at the foot


class Spelling:
    def __init__(self, screen: DeskScreen, command: Sequence[str]) -> None:
        self._screen = screen
        self._command = command

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"compose.spell": self._spell}

    def _spell(self) -> None:
        screen, pane = self._screen, self._screen.pane
        if pane is None or not pane.writing:
            return
        if not self._command:
            screen.say(_('no speller: spelling = ["hunspell", "-l"] in console.toml'))
            return
        screen.run_worker(self._look(pane, pane.composer.text), group="spelling", exclusive=True)

    async def _look(self, pane: Pane, text: str) -> None:
        screen = self._screen
        try:
            words = await asyncio.to_thread(spelling.unknown, text, self._command)
        except (OwnProgramError, OSError) as error:
            screen.say(_("the speller failed: {why}").format(why=str(error)), bad=True)
            return
        pane.composer.doubt(words)
        if not words:
            screen.say(_("every word is known"))
            return
        shown = ", ".join(words[:SHOWN]) + (" …" if len(words) > SHOWN else "")
        told = ngettext("{n} unknown word: {words}", "{n} unknown words: {words}", len(words))
        screen.say(told.format(n=len(words), words=shown))
