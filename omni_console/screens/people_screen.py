"""Find a person among all who ever wrote: by name, address or order number, asked of the server."""

from __future__ import annotations

from textual import on
from textual.content import Content
from textual.timer import Timer

from omni_console import errands
from omni_console.client import ServerClient
from omni_console.i18n import _, ngettext
from omni_console.messages import PeopleFound, Refused, Unanswered
from omni_console.refusals import refusal
from omni_console.server_words import said_by_server
from omni_console.text import safe_line
from omni_console.timing import Clock
from omni_console.widgets.finder import Finder
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, spread
from server.protocol import Customer

ASK_AFTER_S = 0.2


class PeopleRows(LineList):
    row_height = 2

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.people: list[Customer] = []

    def row_count(self) -> int:
        return len(self.people)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        person = self.people[index]
        edge = (Content("▌ " if selected else "  "), "accent")
        if line == 1:
            addresses = "  ".join(
                ("✓ " if one.verified else "? ") + said_by_server(one.label) for one in person.addresses[:4]
            )
            return spread([edge, (safe_line(addresses, before="  "), "dim")], [], width)
        name = safe_line(person.name) if person.name.strip() else Content(_("(no name)"))
        tags = "  ".join(f"#{tag}" for tag in person.tags[:4])
        left: Line = [edge, (name, "strong"), (safe_line(tags, before="  "), "accent")]
        since = _("since {day}").format(day=self.clock.day(person.created_at))
        return spread(left, [(Content(f"  {since} "), "dim")], width)


class PeopleScreen(Finder[Customer]):
    """Ends with the person. `without`: somebody who must not be offered."""

    def __init__(self, client: ServerClient, clock: Clock, title: str, *, without: int = 0) -> None:
        self.table = PeopleRows(clock)
        super().__init__(title, self.table, ("enter", _("choose")))
        self.client = client
        self._without = without
        self._words = ""
        self._answered: str | None = None
        self._timer: Timer | None = None

    def words_changed(self, words: str) -> None:
        self._words = words.strip()
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(ASK_AFTER_S, self._ask)

    def _ask(self) -> None:
        words, client = self._words, self.client
        errands.send(self, "people", lambda: client.people.find(words), lambda page: PeopleFound(words, page))

    @on(PeopleFound)
    def came(self, event: PeopleFound) -> None:
        if event.words != self._words:
            return
        self._answered = event.words
        self.table.people = [one for one in event.page.items if one.id != self._without]
        self.table.cursor = 0
        self.table.rows_changed()
        count = len(self.table.people)
        text = ngettext("{n} person", "{n} people", count).format(n=count) if count else _("nobody found")
        if event.page.next is not None:
            text = _("the first {n}; more letters find less").format(n=count)
        self.foot.say(text)

    def current(self) -> bool:
        return self._answered == self._words

    def chosen(self, index: int) -> None:
        self.dismiss(self.table.people[index])

    @on(Refused)
    def refused(self, event: Refused) -> None:
        self.foot.say(refusal(event.problem), "bad")

    @on(Unanswered)
    def unanswered(self, event: Unanswered) -> None:
        self.foot.say(_("no answer from the server: {why}").format(why=event.why), "bad")
