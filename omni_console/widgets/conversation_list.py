"""The list of conversations: two lines each, over the window of the desk."""

from __future__ import annotations

from textual.content import Content
from textual.message import Message

from omni_console.desk import Desk
from omni_console.i18n import _, ngettext
from omni_console.keymap import key_for
from omni_console.text import safe_line
from omni_console.timing import Clock
from omni_console.views import ListWindow
from omni_console.widgets.company_line import company_mark
from omni_console.widgets.deadline_words import left
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, spread
from server.protocol import Conversation, View

AHEAD = 60  # rows before the end of what is loaded at which the next page is asked for
AGE_CELLS = 5


class ConversationList(LineList):
    """The cursor stays on its conversation, wherever that moves."""

    row_height = 2

    class Moved(Message):
        """Another row is under the cursor."""

    class MoreWanted(Message):
        """The end of what is loaded is near."""

        def __init__(self, place: str) -> None:
            super().__init__()
            self.place = place

    def __init__(self, desk: Desk, clock: Clock) -> None:
        super().__init__(id="list")
        self.desk = desk
        self.clock = clock
        self.view: View = "mine"
        self.place = "mine"  # the view, or the number of a saved one
        self.opened: set[int] = set()  # conversations in panes
        self.marked: set[int] = set()
        self._anchor = 0  # the conversation that was marked last
        self._on: int | None = None  # the conversation under the cursor

    @property
    def conversation_id(self) -> int | None:
        """The conversation under the cursor."""
        window = self.window
        return window.id_at(self.cursor) if 0 <= self.cursor < len(window) else None

    @property
    def window(self) -> ListWindow:
        return self.desk.window(self.place)

    def show(self, view: View, place: str = "") -> None:
        self.view = view
        self.place = place or view
        self.marked.clear()
        self.cursor = 0
        self._on = None
        self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self.rows_changed()
        self._on = self.conversation_id
        self.post_message(self.Moved())

    def row_count(self) -> int:
        return len(self.window)

    def empty(self) -> str:
        window = self.window
        if not window.loaded:
            return _("loading…")
        if window.narrowed is not None:
            if window.next is not None:
                return _("nothing so far, looking on…")
            return _("nothing here is like that; {key} and an empty line show all").format(
                key=key_for("filter.list")
            )
        return {
            "mine": _("nobody waits for you; {key} takes you to the queue").format(
                key=key_for("attention.next.browse")
            ),
            "queue": _("the queue is empty"),
            "waiting": _("you wait for nobody"),
            "spam": _("no spam"),
        }.get(self.view, _("nothing here"))

    def cursor_moved(self) -> None:
        self._on = self.conversation_id
        self.post_message(self.Moved())
        self._want_more()

    def rows_changed(self) -> None:
        window = self.window
        if self._on is not None:
            index = window.index_of(self._on)
            if index is not None and index != self.cursor:
                # Keep the row under the operator's eyes where it is on the screen.
                shift = (index - self.cursor) * self.row_height
                self.cursor = index
                super().rows_changed()
                y = max(0, int(self.scroll_offset.y) + shift)
                self.scroll_to(y=y, animate=False, force=True, immediate=True)
        super().rows_changed()
        self.show_cursor_row()
        self._on = self.conversation_id
        self._want_more()

    def conversation_changed(self, conversation_id: int) -> None:
        """Its draft, say, and nothing of the others."""
        index = self.window.index_of(conversation_id)
        if index is not None:
            self.row_changed(index)

    def select(self, conversation_id: int) -> bool:
        """Put the cursor on a conversation, if it is in this view."""
        index = self.window.index_of(conversation_id)
        if index is None:
            return False
        self.move_to(index)
        self._on = conversation_id
        return True

    def toggle_mark(self) -> None:
        """Mark the row under the cursor, or not any more, and go on to the next."""
        key = self.conversation_id
        if key is not None:
            self.marked ^= {key}
            self._anchor = key
            self.move(1)
            self.refresh()

    def mark_range(self) -> None:
        """Mark what lies between the row that was marked last and the cursor; without one, this row."""
        key = self.conversation_id
        if key is None:
            return
        begin = self.window.index_of(self._anchor) if self._anchor in self.marked else None
        first, last = sorted((self.cursor if begin is None else begin, self.cursor))
        self.marked |= {self.window.id_at(index) for index in range(first, last + 1)}
        self._anchor = key
        self.refresh()

    def view_order(self, keys: set[int]) -> list[int]:
        """`keys` as they stand in this view; what left it meanwhile comes last."""
        window = self.window
        return sorted(keys, key=lambda key: (window.index_of(key) is None, window.index_of(key) or 0, key))

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        super().watch_scroll_y(old_value, new_value)
        self._want_more()

    def _want_more(self) -> None:
        window = self.window
        if window.next is None or window.loading:
            return
        shown = (int(self.scroll_offset.y) + self.size.height) // self.row_height
        if max(shown, self.cursor) + AHEAD >= len(window):
            self.post_message(self.MoreWanted(self.place))

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        row = self.desk.conversations.get(self.window.id_at(index))
        if row is None:
            return []
        edge = (Content("▌" if selected else "▏" if row.id in self.opened else " "), "accent")
        body = self._first(row, width - 2) if line == 0 else self._second(row, width - 2)
        return [edge, *body, (Content(" "), "base")]

    def _first(self, row: Conversation, width: int) -> Line:
        unread = self.desk.unread(row)
        sign: Line = [
            (Content("●" if unread else " "), "accent"),
            (Content("*" if row.id in self.marked else " "), "strong"),
        ]
        since = row.waiting_since if row.state == "open" and row.waiting_since else row.last_at
        age = self.clock.age(since) if since else ""
        pressing: Line = left(row, self.clock)
        priority = {"urgent": (" !!", "bad"), "high": (" !", "strong"), "low": (" ↓", "dim")}
        mark, role = priority.get(row.priority, ("", "base"))
        right: Line = [
            *company_mark(self.desk, row.id),
            *([(Content(" @"), "accent")] if row.id in self.desk.called_in else []),
            (Content(mark), role),
            (Content(" ✗" if row.unsettled else ""), "bad"),
            (safe_line(row.mark or " ", before=" ", after=" "), "mark"),
            *(
                [(Content(" "), "base"), *pressing]
                if pressing
                else [(Content(age.rjust(AGE_CELLS)), "strong" if unread else "dim")]
            ),
        ]
        name = safe_line(row.customer) if row.customer.strip() else Content(_("(no name)"))
        return spread([*sign, (name, "strong" if unread else "base")], right, width)

    def _second(self, row: Conversation, width: int) -> Line:
        slot = self.desk.slot_of(row.id)
        left: Line = [(Content(f"{slot or ' '} "), "dim")]
        if row.doubted and not row.spam:
            left.append((Content(_("spam?") + " "), "note"))
        if self.desk.drafts.waits(row.id):
            left.append((Content("✎ "), "accent"))
        if row.preview_kind == "note":
            left.append((Content("# "), "note"))
        elif row.preview_kind == "out":
            left.append((Content("↩ "), "dim"))
        if row.preview.strip():
            left.append((safe_line(row.preview), "dim"))
        if row.preview_files:
            files = ngettext("[{n} file]", "[{n} files]", row.preview_files).format(n=row.preview_files)
            left.append((safe_line(files, before=" " if row.preview.strip() else ""), "dim"))
        return spread(left, self._holder(row), width)

    def _holder(self, row: Conversation) -> Line:
        if row.due_at is not None and row.state != "closed":
            late = row.due_at < self.clock.now()
            text = (
                _("late {age}").format(age=self.clock.age(row.due_at))
                if late
                else _("by {when}").format(when=self.clock.moment(row.due_at))
            )
            return [(Content(" " + text), "bad" if late else "note")]
        if row.state == "snoozed" and row.snooze_until:
            return [
                (Content(" " + _("until {when}").format(when=self.clock.moment(row.snooze_until))), "dim")
            ]
        if row.state == "waiting" and row.silence is not None and row.silence.closes_at is not None:
            when = self.clock.moment(row.silence.closes_at)
            return [(Content(" " + _("closes {when}").format(when=when)), "dim")]
        if self.view in ("all", "closed"):
            if row.assignee_id is None:
                return [(Content(" " + _("queue")), "accent")] if row.state == "open" else []
            if row.assignee_id != self.desk.me:
                return [(safe_line(row.assignee.split(" ")[0], before=" "), "dim")]
        return []
