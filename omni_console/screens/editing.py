"""The draft in the operator's own editor, and words of the customer put before the answer."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from textual.app import SuspendNotSupported

from omni_console import own_programs
from omni_console.i18n import _
from omni_console.own_programs import OwnProgramError
from omni_console.quoting import quoted
from omni_console.widgets.pane import Pane
from server.protocol import Message

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


class Editing:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"compose.editor": self._edit, "reply.quote": self._quote}

    # --- the operator's own editor ------------------------------------------------------------------------

    def _edit(self) -> None:
        pane = self._screen.pane
        if pane is None or not pane.writing or pane.composer.read_only:
            return
        pane.keep()
        self._screen.run_worker(self._in_editor(pane), group="editor", exclusive=True)

    async def _in_editor(self, pane: Pane) -> None:
        screen, conversation_id, before = self._screen, pane.conversation_id, pane.composer.text
        await screen.writing.save_what_is_begun()  # while the editor has the terminal nothing else happens
        try:
            with screen.app.suspend():
                text = own_programs.edit(before, os.environ)
        except SuspendNotSupported:
            screen.say(_("this terminal cannot be lent to an editor"), bad=True)
        except (OwnProgramError, OSError) as error:
            screen.say(_("the draft is as it was: {why}").format(why=str(error)), bad=True)
        else:
            if pane.conversation_id == conversation_id and pane.composer.text == before:
                pane.composer.put(text)
                pane.keep()

    # --- quoting ------------------------------------------------------------------------------------------

    def _quote(self) -> None:
        screen, pane = self._screen, self._screen.pane
        if pane is None:
            return
        chosen = self._chosen(pane)
        if not chosen:
            screen.say(_("no message to quote here"))
            return
        pane.river.end_marking()
        pane.write("reply")
        words = "\n\n".join(quoted(message) for message in chosen)
        begun = pane.composer.text.rstrip("\n")
        pane.composer.put("\n\n".join(filter(None, (begun, words))) + "\n\n")
        pane.keep()

    def _chosen(self, pane: Pane) -> list[Message]:
        """The marked ones, the one under the cursor, or what the customer wrote last."""

        def fits(one: Message) -> bool:
            # Never a note: what is quoted is sent to the customer.
            return one.kind in ("in", "out") and not one.deleted and bool(quoted(one))

        river = pane.river
        marked = [one for one in river.river.messages() if one.id in river.marked and fits(one)]
        if marked:
            return marked
        if river.at is not None:
            under = river.river.get(river.at)
            return [under] if under is not None and fits(under) else []
        mine = [
            one
            for one in river.river.messages()
            if one.conversation_id == pane.conversation_id and one.kind == "in" and fits(one)
        ]
        return mine[-1:]
