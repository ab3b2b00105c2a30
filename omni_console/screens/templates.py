"""Texts kept ready, put into what is being written: by short code, or from the list."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from omni_console import errands
from omni_console.cleaning import typed
from omni_console.i18n import _
from omni_console.messages import Repeat, TemplatesCame
from omni_console.short_code import ShortCode, before, meant
from omni_console.widgets.composer import Composer
from omni_console.widgets.pane import Pane
from server.protocol import FilledTemplate

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


class Templates:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen

    def commands(self) -> dict[str, Callable[[], None]]:
        return {"template.insert": self._insert, "pane.next": self._tab}

    def _tab(self) -> None:
        """Behind a short code it puts in what that stands for; anywhere else it goes on to the next pane."""
        pane = self._screen.pane
        code = None if pane is None or not pane.writing else _before_cursor(pane.composer)
        if pane is None or code is None:
            if not self._screen.mentions.complete():
                self._screen.arrangement.next_pane()
        else:
            self._ask(pane, code)

    def _insert(self) -> None:
        pane = self._screen.pane
        if pane is None:
            return
        if not pane.writing:
            pane.write(pane.composer.kind)
        self._ask(pane, _before_cursor(pane.composer))

    def insert(self, code: str) -> None:
        """Put in the one with this code, as if it had been chosen from the list."""
        pane = self._screen.pane
        if pane is None:
            return
        if not pane.writing:
            pane.write(pane.composer.kind)
        self._ask(pane, None, code)

    def _ask(self, pane: Pane, code: ShortCode | None, named: str = "") -> None:
        screen, key = self._screen, pane.conversation_id
        if pane.composer.read_only:
            return
        if not screen.online:
            screen.say(_("templates are on the server, which cannot be reached now"), bad=True)
            return
        channel = pane.way.channel_id if pane.way is not None else ""
        wanted = code.code if code is not None else named.casefold()
        errands.send(
            screen,
            "templates",
            lambda: screen.client.templates.filled(key, channel, wanted),
            lambda found: TemplatesCame(key, pane.composer.kind, code, found, named.casefold()),
            conversation_id=key,
        )

    def came(self, event: TemplatesCame) -> None:
        from omni_console.screens.templates_screen import TemplatesScreen

        pane = self._pane_of(event)
        if pane is None:
            return
        code = event.named if event.code is None else event.code.code
        chosen = meant(code, event.found) if code else None
        if chosen is not None:
            self._put(pane, event, chosen)
        elif code and not event.found:
            self._screen.say(_("no template for this channel begins with {code}").format(code=code), bad=True)
        else:
            self._screen.app.push_screen(
                TemplatesScreen(event.found), lambda template: self._from_list(event, template)
            )

    def _from_list(self, event: TemplatesCame, template: FilledTemplate | None) -> None:
        pane = self._pane_of(event)
        if pane is not None and template is not None:
            self._put(pane, event, template)

    def _pane_of(self, event: TemplatesCame) -> Pane | None:
        """Where it was asked for, if the same thing is still being written there."""
        pane = self._screen.grid.showing(event.conversation_id)
        if pane is None or pane.composer.kind != event.kind or pane.composer.read_only:
            return None
        return pane

    def _put(self, pane: Pane, event: TemplatesCame, template: FilledTemplate) -> None:
        composer, code = pane.composer, event.code
        start, end = sorted(composer.selection)
        if code is not None:
            start, end = (code.row, code.start), (code.row, code.end)
            if composer.document.get_text_range(start, end) != code.text:
                self._screen.say(_("the text is another one by now: nothing was put in"))
                return
        put_in = composer.replace(typed(template.text), start, end, maintain_selection_offset=False)
        composer.move_cursor(put_in.end_location)
        self.point_out(pane, template.missing)
        self._screen.repeating.did(Repeat("template.insert", (template.code,)))
        if template.known:
            facts = ", ".join(f"{name} {value}" for name, value in template.known.items())
            self._screen.say(_("do not ask again, the card says it: {facts}").format(facts=facts), bad=True)

    def point_out(self, pane: Pane, missing: list[str]) -> None:
        """What must still be written in: said, marked, and the first one selected."""
        pane.lacks(missing)
        composer = pane.composer
        for row in range(composer.document.line_count):
            line = composer.document.get_line(row)
            found = [at for name in missing if (at := line.find(f"{{{name}}}")) >= 0]
            if found:
                start = min(found)
                composer.move_cursor((row, start))
                composer.move_cursor((row, line.index("}", start) + 1), select=True)
                return


def _before_cursor(composer: Composer) -> ShortCode | None:
    row, column = composer.cursor_location
    return before(composer.document.get_line(row), row, column)
