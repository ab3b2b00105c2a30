"""What only letters have: recipients, files, a source to look at, a place they may belong to."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from omni_console import own_programs
from omni_console.addressees import AddresseeError, Addressees, line_of, read
from omni_console.client import RefusedError, UnreachableError
from omni_console.i18n import _
from omni_console.messages import Done, TakeBack
from omni_console.own_programs import OwnProgramError
from omni_console.refusals import refusal
from omni_console.screens.choice_screen import Choice, ChoiceScreen
from omni_console.screens.form_screen import Answers, FormScreen, Question
from omni_console.server_words import said_by_server
from omni_console.widgets.file_lines import size
from omni_console.widgets.pane import Pane
from server.protocol import Addressee, Message, ReplyWay

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen

LINE_MAX = 4000


class Letters:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._folder = Path.cwd()  # where files were taken from last

    def commands(self) -> dict[str, Callable[[], None]]:
        return {
            "reply.all": self._reply_all,
            "compose.recipients": self._recipients,
            "compose.attach": self._attach,
            "message.source": self._source,
            "suggest.join": self._join,
        }

    # --- which message ------------------------------------------------------------------------------------

    def message(self, fits: Callable[[Message], bool]) -> Message | None:
        """The message under the cursor, else the newest one of this conversation that fits."""
        pane = self._screen.pane
        if pane is None:
            return None
        river = pane.river.river
        if pane.river.at is not None:
            chosen = river.get(pane.river.at)
            return chosen if chosen is not None and fits(chosen) else None
        mine = [one for one in river.messages() if one.conversation_id == pane.conversation_id and fits(one)]
        return max(mine, key=lambda one: (one.at, one.id), default=None)

    # --- recipients ---------------------------------------------------------------------------------------

    def _editable(self, pane: Pane) -> ReplyWay | None:
        """The way of the reply, if it lets one choose the recipients; says so where it does not."""
        way = pane.way
        if way is not None and way.recipients_max > 1:
            return way
        if way is not None:
            self._screen.say(
                _("{channel} has one recipient").format(channel=said_by_server(way.channel_title))
            )
        return None

    def _reply_all(self) -> None:
        pane = self._screen.pane
        way = self._editable(pane) if pane is not None else None
        if pane is None or way is None:
            return
        if not way.others:
            self._screen.say(_("nobody else got it: the reply goes to the customer alone"))
        pane.write("reply")
        pane.address(Addressees(to=(_customer(way),), cc=tuple(way.others)) if way.others else Addressees())

    def _recipients(self) -> None:
        pane = self._screen.pane
        way = self._editable(pane) if pane is not None else None
        if pane is None or way is None:
            return
        now = pane.addressees or Addressees(to=(_customer(way),))
        questions = [
            Question("to", _("To"), line_of(now.to), LINE_MAX),
            Question("cc", _("Cc"), line_of(now.cc), LINE_MAX),
            Question("bcc", _("Bcc"), line_of(now.bcc), LINE_MAX),
        ]
        part = [one for one in way.known if one.address != way.label]
        foot = _("take part: {names}").format(names=line_of(part)) if part else ""

        def filled(answers: Answers | None) -> None:
            if answers is None:
                return
            lists = {key: read(answers[key], way.known) for key in ("to", "cc", "bcc")}
            chosen = Addressees(**lists)
            alone = not chosen.cc and not chosen.bcc and [one.address for one in chosen.to] == [way.label]
            pane.address(Addressees() if alone else chosen)
            pane.write("reply")

        def check(answers: Answers) -> tuple[str, str] | None:
            problem = unreadable(answers, ("to", "cc", "bcc"))
            if problem is None and not answers["to"]:
                return "to", _("somebody must get it")
            return problem

        title = _("Whom the reply goes to")
        self._screen.app.push_screen(FormScreen(title, questions, check=check, foot=foot), filled)

    # --- files of one's own -------------------------------------------------------------------------------

    def _attach(self) -> None:
        pane = self._screen.pane
        if pane is None or pane.way is None:
            return
        if not pane.way.files_max:
            self._screen.say(
                _("{channel} carries no files").format(channel=said_by_server(pane.way.channel_title))
            )
            return
        attached = self._screen.desk.drafts.attached.get(pane.conversation_id, [])
        if not attached:
            self._pick(pane)
            return
        choices = [Choice("add", _("another file"))]
        choices += [
            Choice(str(file.id), _("without {name}").format(name=file.name), size(file.size))
            for file in attached
        ]

        def chosen(answer: str | None) -> None:
            if answer == "add":
                self._pick(pane)
            elif answer is not None:
                attached[:] = [file for file in attached if str(file.id) != answer]
                pane.changed()

        self._screen.app.push_screen(ChoiceScreen(_("Files that go along"), choices), chosen)

    def dropped(self, path: Path, text: str) -> None:
        """A file was dropped on the editor: it may go along, or its path be meant as text."""
        screen, pane = self._screen, self._screen.pane
        if pane is None or pane.way is None or not pane.way.files_max:
            if pane is not None:
                pane.composer.insert(text)
            return
        conversation_id = pane.conversation_id
        choices = [Choice("attach", _("attach it")), Choice("text", _("its path, as text"))]

        def chosen(answer: str | None) -> None:
            if answer == "attach":
                screen.run_worker(self._put_up(conversation_id, path), group="files", exclusive=False)
            elif answer == "text" and pane.conversation_id == conversation_id:
                pane.composer.insert(text)

        screen.app.push_screen(ChoiceScreen(_("The file {name}").format(name=path.name), choices), chosen)

    def _pick(self, pane: Pane) -> None:
        from omni_console.screens.picker_screen import PickerScreen

        screen, conversation_id = self._screen, pane.conversation_id

        def picked(path: Path | None) -> None:
            if path is not None:
                self._folder = path.parent
                screen.run_worker(self._put_up(conversation_id, path), group="files", exclusive=False)

        screen.app.push_screen(PickerScreen(self._folder, screen.clock), picked)

    async def _put_up(self, conversation_id: int, path: Path) -> None:
        screen = self._screen
        screen.say(_("attaching {name}…").format(name=path.name))
        try:
            data = await asyncio.to_thread(path.read_bytes)
            upload = await screen.client.put_up(conversation_id, path.name, data)
        except (RefusedError, UnreachableError) as error:
            screen.say(_("not attached: {why}").format(why=_why(error)), bad=True)
            return
        except OSError as error:
            screen.say(_("not attached: {why}").format(why=str(error)), bad=True)
            return
        screen.desk.drafts.attached.setdefault(conversation_id, []).append(upload)
        screen.say(_("attached: {name}").format(name=upload.name))
        pane = screen.grid.showing(conversation_id)
        if pane is not None:
            pane.write("reply")
            pane.changed()

    # --- source -------------------------------------------------------------------------------------------

    def _source(self) -> None:
        message = self.message(lambda one: one.kind == "in")
        if message is None:
            self._screen.say(_("no message here came from outside"))
            return
        self._screen.run_worker(self._show_source(message.id), group="source", exclusive=True)

    async def _show_source(self, message_id: int) -> None:
        screen = self._screen
        try:
            raw = await screen.client.source(message_id)
        except (RefusedError, UnreachableError) as error:
            screen.say(_("no source: {why}").format(why=_why(error)), bad=True)
            return
        text = await asyncio.to_thread(own_programs.plain_source, raw)
        try:
            with screen.app.suspend():
                own_programs.show_in_pager(text, os.environ)
        except SuspendNotSupported:
            screen.say(_("this terminal cannot be lent to a pager"), bad=True)
        except (OwnProgramError, OSError) as error:
            screen.say(_("no source: {why}").format(why=str(error)), bad=True)

    # --- where it may belong ------------------------------------------------------------------------------

    def _join(self) -> None:
        """Take up the suggestion: this conversation goes on in the one that it may be part of."""
        screen, pane = self._screen, self._screen.pane
        message = self.message(lambda one: one.suggest_id is not None)
        if pane is None or message is None or message.suggest_id is None:
            screen.say(_("nothing is suggested here"))
            return
        target, this = message.suggest_id, message.conversation_id
        api = screen.client.people

        async def ask() -> Done:
            joined = await api.join(target, this)

            async def back() -> Done:
                await api.undo_regrouping(joined.regrouping_id)
                return Done(_("apart again"), conversations=[this, target], lists=True)

            said = _("joined: one conversation now")
            return Done(
                said,
                conversations=[joined.conversation_id],
                lists=True,
                back=TakeBack(said, back),
                open=joined.conversation_id,
            )

        screen.undoing.do("join", ask, this)


def _customer(way: ReplyWay) -> Addressee:
    return next((one for one in way.known if one.address == way.label), Addressee(address=way.label))


def unreadable(answers: Answers, keys: tuple[str, ...]) -> tuple[str, str] | None:
    """The first of these lines that holds no addresses, and what is wrong with it."""
    for key in keys:
        try:
            read(answers[key], ())
        except AddresseeError as error:
            return key, _("not an address: {text}").format(text=str(error))
    return None


def _why(error: RefusedError | UnreachableError) -> str:
    return refusal(error.body) if isinstance(error, RefusedError) else str(error)
