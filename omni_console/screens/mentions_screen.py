"""Notes that call me and that I have not seen: newest first; enter goes to the note."""

from __future__ import annotations

from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from omni_console import errands
from omni_console.client import ServerClient
from omni_console.i18n import _
from omni_console.messages import MentionsCame, Refused, Unanswered
from omni_console.refusals import refusal
from omni_console.screens.choice_screen import TextLines
from omni_console.screens.things_screen import MORE_AHEAD, Place, Rows
from omni_console.screens.window import Window
from omni_console.text import safe_line
from omni_console.timing import Clock
from omni_console.widgets.foot import Foot
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, balanced
from server.protocol import Mention


class MentionRows(Rows):
    row_height = 3

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.mentions: list[Mention] = []

    def empty(self) -> str:
        return _("nobody calls you") if self.loaded else _("loading…")

    def row_count(self) -> int:
        return len(self.mentions)

    def place(self, index: int) -> Place:
        return Place(self.mentions[index].conversation_id, self.mentions[index].note.id)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        mention = self.mentions[index]
        edge = (Content("▌ " if selected else "  "), "accent")
        if line == 0:
            left: Line = [
                edge,
                (Content("@ "), "note"),
                (safe_line(mention.note.author), "strong"),
                (safe_line(mention.customer, before=" · "), "dim"),
            ]
            return balanced(left, [(Content(f"  {self.clock.moment(mention.note.at)} "), "dim")], width)
        parts = safe_line(mention.note.text).wrap(max(8, width - 6))
        if line > len(parts):
            return [edge]
        more = (Content(" …"), "dim") if line == 2 and len(parts) > 2 else (Content(""), "base")
        return [edge, (Content("  "), "base"), (parts[line - 1], "base"), more]


class MentionsScreen(Window[Place]):
    """Ends with the place to go to, or None."""

    BINDINGS: ClassVar = [("escape,q,й", "leave", "")]

    def __init__(self, client: ServerClient, clock: Clock) -> None:
        super().__init__()
        self.client = client
        self.rows = MentionRows(clock)
        self.foot = Foot(("esc", _("close")))
        self._next: str | None = None

    def compose(self) -> ComposeResult:
        with Vertical(classes="window"):
            yield TextLines(_("Who calls you"), role="strong", classes="title")
            yield self.rows
            yield self.foot

    def opened(self) -> None:
        self.rows.focus()
        self._load()

    def _load(self, after: str | None = None) -> None:
        self._next = None
        errands.send(self, "mentions", lambda: self.client.mentions(after), MentionsCame)

    @on(MentionsCame)
    def came(self, event: MentionsCame) -> None:
        self.rows.mentions += event.page.items
        self._next = event.page.next
        self.rows.loaded = True
        self.rows.rows_changed()
        if self.rows.mentions:
            self.foot.offer(("enter", _("go to the place")), ("esc", _("close")))

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
