"""The small windows over the desk, and what they lead to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from omni_console.i18n import _

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen
    from omni_console.screens.search_screen import Found
    from omni_console.screens.switcher_screen import Goal
    from omni_console.screens.things_screen import Place


class Windows:
    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen

    def commands(self) -> dict[str, Callable[[], None]]:
        return {
            "switcher.open": self._switcher,
            "search.open": self._search,
            "outbox.open": self._outbox,
            "files.open": lambda: self._things(notes=False),
            "notes.open": lambda: self._things(notes=True),
            "palette.open": self._palette,
            "help.open": self._help,
        }

    def _switcher(self) -> None:
        from omni_console.screens.switcher_screen import SwitcherScreen

        screen = self._screen

        def chosen(goal: Goal | None) -> None:
            if goal is not None and goal.conversation is not None:
                screen.desk.put_row(goal.conversation)  # it may have been forgotten meanwhile
                screen.browsing.open(goal.conversation.id)
            elif goal is not None and goal.person is not None:
                screen.identity.open_customer(goal.person.id)

        screen.app.push_screen(SwitcherScreen(screen.client, screen.desk, screen.clock), chosen)

    def _search(self) -> None:
        from omni_console.screens.search_screen import SearchScreen

        screen = self._screen

        def chosen(found: Found | None) -> None:
            if found is not None:
                screen.hits.opened(found)

        row = screen.target if screen.focused is not screen.list else None
        person = None if row is None else screen.desk.customers.get(row.customer_id)
        screen.app.push_screen(SearchScreen(screen.client, screen.desk, screen.clock, person), chosen)

    def _things(self, *, notes: bool) -> None:
        """Files or notes of the person; enter goes to the place."""
        from omni_console.screens.things_screen import ThingsScreen

        screen, row = self._screen, self._screen.target
        if row is None:
            return

        def chosen(place: Place | None) -> None:
            if place is not None:
                screen.reading.jump_to(place.conversation_id, place.message_id)

        title = _("Notes about {customer}") if notes else _("Files of {customer}")
        things = ThingsScreen(
            screen.client,
            screen.clock,
            row.customer_id,
            title.format(customer=row.customer),
            notes=notes,
            look=screen.files.look,
        )
        screen.app.push_screen(things, chosen)

    def _outbox(self) -> None:
        from omni_console.screens.outbox_screen import OutboxScreen

        screen = self._screen

        def closed(key: int | None) -> None:
            screen.loader.load_counts()
            if key is not None:
                screen.browsing.open(key)

        screen.app.push_screen(OutboxScreen(screen.client, screen.clock, screen.post_message), closed)

    def _palette(self) -> None:
        from omni_console.screens.palette_screen import PaletteScreen

        screen = self._screen

        def chosen(command: str | None) -> None:
            if command is not None:
                screen.action_do(command)

        screen.app.push_screen(PaletteScreen(screen.changes), chosen)

    def _help(self) -> None:
        from omni_console.screens.help_screen import HelpScreen

        self._screen.app.push_screen(HelpScreen(self._screen.own))
