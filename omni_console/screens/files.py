"""Files that came: looked at here, opened in a program of the operator's own, saved."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from omni_console import own_programs
from omni_console.client import RefusedError, UnreachableError
from omni_console.i18n import _
from omni_console.images.blocks import is_shown
from omni_console.own_programs import OwnProgramError
from omni_console.refusals import refusal
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.server_words import said_by_server
from omni_console.widgets.file_lines import contradiction, nature, sides, size
from server.protocol import File

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


class Say(Protocol):
    def __call__(self, text: str, *, bad: bool = False) -> None: ...


class Files:
    def __init__(self, screen: DeskScreen, opener: Sequence[str]) -> None:
        self._screen = screen
        self._opener = opener  # of console.toml

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"message.files": self._files}

    def _files(self) -> None:
        screen = self._screen
        message = screen.letters.message(lambda one: bool(one.files))
        if message is None:
            screen.say(_("no files here"))
            return
        usable = [file for file in message.files if not file.problem]
        if not usable:
            why = said_by_server(message.files[0].problem)
            screen.say(_("these files did not come along: {why}").format(why=why))
            return
        choices = [
            Choice(str(number), file.name or file.kind, _facts(file, nature(file)))
            for number, file in enumerate(usable)
        ]

        def chosen(answer: str | None) -> None:
            if answer is not None:
                self._one_file(usable[int(answer)], usable)

        if len(usable) == 1:
            self._one_file(usable[0], usable)
        else:
            screen.app.push_screen(ChoiceScreen(_("Which file?"), choices), chosen)

    def _one_file(self, file: File, files: Sequence[File]) -> None:
        """What to do with one of these files; pictures are looked at together."""
        screen = self._screen
        pictures = [one for one in files if is_shown(one.content_type, one.name)]
        choices = [Choice("open", _("open it")), Choice("save", _("save it"))]
        if own_programs.runs(file.name, file.content_type):
            del choices[0]
        if file in pictures:
            choices.insert(0, Choice("look", _("look at it here")))
        question = f"{file.name or file.kind}  {_facts(file, contradiction(file) or file.content_type)}"

        def chosen(answer: str | None) -> None:
            if answer == "look":
                self.look(pictures, pictures.index(file))
            elif answer is not None:
                self._take(file, answer, screen.say)

        screen.app.push_screen(ChoiceScreen(question, choices), chosen)

    def look(self, pictures: Sequence[File], at: int) -> None:
        from omni_console.screens.picture_screen import PictureScreen

        screen = self._screen

        def say(text: str, *, bad: bool = False) -> None:
            (window if window.stands else screen).say(text, bad=bad)

        window = PictureScreen(screen.client, pictures, at, lambda file, what: self._take(file, what, say))
        screen.app.push_screen(window)

    def _take(self, file: File, what: str, say: Say) -> None:
        self._screen.run_worker(self._take_file(file, what, say), group="files", exclusive=False)

    async def _take_file(self, file: File, what: str, say: Say) -> None:
        folder, name = own_programs.download_folder(os.environ), file.name or file.kind
        try:
            data = await self._screen.client.file(file.id)
            if what == "open":
                command = own_programs.opener(self._opener)
                await asyncio.to_thread(own_programs.open_file, data, name, file.content_type, command)
                said = _("opened")
            else:
                path = await asyncio.to_thread(own_programs.save, data, name, folder)
                said = _("saved: {path}").format(path=str(path))
        except (RefusedError, UnreachableError, OwnProgramError, OSError) as error:
            why = refusal(error.body) if isinstance(error, RefusedError) else str(error)
            said = _("not opened: {why}") if what == "open" else _("not saved: {why}")
            say(said.format(why=why), bad=True)
        else:
            say(said)


def _facts(file: File, nature: str) -> str:
    return "  ".join(filter(None, (nature, sides(file), size(file.size))))
