"""Go to a conversation by a few letters: unread ones first."""

from __future__ import annotations

from textual.content import Content

from omni_console.desk import Desk
from omni_console.i18n import _
from omni_console.keymap import key_for
from omni_console.text import safe_line
from omni_console.timing import Clock
from omni_console.widgets.finder import Finder
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, spread
from server.protocol import Conversation

ROWS_MAX = 200


def find(desk: Desk, words: str) -> list[Conversation]:
    """Loaded conversations in which every word begins somewhere: in a name, a subject or an address."""
    wanted = words.lower().split()

    def matches(row: Conversation) -> bool:
        customer = desk.customers.get(row.customer_id)
        addresses = " ".join(address.label for address in customer.addresses) if customer else ""
        hay = f" {row.customer} {row.subject or ''} {row.topic} {row.preview} {addresses}".lower()
        return all(f" {word}" in hay or (len(word) > 2 and word in hay) for word in wanted)

    rows = [row for row in desk.conversations.values() if matches(row)]
    rows.sort(
        key=lambda row: (
            not desk.unread(row),
            row.state == "closed",
            row.assignee_id != desk.me,
            -row.last_at,
            row.id,
        )
    )
    return rows[:ROWS_MAX]


class SwitcherRows(LineList):
    def __init__(self, desk: Desk, clock: Clock) -> None:
        super().__init__()
        self.desk = desk
        self.clock = clock
        self.found: list[Conversation] = []

    def row_count(self) -> int:
        return len(self.found)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        row = self.found[index]
        unread = self.desk.unread(row)
        name = safe_line(row.customer.strip() or _("(no name)"), before=" ")
        left: Line = [
            (Content("▌" if selected else " "), "accent"),
            (Content("● " if unread else "  "), "accent"),
            (safe_line(row.mark or " "), "mark"),
            (name, "strong" if unread or selected else "base"),
            (safe_line(row.subject or row.preview, before="   "), "dim"),
        ]
        state = {"closed": _("closed"), "waiting": _("answered"), "snoozed": _("snoozed")}.get(row.state, "")
        age = self.clock.age(row.last_at) if row.last_at else ""
        return spread(left, [(Content(f"  {state} {age.rjust(5)} "), "dim")], width)


class SwitcherScreen(Finder[int]):
    def __init__(self, desk: Desk, clock: Clock) -> None:
        super().__init__(_("Go to"), SwitcherRows(desk, clock))
        self.desk = desk

    def words_changed(self, words: str) -> None:
        rows = self.rows
        assert isinstance(rows, SwitcherRows)  # noqa: S101 - narrows what __init__ gave
        rows.found = find(self.desk, words)
        rows.cursor = 0
        rows.rows_changed()
        text = _("enter goes there · esc closes")
        if not rows.found:
            text = _("nothing like that is loaded here; {key} searches everything").format(
                key=key_for("search.open")
            )
        self.foot.say(text, "dim")

    def chosen(self, index: int) -> None:
        rows = self.rows
        assert isinstance(rows, SwitcherRows)  # noqa: S101 - narrows what __init__ gave
        self.dismiss(rows.found[index].id)
