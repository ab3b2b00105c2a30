"""What would be moved, before anything is: one key does it."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual import events, on
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.content import Content

from omni_console.i18n import _, ngettext
from omni_console.screens.choice_screen import TextLines
from omni_console.screens.window import Window
from omni_console.server_words import assigned_words
from omni_console.text import fit, safe_line
from omni_console.timing import Clock
from omni_console.widgets.foot import Foot
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, balanced
from server.protocol import Proposal, ProposedMove

GAPS = 8  # cells between what is moved, from whom, to whom and why


class MoveRows(LineList):
    def __init__(self, moves: list[ProposedMove], clock: Clock) -> None:
        super().__init__()
        self.moves = moves
        self.clock = clock
        self._from_cells = max((cell_len(move.conversation.assignee) for move in moves), default=0)
        self._to_cells = max((cell_len(_to(move)) for move in moves), default=0)
        self._why_cells = max((cell_len(assigned_words(move.why)) for move in moves), default=0)

    def row_count(self) -> int:
        return len(self.moves)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        move = self.moves[index]
        row = move.conversation
        since = row.waiting_since or row.last_at
        left: Line = [
            (Content("▌ " if selected else "  "), "accent"),
            (safe_line(row.mark or " ", after=" "), "mark"),
            (safe_line(row.customer), "strong" if selected else "base"),
            (Content(f"  {self.clock.age(since)}" if since else ""), "dim"),
        ]
        others = self._from_cells + self._to_cells + GAPS
        why_cells = min(self._why_cells, max(0, width * 2 // 3 - others))
        right: Line = [
            (Content("  "), "base"),
            (fit(safe_line(row.assignee), self._from_cells), "dim"),
            (Content(" → "), "dim"),
            (fit(safe_line(_to(move)), self._to_cells), "accent"),
            (Content("  "), "base"),
            (fit(safe_line(assigned_words(move.why)), why_cells), "dim"),
            (Content(" "), "base"),
        ]
        return balanced(left, right, width)


def _to(move: ProposedMove) -> str:
    return move.to or _("the queue")


class MovesScreen(Window[bool]):
    """Ends with True when they are to be done."""

    BINDINGS: ClassVar = [("escape,q,й,n,т", "leave", ""), ("enter,y,н", "do", "")]

    def __init__(self, proposal: Proposal, clock: Clock) -> None:
        super().__init__()
        self._proposal = proposal
        self.rows = MoveRows(proposal.moves, clock)

    def compose(self) -> ComposeResult:
        count = len(self._proposal.moves)
        title = ngettext(
            "Move {n} of {total} that nobody has begun?",
            "Move {n} of {total} that nobody has begun?",
            count,
        ).format(n=count, total=self._proposal.untouched)
        with Vertical(classes="window"):
            yield TextLines(title, role="strong", classes="title")
            yield self.rows
            yield Foot(("enter y", _("move them")), ("esc", _("not now")))

    def opened(self) -> None:
        self.rows.focus()

    def action_do(self) -> None:
        self.dismiss(True)

    @on(LineList.Chosen)
    def chosen(self, event: LineList.Chosen) -> None:
        event.stop()

    def on_key(self, event: events.Key) -> None:
        moves = {"j": 1, "о": 1, "down": 1, "k": -1, "л": -1, "up": -1}
        if event.key in moves:
            event.stop()
            self.rows.move(moves[event.key])
