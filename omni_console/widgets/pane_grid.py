"""One to six panes, tiled; one of them is active. Draws the lines between them and beside them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import ClassVar

from textual import events
from textual.geometry import NULL_OFFSET, NULL_SPACING, Region, Size
from textual.layout import ArrangeResult, Layout, WidgetPlacement
from textual.message import Message
from textual.strip import Strip
from textual.widget import Widget

from omni_console import tiling
from omni_console.desk import Desk
from omni_console.text import already_clean
from omni_console.tiling import PANES_MAX, Area, Border, Direction, Leaf, Least, Node, Tiling
from omni_console.timing import Clock
from omni_console.widgets.paint import Line, strip_of
from omni_console.widgets.pane import Pane

LEAST = Least(36, 8)
LEAST_NARROW = Least(48, 12)  # a small terminal shows one conversation rather than two cramped ones
COLUMNS, LINES = 4, 2  # by which a pane grows with one key

# By what a line goes on to: 1 up, 2 right, 4 down, 8 left.
_JOINTS = " │─└││┌├─┘─┴┐┤┬┼"


class Tiled(Layout):
    """Puts the panes where the tree says. Panes without room are not placed: nobody sees them."""

    name = "tiled"

    def __init__(self, grid: PaneGrid) -> None:
        self._grid = grid

    def arrange(
        self,
        parent: Widget,
        children: list[Widget],
        size: Size,
        greedy: bool = True,
    ) -> ArrangeResult:
        parent.pre_layout(self)
        places = self._grid.tile(size)
        return [
            WidgetPlacement(Region(*places[child.key]), NULL_OFFSET, NULL_SPACING, child)
            for child in children
            if isinstance(child, Pane) and child.key in places
        ]


class PaneGrid(Widget):
    COMPONENT_CLASSES: ClassVar[set[str]] = {"line--edge", "line--edge-active"}

    class Sized(Message):
        """The operator gave panes other sizes with the mouse."""

    def __init__(self, desk: Desk, clock: Clock, changes: Mapping[str, str]) -> None:
        super().__init__(id="panes")
        self.desk = desk
        self.clock = clock
        self.zoomed = False
        self._changes = changes
        self._tiled = Tiled(self)
        self._panes: dict[int, Pane] = {}
        self._last_key = 0
        pane = self._make()
        self.splits: Node = Leaf(pane.key)
        self._active = pane
        self._tiling = Tiling()
        self._area = Area(0, 0, 0, 0)
        self._joints: dict[tuple[int, int], int] = {}
        self._dragged: tuple[Border, int] | None = None  # where it was taken hold of

    def on_mount(self) -> None:
        self.mount(self._active)
        self.activate(self._active)

    def _make(self) -> Pane:
        self._last_key += 1
        pane = Pane(self.desk, self.clock, self._changes, self._last_key)
        self._panes[pane.key] = pane
        return pane

    # --- what is there ----------------------------------------------------------------------------------

    @property
    def layout(self) -> Layout:
        return self._tiled

    @property
    def panes(self) -> list[Pane]:
        """As one reads them."""
        return [self._panes[key] for key in tiling.leaves(self.splits)]

    @property
    def active(self) -> Pane:
        return self._active

    @property
    def placed(self) -> set[int]:
        """The keys of the panes that have room; all the others wait for it."""
        return set(self._tiling.places)

    def showing(self, conversation_id: int) -> Pane | None:
        for pane in self.panes:
            if pane.conversation_id == conversation_id:
                return pane
        return None

    def conversations(self) -> list[int]:
        return [pane.conversation_id for pane in self.panes if pane.conversation_id]

    @property
    def least(self) -> Least:
        return LEAST_NARROW if self.screen.has_class("-narrow") else LEAST

    # --- what is done to them -----------------------------------------------------------------------------

    def activate(self, pane: Pane) -> None:
        """Where it is active already nothing stands elsewhere: only what it shows is another."""
        moved, self._active = pane is not self._active, pane
        self._number()
        if moved:
            self.arrange_anew()

    def split(self, *, right: bool) -> Pane | None:
        """A new pane beside or below the active one, active from now on; None when there is no room."""
        if len(self.panes) >= PANES_MAX:
            return None
        tree = tiling.split(self.splits, self._active.key, self._last_key + 1, down=not right)
        if not tiling.fits(tree, self._area.width, self._area.height, self.least):
            return None
        pane = self._make()
        self.splits = tree
        self.zoomed = False
        self.mount(pane)
        self.activate(pane)
        return pane

    def close_active(self) -> Pane | None:
        """Take the active pane away; the one that is active then, or None when it was the last."""
        gone, before = self._active, self.panes
        left = tiling.without(self.splits, gone.key)
        if left is None:
            return None
        self.splits = left
        del self._panes[gone.key]
        self.zoomed = False
        gone.remove()
        at = before.index(gone)
        self.activate(self.panes[min(at, len(self.panes) - 1)])
        return self._active

    def put(self, splits: Node, conversations: Mapping[int, int], active: int) -> list[Pane]:
        """Other panes in place of all there are. Who shows a conversation already goes on; the new ones are
        empty, and say what they wait for."""
        old, self._panes = self._panes, {}
        fresh: list[Pane] = []
        names: dict[int, int] = {}
        for key in tiling.leaves(splits):
            wanted = conversations.get(key, 0)
            kept = next((pane for pane in old.values() if wanted and pane.conversation_id == wanted), None)
            if kept is None:
                kept = self._make()
                kept.awaits = wanted
                fresh.append(kept)
            else:
                del old[kept.key]
                self._panes[kept.key] = kept
            names[key] = kept.key
        self.splits = tiling.renamed(splits, names)
        self.zoomed = False
        self.mount_all(fresh)
        self._active = self._panes[names.get(active, min(self._panes))]
        for pane in old.values():
            pane.remove()
        self._changed()
        return fresh

    def drop(self, panes: Collection[Pane]) -> None:
        """Take panes away, but one always stays."""
        for pane in panes:
            left = tiling.without(self.splits, pane.key)
            if left is None:
                break
            self.splits = left
            del self._panes[pane.key]
            pane.remove()
            if pane is self._active:
                self._active = self.panes[0]
        self._changed()

    def zoom(self) -> None:
        self.zoomed = not self.zoomed
        self._changed()

    def unzoom(self) -> None:
        if self.zoomed:
            self.zoom()

    def grow(self, sign: int) -> bool:
        """Larger (1) or smaller (-1). False: there is nobody to take from or to give to."""
        if len(self._tiling.places) < len(self._panes):
            return False
        before = self.splits
        self.splits = tiling.grown(
            before, self._active.key, self._area, self.least, columns=sign * COLUMNS, lines=sign * LINES
        )
        self.arrange_anew()
        return self.splits != before

    def equal(self) -> None:
        self.splits = tiling.equal(self.splits)
        self.arrange_anew()

    def toward(self, direction: Direction) -> Pane | None:
        key = self._tiling.toward(self._active.key, direction)
        return None if key is None else self._panes[key]

    def _changed(self) -> None:
        """Other panes, or another one is active."""
        self._number()
        self.arrange_anew()

    def _number(self) -> None:
        panes = self.panes
        for number, pane in enumerate(panes, 1):
            pane.set_active(pane is self._active, number, len(panes))
        self.set_class(len(panes) > 1, "-several")

    def arrange_anew(self) -> None:
        """Something stands elsewhere, here or beside it."""
        self._clear_arrangement_cache()  # Textual keeps it for as long as the size is the same
        self.refresh(layout=True)

    # --- where they stand ---------------------------------------------------------------------------------

    def tile(self, size: Size) -> dict[int, Area]:
        """Lay out for a size: the areas of the panes that have room."""
        siblings = list(self.parent.children) if isinstance(self.parent, Widget) else [self]
        at = siblings.index(self)
        left = int(any(widget.display for widget in siblings[:at]))
        right = int(any(widget.display for widget in siblings[at + 1 :]))
        area = Area(left, 0, max(1, size.width - left - right), size.height)
        tree: Node = Leaf(self._active.key) if self.zoomed else self.splits
        self._area = area
        self._tiling = tiling.place(tree, area, self.least, self._active.key)
        lines = [border.area for border in self._tiling.borders]
        lines += [Area(0, 0, 1, size.height)] * left + [Area(size.width - 1, 0, 1, size.height)] * right
        self._joints = _joints(lines)
        for pane in self._panes.values():
            pane.header.among(len(self._tiling.places))
            if pane.key in self._tiling.places:
                pane.make_room(self._tiling.places[pane.key].height)
        return self._tiling.places

    def render_line(self, y: int) -> Strip:
        """The lines; those around the active pane are brighter, where there are others."""
        width = self.size.width
        near = self._tiling.places.get(self._active.key) if len(self._tiling.places) > 1 else None
        bright = range(0)
        if near is not None and near.y - 1 <= y <= near.y + near.height:
            bright = range(near.x - 1, near.x + near.width + 1)
        text = "".join(_JOINTS[self._joints.get((x, y), 0)] for x in range(width))
        start, stop = max(0, bright.start), max(0, bright.stop)
        line: Line = [
            (already_clean(text[:start]), "edge"),
            (already_clean(text[start:stop]), "edge-active"),
            (already_clean(text[stop:]), "edge"),
        ]
        return strip_of(self, line, width)

    # --- the mouse ------------------------------------------------------------------------------------------

    def on_mouse_down(self, event: events.MouseDown) -> None:
        border = self._tiling.border_at(event.x, event.y)
        if border is not None and not self.zoomed and len(self._tiling.places) == len(self._panes):
            self._dragged = (border, event.y if border.down else event.x)
            self.capture_mouse()

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if self._dragged is None:
            return
        border, held = self._dragged
        at = event.y if border.down else event.x
        tree = tiling.dragged(self.splits, border, at - held, self._area, self.least)
        if tree != self.splits:
            self.splits = tree
            places = tiling.place(tree, self._area, self.least, self._active.key)
            now = next(one for one in places.borders if one[:3] == border[:3])
            self._dragged = (now, now.area.y if now.down else now.area.x)
            self.arrange_anew()

    def on_mouse_up(self) -> None:
        if self._dragged is not None:
            self._dragged = None
            self.release_mouse()
            self.post_message(self.Sized())


def _joints(lines: list[Area]) -> dict[tuple[int, int], int]:
    """For each cell of a line the neighbours it is drawn on to."""
    cells = {
        (x, y)
        for line in lines
        for y in range(line.y, line.y + line.height)
        for x in range(line.x, line.x + line.width)
    }
    return {
        (x, y): (1 if (x, y - 1) in cells else 0)
        | (2 if (x + 1, y) in cells else 0)
        | (4 if (x, y + 1) in cells else 0)
        | (8 if (x - 1, y) in cells else 0)
        for x, y in cells
    }
