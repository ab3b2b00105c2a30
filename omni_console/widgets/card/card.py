"""The column at the right: who this customer is. It can be focused, moved in, and edited in place."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input

from omni_console.cleaning import typed
from omni_console.desk import Desk
from omni_console.i18n import _
from omni_console.keymap import install
from omni_console.timing import Clock
from omni_console.widgets.card.entries import Deed, Entry
from omni_console.widgets.card.sections import Context, card_sections
from omni_console.widgets.close_form import FormLine
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line
from server.protocol import Customer

EDGES = 3  # cells of a line that are not its own: the cursor's edge, a space, the scroll bar
Kept = Callable[[str], None]


class CardLines(LineList):
    """The cursor stays on what it is on, wherever that moves, and passes over lines that offer nothing."""

    def __init__(self, desk: Desk, clock: Clock, changes: Mapping[str, str]) -> None:
        super().__init__(id="card-lines")
        self.desk = desk
        self.clock = clock
        self.conversation_id = 0
        self.entries: list[Entry] = []
        install(self, ("browse", "card"), changes)

    @property
    def customer(self) -> Customer | None:
        row = self.desk.conversations.get(self.conversation_id)
        return None if row is None else self.desk.customers.get(row.customer_id)

    @property
    def deed(self) -> Deed | None:
        return self.entries[self.cursor].deed if 0 <= self.cursor < len(self.entries) else None

    def empty(self) -> str:
        row = self.desk.conversations.get(self.conversation_id)
        if row is not None and self.desk.river(row.customer_id).failed:
            return ""  # it comes with the history, and that says so
        return _("loading…") if self.conversation_id else ""

    def shows_cursor(self) -> bool:
        return self.has_focus

    def row_count(self) -> int:
        return len(self.entries)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        edge = Content("▌" if selected else " ")
        return [(edge, "accent"), *self.entries[index].line]

    def rows_changed(self) -> None:
        before = self.deed
        self.entries = self._lay_out()
        deeds = [entry.deed for entry in self.entries]
        if before is not None and before in deeds:
            self.cursor = deeds.index(before)
        super().rows_changed()
        if self.deed is None:
            self.cursor = self._nearest(self.cursor, 1)

    def _lay_out(self) -> list[Entry]:
        row, customer = self.desk.conversations.get(self.conversation_id), self.customer
        width = self.size.width - EDGES
        if row is None or customer is None or width < 8:
            return []
        sections = card_sections(customer, Context(self.desk, row, self.clock, width))
        lines = sum(len(section) for section in sections)
        blank = [Entry([])] if lines + len(sections) <= self.size.height else []
        out: list[Entry] = []
        for number, section in enumerate(sections):
            out += blank if number or not blank else []
            out += section
        return out

    def _nearest(self, index: int, step: int) -> int:
        """The next line from `index` on that offers something; else the last one before it that does."""
        for way in (step, -step):
            at = index
            while 0 <= at < len(self.entries):
                if self.entries[at].deed is not None:
                    return at
                at += way
        return 0

    def move_to(self, index: int) -> None:
        index = max(0, min(index, self.row_count() - 1))
        if not self.entries:
            return
        found = self._nearest(index, 1 if index >= self.cursor else -1)
        super().move_to(found)
        if found == self._nearest(0, 1):
            self.scroll_to(y=0, animate=False, force=True, immediate=True)

    def shows(self, deed: Deed) -> bool:
        """Is its line on the screen?"""
        top = int(self.scroll_offset.y)
        return any(entry.deed == deed for entry in self.entries[top : top + self.size.height])

    def select(self, deed: Deed) -> None:
        for index, entry in enumerate(self.entries):
            if entry.deed == deed:
                self.move_to(index)
                return

    def on_focus(self) -> None:
        self.refresh()

    def on_blur(self) -> None:
        self.refresh()


class CardEditor(Horizontal):
    """One line over the line that is edited."""

    def __init__(self) -> None:
        super().__init__(id="card-editor")
        self.display = False

    def compose(self) -> ComposeResult:
        yield FormLine("", "dim", "form-label")
        yield Input(compact=True, select_on_focus=False)


class CustomerCard(Vertical):
    """`lines` has the focus in card mode."""

    def __init__(self, desk: Desk, clock: Clock, changes: Mapping[str, str]) -> None:
        super().__init__(id="card")
        self.lines = CardLines(desk, clock, changes)
        self.editor = CardEditor()
        self._kept: Kept | None = None

    def compose(self) -> ComposeResult:
        yield self.lines
        yield self.editor

    def show(self, conversation_id: int) -> None:
        if conversation_id != self.lines.conversation_id:
            self.stop_editing()
            self.lines.conversation_id = conversation_id
            self.lines.cursor = 0
            self.lines.scroll_to(y=0, animate=False, force=True, immediate=True)
        self.changed()

    def changed(self) -> None:
        self.lines.rows_changed()

    # --- in place -------------------------------------------------------------------------------------

    @property
    def editing(self) -> bool:
        return bool(self.editor.display)

    def edit(self, label: str, value: str, kept: Kept, *, max_length: int = 4000) -> None:
        """Edit the line under the cursor; `kept` hears what enter leaves."""
        self._kept = kept
        y = self.lines.cursor - int(self.lines.scroll_offset.y)
        self.editor.styles.offset = (0, max(0, min(y, self.lines.size.height - 1)))
        self.editor.query_one(FormLine).say(label, "dim")
        field = self.editor.query_one(Input)
        field.cursor_blink = False
        field.max_length = max_length
        field.value = typed(value)
        field.cursor_position = len(field.value)
        self.editor.display = True
        self.screen.set_focus(field)

    def stop_editing(self) -> None:
        if not self.editing:
            return
        focused = self.editor.query_one(Input).has_focus
        self.editor.display = False
        self._kept = None
        if focused:
            self.screen.set_focus(self.lines)

    @on(Input.Submitted)
    def entered(self, event: Input.Submitted) -> None:
        event.stop()
        kept = self._kept
        self.stop_editing()
        if kept is not None:
            kept(event.value.strip())

    def on_key(self, event: events.Key) -> None:
        if event.key == "escape" and self.editing:
            event.stop()
            self.stop_editing()
