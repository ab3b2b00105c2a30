"""A list drawn line by line: the cost of a key does not depend on how many rows there are."""

from __future__ import annotations

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView

from omni_console.text import safe_line
from omni_console.widgets.line_canvas import Laid, LineCanvas
from omni_console.widgets.paint import Line


class LineList(ScrollView, LineCanvas, can_focus=True):  # styles are inherited from the first one alone
    """Rows of `row_height` lines with a cursor. Subclasses say how many rows there are and draw one."""

    row_height = 1

    class Chosen(Message):
        """Enter, or a click on the row under the cursor."""

        def __init__(self, sender: LineList, index: int) -> None:
            super().__init__()
            self.sender = sender
            self.index = index

        @property
        def control(self) -> LineList:
            return self.sender

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id, classes=classes)
        self.cursor = 0
        self._lost = False

    def row_count(self) -> int:
        raise NotImplementedError

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        """Line `line` (from 0) of row `index`."""
        raise NotImplementedError

    def empty(self) -> str:
        """What to say when there is no row."""
        return ""

    def shows_cursor(self) -> bool:
        return True

    def cursor_moved(self) -> None:
        """The cursor is on another row."""

    def lost(self) -> None:
        """What was asked for does not come, and the window says why."""
        self._lost = True
        self.lines_changed()

    def rows_changed(self) -> None:
        """The number of rows, or what is in them, changed."""
        count = self.row_count()
        self.cursor = max(0, min(self.cursor, count - 1))
        # Never less than what is seen: where all rows fit, another number of them is no other layout.
        self.virtual_size = Size(self.size.width, max(count * self.row_height, self.size.height))
        self.lines_changed()

    def on_resize(self, event: events.Resize) -> None:
        self.rows_changed()
        self.show_cursor_row()

    def row_changed(self, *rows: int) -> None:
        """What is in these rows may look different; the others are as they were."""
        top, height = int(self.scroll_offset.y), self.size.height
        lines = [row * self.row_height + line - top for row in rows for line in range(self.row_height)]
        self.lines_changed([y for y in lines if 0 <= y < height])

    def laid_line(self, y: int) -> Laid:
        index, line = divmod(int(self.scroll_offset.y) + y, self.row_height)
        if y > 0 and not self._lost and not self.row_count():
            said = safe_line(self.empty()).wrap(max(8, self.scrollable_size.width - 3))
            return ([(Content("  "), "base"), (said[y - 1], "dim")] if y <= len(said) else [], ())
        if index >= self.row_count():
            return ([], ())
        selected = index == self.cursor and self.shows_cursor()
        return (
            self.row_line(index, line, self.scrollable_size.width, selected=selected),
            ("cursor",) if selected else (),
        )

    def move(self, rows: int) -> None:
        self.move_to(self.cursor + rows)

    def move_to(self, index: int) -> None:
        index = max(0, min(index, self.row_count() - 1))
        if index == self.cursor:
            return
        before, self.cursor = self.cursor, index
        self.show_cursor_row()
        self.row_changed(before, index)
        self.cursor_moved()

    def move_pages(self, pages: float) -> None:
        rows = max(1, int(self.size.height / self.row_height * abs(pages)))
        self.move(rows if pages > 0 else -rows)

    def show_cursor_row(self) -> None:
        """Scroll as little as needed for the row under the cursor."""
        height = self.size.height
        if height <= 0:
            return
        first, top = self.cursor * self.row_height, int(self.scroll_offset.y)
        if first < top:
            self.scroll_to(y=first, animate=False, force=True, immediate=True)
        elif first + self.row_height > top + height:
            self.scroll_to(y=first + self.row_height - height, animate=False, force=True, immediate=True)

    def choose(self) -> None:
        if self.row_count():
            self.post_message(self.Chosen(self, self.cursor))

    def on_click(self, event: events.Click) -> None:
        index = (int(self.scroll_offset.y) + event.y) // self.row_height
        if index >= self.row_count():
            return
        same = index == self.cursor
        self.move_to(index)
        if same or event.chain > 1:
            self.choose()
