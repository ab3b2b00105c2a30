"""The two lists of the lead's screen: figures, and the conversations behind one of them."""

from __future__ import annotations

from textual.content import Content

from omni_console.i18n import _
from omni_console.server_words import assigned_words
from omni_console.subject import Subject
from omni_console.text import safe_line
from omni_console.timing import Clock
from omni_console.widgets.deadline_words import left as time_left
from omni_console.widgets.lead_lines import Row, line_of, rows_of
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, balanced, spread, width_of
from server.protocol import Conversation, Overview


class Figures(LineList):
    """The cursor stays on its subject, wherever that moves, and passes what is only to be read."""

    def __init__(self, overview: Overview, clock: Clock) -> None:
        super().__init__(id="figures")
        self.clock = clock
        self.overview = overview
        self.rows: list[Row] = rows_of(overview)

    @property
    def subject(self) -> Subject:
        row = self.rows[self.cursor] if self.cursor < len(self.rows) else Row(Subject())
        return row.subject or Subject()

    def show(self, overview: Overview) -> None:
        subject = self.subject
        self.overview = overview
        self.rows = rows_of(overview)
        places = [number for number, row in enumerate(self.rows) if row.subject == subject]
        self.cursor = places[0] if places else 0
        self.rows_changed()
        self.show_cursor_row()

    def row_count(self) -> int:
        return len(self.rows)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        return line_of(self.rows[index], self.overview, self.clock, width, selected=selected)

    def move(self, rows: int) -> None:
        """So many rows on, of those that are about something."""
        places = [number for number, row in enumerate(self.rows) if row.subject is not None]
        at = max(0, min(places.index(self.cursor) + rows, len(places) - 1))
        self.move_to(places[at])

    def move_to(self, index: int) -> None:
        index = max(0, min(index, len(self.rows) - 1))
        if self.rows[index].subject is not None:
            super().move_to(index)
            if index == 0:
                self.scroll_to(y=0, animate=False, force=True, immediate=True)

    def rows_left(self) -> int:
        """Lines below the last that can be chosen: hand-overs, which are read at the end."""
        return len(self.rows) - 1 - max(n for n, row in enumerate(self.rows) if row.subject is not None)

    def show_cursor_row(self) -> None:
        super().show_cursor_row()
        last = self.row_count() - 1 - self.rows_left()
        if self.cursor == last and self.size.height > self.rows_left() + 1:
            bottom = max(0, self.row_count() - self.size.height)
            self.scroll_to(y=bottom, animate=False, force=True, immediate=True)


class Behind(LineList):
    """The conversations behind a figure: who, since when; and why its operator has it."""

    row_height = 2

    def __init__(self, clock: Clock) -> None:
        super().__init__(id="behind")
        self.clock = clock
        self.subject: Subject | None = None  # whose conversations these are; None: not loaded yet
        self.items: list[Conversation] = []
        self.more = False
        self._why_not = ""  # they did not come
        self._when_cells = 0  # so that what stands before the times is one column

    @property
    def row(self) -> Conversation | None:
        return self.items[self.cursor] if self.cursor < len(self.items) else None

    def forget(self) -> None:
        """Another figure was chosen, and its conversations are not there yet."""
        self.subject, self.items, self.more, self.cursor, self._why_not = None, [], False, 0, ""
        self.scroll_to(y=0, animate=False, force=True, immediate=True)
        self.rows_changed()

    def gave_up(self, why: str) -> None:
        self._why_not = why
        self.rows_changed()

    def show(self, subject: Subject, items: list[Conversation], *, more: bool) -> None:
        on = self.row.id if self.row is not None and subject == self.subject else None
        self.subject, self.items, self.more = subject, items, more
        places = [number for number, row in enumerate(items) if row.id == on]
        if places:
            self.cursor = places[0]
        self.rows_changed()
        self.show_cursor_row()

    def put(self, row: Conversation) -> None:
        """It is like this now; its place it keeps until the list comes anew."""
        self.items = [row if one.id == row.id else one for one in self.items]
        self.refresh()

    def rows_changed(self) -> None:
        self._when_cells = max((width_of(self._when(row)) for row in self.items), default=0)
        super().rows_changed()

    def row_count(self) -> int:
        return len(self.items)

    def shows_cursor(self) -> bool:
        return self.has_focus

    def empty(self) -> str:
        return _("nothing here") if self.subject is not None else self._why_not or _("loading…")

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        row = self.items[index]
        edge: Line = [(Content("▌ " if selected else "  "), "accent")]
        body = width - 3
        return [*edge, *(self._first(row, body, selected=selected) if line == 0 else self._second(row, body))]

    def _first(self, row: Conversation, width: int, *, selected: bool) -> Line:
        name = safe_line(row.customer) if row.customer.strip() else Content(_("(no name)"))
        left: Line = [(name, "strong" if selected else "base")]
        if row.preview.strip():
            left.append((safe_line(row.preview, before="  "), "dim"))
        priority = {"urgent": (" !!", "bad"), "high": (" !", "strong")}
        mark, role = priority.get(row.priority, ("", "base"))
        right: Line = [(Content(mark), role), (safe_line(row.mark or " ", before="  ", after="  "), "mark")]
        when = self._when(row)
        gap = (Content(" " * (self._when_cells - width_of(when))), "base")
        return spread(left, [*right, gap, *when], width)

    def _when(self, row: Conversation) -> Line:
        if row.state == "closed":
            age = self.clock.age(row.closed_at or row.sort_at)
            return [(safe_line(_("closed {age} ago").format(age=age)), "dim")]
        pressing = time_left(row, self.clock) if row.state == "open" else []
        if pressing:
            return pressing
        if row.due:
            return [(safe_line(_("promised {age} ago").format(age=self.clock.age(row.due_at or 0))), "bad")]
        if row.state != "open":
            return [(Content(_("parked")), "dim")]
        since = row.waiting_since or row.last_at
        return [(Content(self.clock.age(since) if since else ""), "base")]

    def _second(self, row: Conversation, width: int) -> Line:
        if row.state == "closed":
            ending = " — ".join(part for part in (row.topic, row.result) if part)
            return spread([(safe_line(ending, before="  "), "dim")], [], width)
        why = assigned_words(row.assigned_why)
        holder = _("nobody's") if row.assignee_id is None else row.assignee
        left: Line = [(safe_line(holder, before="  "), "accent" if row.assignee_id is None else "mark")]
        if why:
            left.append((safe_line(why, before=": "), "dim"))
        right: Line = []
        if row.transfers:
            right.append((safe_line(_("handed over {n}×").format(n=row.transfers), before="  "), "dim"))
        if row.next_step:
            right.append((safe_line(row.next_step, before="  "), "note"))
        return balanced(left, right, width)
