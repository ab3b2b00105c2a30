"""From one conversation to another: rows, views, numbers, and where the operator is needed next."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from omni_console.desk import SLOTS
from omni_console.i18n import _
from omni_console.widgets.line_list import LineList
from omni_console.widgets.river_view import RiverView
from server.protocol import View

if TYPE_CHECKING:
    from omni_console.screens.desk_screen import DeskScreen


class Browsing:
    """Each command here that goes to a conversation ends in `open`."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen
        self._begun = False
        self._came_from: int | None = None  # the conversation before this one
        self.awaited: int | None = None  # a conversation to be opened as soon as it is loaded

    def commands(self) -> dict[str, Callable[[], None]]:
        return {
            "row.next": lambda: self._move(1),
            "row.prev": lambda: self._move(-1),
            "page.half_down": lambda: self._page(0.5),
            "page.half_up": lambda: self._page(-0.5),
            "case.prev": lambda: self._to_case(-1),
            "case.next": lambda: self._to_case(1),
            "list.top": self._to_top,
            "list.bottom": self._to_bottom,
            "thread.next": lambda: self._neighbour(1),
            "thread.prev": lambda: self._neighbour(-1),
            "thread.open": self.open_selected,
            "thread.last": self._back_and_forth,
            "attention.next": self.go_on,
            "attention.prev": lambda: self.go_on(back=True),
            "view.next": lambda: self._screen.narrowing.walk(1),
            "view.prev": lambda: self._screen.narrowing.walk(-1),
        } | {f"slot.{number}": partial(self._slot, number) for number in range(1, SLOTS + 1)}

    # --- within what has the focus ------------------------------------------------------------------------

    def _move(self, rows: int) -> None:
        focused = self._screen.focused
        if isinstance(focused, LineList):
            focused.move(rows)
        elif isinstance(focused, RiverView) and focused.at is not None:
            focused.move_mark(rows)
        elif isinstance(focused, RiverView):
            focused.scroll_lines(rows)

    def _page(self, pages: float) -> None:
        focused = self._screen.focused
        if isinstance(focused, LineList):
            focused.move_pages(pages)
        elif isinstance(focused, RiverView):
            focused.scroll_pages(pages)

    def _to_case(self, step: int) -> None:
        if self._screen.pane is not None:
            self._screen.pane.river.to_case(step)

    def _to_top(self) -> None:
        focused = self._screen.focused
        if isinstance(focused, LineList):
            focused.move_to(0)
        elif isinstance(focused, RiverView):
            focused.to_oldest()

    def _to_bottom(self) -> None:
        focused = self._screen.focused
        if isinstance(focused, LineList):
            focused.move_to(focused.row_count() - 1)
        elif isinstance(focused, RiverView):
            focused.to_newest()

    # --- views --------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """The day begins where work is: with the queue where nobody waits for this operator. While nobody
        waits at all, the first who comes decides, unless the operator went somewhere else meanwhile."""
        screen, desk = self._screen, self._screen.desk
        mine = desk.windows["mine"]
        if self._begun or not mine.loaded:
            return
        if desk.operator is not None and desk.operator.role == "collaborator":
            self.show_view("all")  # what was shared with him; he holds no work
        elif mine or screen.list.place != "mine":
            self._begun = True
        elif desk.counts.queue and screen.focused is screen.list:
            self.show_view("queue")

    def show_view(self, view: View) -> None:
        self.show_place(view, view)

    def show_place(self, place: str, view: View) -> None:
        """A view, or a saved one, which is a filter over `view`."""
        screen = self._screen
        self._begun = self._begun or place != "mine"
        screen.arrangement.show_reading(False)
        if screen.online:  # else what is dropped could not be loaded again
            screen.desk.trim(screen.grid.conversations(), place)
        screen.list.show(view, place)
        screen.status.show_view(view, place)
        screen.set_focus(screen.list)
        if not screen.desk.window(place).loaded:
            screen.loader.load_list()

    # --- conversations ------------------------------------------------------------------------------------

    def open(self, conversation_id: int, *, focus: bool = True) -> None:
        """Show a conversation: in the pane that has it, else in the active one."""
        screen = self._screen
        pane = screen.grid.showing(conversation_id) or screen.grid.active
        row = screen.desk.conversations.get(conversation_id)
        if row is None:
            self.awaited = conversation_id
            screen.loader.load_detail(conversation_id)
            return
        self.awaited = None
        before = screen.pane.conversation_id if screen.pane else None
        if before is not None and before != conversation_id:
            self._came_from = before
        screen.grid.activate(pane)
        screen.arrangement.show_reading(True)
        if pane.conversation_id != conversation_id:
            pane.show(row)
            screen.loader.load_detail(conversation_id)
        screen.list.select(conversation_id)
        screen.arrangement.show_opened()
        if focus:
            screen.set_focus(pane.river)

    def open_selected(self) -> None:
        key = self._screen.list.conversation_id
        if key is not None:
            self.open(key)

    def _neighbour(self, step: int) -> None:
        screen = self._screen
        if screen.pane is not None:
            screen.list.select(screen.pane.conversation_id)
        screen.list.move(step)
        self.open_selected()

    def _slot(self, number: int) -> None:
        key = self._screen.desk.slots[number - 1]
        if key is None:
            self._screen.say(_("nothing has the number {n}").format(n=number))
        else:
            self.open(key)

    def _back_and_forth(self) -> None:
        if self._came_from is not None:
            self.open(self._came_from)

    def go_on(self, *, back: bool = False) -> None:
        """To where the operator is needed next."""
        screen = self._screen
        here = screen.pane.conversation_id if screen.pane else None
        key = screen.desk.next_attention(here, back=back)
        if key is None:
            screen.say(_("nobody waits for you"))
        else:
            self.open(key)
