"""One to four panes, in columns of panes; one of them is active."""

from __future__ import annotations

from collections.abc import Mapping

from textual.containers import Horizontal, Vertical

from omni_console.desk import Desk
from omni_console.timing import Clock
from omni_console.widgets.pane import Pane

PANES_MAX = 4
WIDTH_MIN = 36  # cells and lines below which a pane is no use
HEIGHT_MIN = 8


class PaneGrid(Horizontal):
    def __init__(self, desk: Desk, clock: Clock, changes: Mapping[str, str]) -> None:
        super().__init__(id="panes")
        self.desk = desk
        self.clock = clock
        self._changes = changes
        self._columns: list[tuple[Vertical, list[Pane]]] = []
        self._active: Pane | None = None

    def on_mount(self) -> None:
        pane = self._make()
        column = Vertical(pane, classes="column")
        self._columns.append((column, [pane]))
        self.mount(column)
        self.activate(pane)

    def _make(self) -> Pane:
        return Pane(self.desk, self.clock, self._changes)

    @property
    def panes(self) -> list[Pane]:
        return [pane for _column, panes in self._columns for pane in panes]

    @property
    def active(self) -> Pane | None:
        return self._active

    def showing(self, conversation_id: int) -> Pane | None:
        for pane in self.panes:
            if pane.conversation_id == conversation_id:
                return pane
        return None

    def conversations(self) -> list[int]:
        return [pane.conversation_id for pane in self.panes if pane.conversation_id]

    def activate(self, pane: Pane) -> None:
        self._active = pane
        several = len(self.panes) > 1
        for one in self.panes:
            one.set_active(one is pane or not several)
            one.set_class(one is pane, "-current")
        for column, panes in self._columns:
            column.set_class(pane in panes, "-current")
        self.set_class(several, "-several")

    def split(self, *, right: bool) -> Pane | None:
        """A new pane beside or below the active one; None when there is no room."""
        active = self._active
        if active is None or len(self.panes) >= PANES_MAX:
            return None
        self.remove_class("-zoomed")
        size = active.size
        if right:
            if self.size.width // (len(self._columns) + 1) < WIDTH_MIN:
                return None
        elif size.height // 2 < HEIGHT_MIN:
            return None
        pane = self._make()
        position = next(index for index, (_c, panes) in enumerate(self._columns) if active in panes)
        column, panes = self._columns[position]
        if right:
            fresh = Vertical(pane, classes="column")
            self._columns.insert(position + 1, (fresh, [pane]))
            self.mount(fresh, after=column)
        else:
            panes.insert(panes.index(active) + 1, pane)
            column.mount(pane, after=active)
        self._mark_edges()
        self.activate(pane)
        return pane

    def close_active(self) -> Pane | None:
        """Take the active pane away; the one that is active then, or None when it was the last."""
        active = self._active
        if active is None or len(self.panes) == 1:
            return None
        before = self.panes
        at = before.index(active)
        for position, (column, panes) in enumerate(self._columns):
            if active in panes:
                panes.remove(active)
                if panes:
                    active.remove()
                else:
                    del self._columns[position]
                    column.remove()
                break
        self._mark_edges()
        left = self.panes
        self.activate(left[min(at, len(left) - 1)])
        self.remove_class("-zoomed")
        return self._active

    def _mark_edges(self) -> None:
        """Thin lines stand between panes, not around them."""
        for index, (column, panes) in enumerate(self._columns):
            column.set_class(index > 0, "-inner")
            for row, pane in enumerate(panes):
                pane.set_class(row > 0, "-lower")

    def zoom(self) -> None:
        self.toggle_class("-zoomed")
