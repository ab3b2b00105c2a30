"""All files of a person, and all notes about one: newest first; enter goes to the place in the history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from omni_console import errands
from omni_console.client import ServerClient
from omni_console.i18n import _
from omni_console.images.blocks import is_shown
from omni_console.messages import FilesCame, NotesCame, Refused, Unanswered
from omni_console.refusals import refusal
from omni_console.screens.choice_screen import TextLines
from omni_console.screens.window import Window
from omni_console.server_words import said_by_server
from omni_console.text import safe_line
from omni_console.timing import Clock
from omni_console.widgets.file_lines import nature, sides, size
from omni_console.widgets.foot import Foot
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, balanced
from server.protocol import CustomerFile, File, Message

MORE_AHEAD = 20
LOOK = ("v", "м")


class Place(msgspec.Struct, frozen=True):
    conversation_id: int
    message_id: int


class Rows(LineList):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.loaded = False

    def empty(self) -> str:
        return _("nothing here") if self.loaded else _("loading…")

    def place(self, index: int) -> Place:
        raise NotImplementedError


class FileRows(Rows):
    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.files: list[CustomerFile] = []

    def row_count(self) -> int:
        return len(self.files)

    def place(self, index: int) -> Place:
        return Place(self.files[index].conversation_id, self.files[index].message_id)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        file = self.files[index]
        left: Line = [
            (Content("▌ " if selected else "  "), "accent"),
            (Content("→ " if file.from_customer else "← "), "accent" if file.from_customer else "dim"),
            (safe_line(file.mark or " ", after=" "), "mark"),
            (safe_line(file.name or file.kind), "strong" if selected else "base"),
            (safe_line(said_by_server(file.problem), before="  "), "bad"),
        ]
        right: Line = [
            (safe_line(nature(file), before="  "), "bad" if file.stated else "dim"),
            (safe_line(sides(file), before="  "), "dim"),
            (Content(f"  {size(file.size)}".rjust(11)), "dim"),
            (Content(f"  {self.clock.moment(file.at)} "), "dim"),
        ]
        if width < 70 and not file.stated:
            del right[0]
        return balanced(left, right, width)


class NoteRows(Rows):
    row_height = 3

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.notes: list[Message] = []

    def row_count(self) -> int:
        return len(self.notes)

    def place(self, index: int) -> Place:
        return Place(self.notes[index].conversation_id, self.notes[index].id)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        note = self.notes[index]
        edge = (Content("▌ " if selected else "  "), "accent")
        if line == 0:
            left: Line = [edge, (Content("# "), "note"), (safe_line(note.author), "strong")]
            return balanced(left, [(Content(f"  {self.clock.moment(note.at)} "), "dim")], width)
        parts = safe_line(note.text).wrap(max(8, width - 6))
        if line > len(parts):
            return [edge]
        part = parts[line - 1]
        more = (Content(" …"), "dim") if line == 2 and len(parts) > 2 else (Content(""), "base")
        return [edge, (Content("  "), "base"), (part, "base"), more]


class ThingsScreen(Window[Place]):
    """Ends with the place to go to, or None. `look` shows pictures, from one of them on."""

    BINDINGS: ClassVar = [("escape,q,й", "leave", "")]

    def __init__(
        self,
        client: ServerClient,
        clock: Clock,
        customer_id: int,
        title: str,
        *,
        notes: bool,
        look: Callable[[Sequence[File], int], None] = lambda pictures, at: None,
    ) -> None:
        super().__init__()
        self.client = client
        self.rows: FileRows | NoteRows = NoteRows(clock) if notes else FileRows(clock)
        self.foot = Foot(("esc", _("close")))
        self._look_at = look
        self._customer_id = customer_id
        self._title = title
        self._next: str | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield TextLines(self._title, role="strong", classes="title")
            yield self.rows
            yield self.foot

    def opened(self) -> None:
        self.rows.focus()
        self._load()

    def _load(self, after: str | None = None) -> None:
        api, key = self.client.people, self._customer_id
        self._next = None
        if isinstance(self.rows, FileRows):
            errands.send(self, "files", lambda: api.files(key, after), FilesCame)
        else:
            errands.send(self, "notes", lambda: api.notes(key, after), NotesCame)

    @on(FilesCame)
    def files_came(self, event: FilesCame) -> None:
        if isinstance(self.rows, FileRows):
            self.rows.files += event.page.items
        self._came(event.page.next)

    @on(NotesCame)
    def notes_came(self, event: NotesCame) -> None:
        if isinstance(self.rows, NoteRows):
            self.rows.notes += event.page.items
        self._came(event.page.next)

    def _came(self, following: str | None) -> None:
        self._next = following
        self.rows.loaded = True
        self.rows.rows_changed()
        if self.rows.row_count():
            more = [("v", _("look at the picture"))] if isinstance(self.rows, FileRows) else []
            self.foot.offer(("enter", _("go to the place")), *more, ("esc", _("close")))

    @on(Refused)
    def refused(self, event: Refused) -> None:
        self.foot.say(refusal(event.problem), "bad")
        if not self.rows.loaded:
            self.rows.lost()

    @on(Unanswered)
    def unanswered(self, event: Unanswered) -> None:
        self.foot.say(_("no answer from the server: {why}").format(why=event.why), "bad")
        if not self.rows.loaded:
            self.rows.lost()

    def _look(self, rows: FileRows) -> None:
        if not rows.files:
            return
        file = rows.files[rows.cursor]
        pictures = [one for one in rows.files if not one.problem and is_shown(one.content_type, one.name)]
        if file in pictures:
            self._look_at([_as_file(one) for one in pictures], pictures.index(file))
        else:
            why = said_by_server(file.problem) or _("only PNG, JPEG, GIF and WebP are shown here")
            self.foot.say(why, "bad")

    @on(LineList.Chosen)
    def chosen(self, event: LineList.Chosen) -> None:
        event.stop()
        self.dismiss(self.rows.place(event.index))

    def on_key(self, event: events.Key) -> None:
        moves = {"j": 1, "о": 1, "down": 1, "k": -1, "л": -1, "up": -1}
        if event.key in moves:
            event.stop()
            self.rows.move(moves[event.key])
            if self._next is not None and self.rows.cursor + MORE_AHEAD > self.rows.row_count():
                self._load(self._next)
        elif event.key in ("pagedown", "ctrl+d", "pageup", "ctrl+u"):
            event.stop()
            self.rows.move_pages(0.9 if event.key in ("pagedown", "ctrl+d") else -0.9)
        elif event.key == "enter":
            event.stop()
            self.rows.choose()
        elif event.key in LOOK and isinstance(self.rows, FileRows):
            event.stop()
            self._look(self.rows)


def _as_file(file: CustomerFile) -> File:
    return File(
        id=file.id,
        name=file.name,
        content_type=file.content_type,
        size=file.size,
        kind=file.kind,
        stated=file.stated,
        width=file.width,
        height=file.height,
    )
