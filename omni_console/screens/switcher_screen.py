"""Go to a conversation or a person by a few letters: unread ones first, then what was spoken in last."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

import msgspec
from textual import on
from textual.content import Content
from textual.timer import Timer

from omni_console import errands
from omni_console.client import ServerClient
from omni_console.desk import Desk
from omni_console.fuzzy import how_well, narrows
from omni_console.i18n import _
from omni_console.keymap import key_for
from omni_console.messages import PeopleFound, Refused, Unanswered
from omni_console.server_words import said_by_server
from omni_console.text import safe_line
from omni_console.timing import Clock
from omni_console.widgets.finder import Finder
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, spread
from server.protocol import Conversation, Customer
from server.protocol.filtering import folded

ROWS_MAX = 200
PEOPLE_MAX = 20
ASK_AFTER_S = 0.25
SHORTEST = 2  # letters for which the server is asked


class Goal(msgspec.Struct, frozen=True):
    """A conversation, or a person of whom none is loaded."""

    conversation: Conversation | None = None
    person: Customer | None = None


class Loaded(msgspec.Struct):
    """The conversations that are loaded, and which of them answer what was typed."""

    desk: Desk
    _hay: dict[int, tuple[str, str]] = {}  # by conversation: name, and the rest
    _before: tuple[str, list[int]] | None = None  # what was typed, and everything that answered it

    def find(self, typed: str) -> list[Conversation]:
        """The best ROWS_MAX of them. Whoever types one more letter is answered from what is left."""
        rows = self.desk.conversations
        keys: Iterable[int] = rows
        if self._before is not None and narrows(self._before[0], typed):
            keys = self._before[1]
        answering: list[tuple[int, int]] = []
        for key in keys:
            name, more = self._hay.get(key) or self._haystack(rows[key])
            fit = how_well(typed, name, more)
            if fit is not None:
                answering.append((fit, key))
        self._before = (typed, [key for _fit, key in answering])
        best = heapq.nsmallest(ROWS_MAX, answering, key=self._rank)
        return [rows[key] for _fit, key in best]

    def _haystack(self, row: Conversation) -> tuple[str, str]:
        customer = self.desk.customers.get(row.customer_id)
        addresses = " ".join(address.label for address in customer.addresses) if customer else ""
        more = f" {row.subject or ''} {row.topic} {row.preview} {addresses}"
        self._hay[row.id] = found = (folded(f" {row.customer}"), folded(more))
        return found

    def _rank(self, answering: tuple[int, int]) -> tuple[int, bool, bool, int, int]:
        fit, key = answering
        row = self.desk.conversations[key]
        return (fit, not self.desk.unread(row), row.state == "closed", -row.last_at, key)


class SwitcherRows(LineList):
    def __init__(self, desk: Desk, clock: Clock) -> None:
        super().__init__()
        self.desk = desk
        self.clock = clock
        self.found: list[Goal] = []

    def row_count(self) -> int:
        return len(self.found)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        goal = self.found[index]
        if goal.conversation is not None:
            return self._conversation(goal.conversation, width, selected=selected)
        return self._person(goal.person, width, selected=selected) if goal.person is not None else []

    def _conversation(self, row: Conversation, width: int, *, selected: bool) -> Line:
        unread = self.desk.unread(row)
        name = safe_line(row.customer.strip() or _("(no name)"), before=" ")
        left: Line = [
            (Content("▌ " if selected else "  "), "accent"),
            (Content("● " if unread else "  "), "accent"),
            (safe_line(row.mark or " "), "mark"),
            (name, "strong" if unread or selected else "base"),
            (safe_line(row.subject or row.preview, before="   "), "dim"),
        ]
        state = {"closed": _("closed"), "waiting": _("answered"), "snoozed": _("snoozed")}.get(row.state, "")
        age = self.clock.age(row.last_at) if row.last_at else ""
        return spread(left, [(Content(f"  {state} {age.rjust(5)} "), "dim")], width)

    def _person(self, person: Customer, width: int, *, selected: bool) -> Line:
        name = safe_line(person.name.strip() or _("(no name)"), before=" ")
        addresses = "  ".join(said_by_server(one.label) for one in person.addresses[:3])
        left: Line = [
            (Content("▌ " if selected else "  "), "accent"),
            (Content("   "), "base"),
            (name, "strong" if selected else "base"),
            (safe_line(addresses, before="   "), "dim"),
        ]
        return spread(left, [(Content("  " + _("person") + " "), "dim")], width)


class SwitcherScreen(Finder[Goal]):
    def __init__(self, client: ServerClient, desk: Desk, clock: Clock) -> None:
        self.goals = SwitcherRows(desk, clock)
        super().__init__(_("Go to"), self.goals, ("enter", _("go there")))
        self.client = client
        self.desk = desk
        self._loaded = Loaded(desk)
        self._words = ""
        self._people: tuple[str, list[Customer]] = ("", [])  # what the server found, for which words
        self._timer: Timer | None = None

    def words_changed(self, words: str) -> None:
        self._words = words.strip()
        if self._timer is not None:
            self._timer.stop()
        if len(self._words) >= SHORTEST:
            self._timer = self.set_timer(ASK_AFTER_S, self._ask)
        self._show()

    def _ask(self) -> None:
        words, client = self._words, self.client
        errands.send(
            self,
            "people",
            lambda: client.people.find(words, limit=PEOPLE_MAX),
            lambda page: PeopleFound(words, page),
        )

    @on(PeopleFound)
    def came(self, event: PeopleFound) -> None:
        """Behind what is loaded: what the eye is on already does not move."""
        if event.words == self._words:
            self._people = (event.words, event.page.items)
            cursor = self.goals.cursor
            self._show()
            self.goals.move_to(cursor)

    def _show(self) -> None:
        rows = self._loaded.find(self._words)
        known = {row.customer_id for row in rows}
        people = self._people[1] if self._people[0] == self._words else []
        self.goals.found = [
            *(Goal(conversation=row) for row in rows),
            *(Goal(person=person) for person in people if person.id not in known),
        ]
        self.goals.cursor = 0
        self.goals.rows_changed()
        text = ""
        if not self.goals.found:
            text = _("nobody like that; {key} searches what was said").format(key=key_for("search.open"))
        self.foot.say(text)

    def chosen(self, index: int) -> None:
        self.dismiss(self.goals.found[index])

    @on(Refused)
    def refused(self, event: Refused) -> None:
        """What is loaded can be gone to all the same."""

    @on(Unanswered)
    def unanswered(self, event: Unanswered) -> None:
        self.foot.say(_("no answer from the server: {why}").format(why=event.why), "dim")
