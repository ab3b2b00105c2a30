"""Search all messages, by words and qualifiers: each hit with its words in context; enter opens the place."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import ClassVar

import msgspec
from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.suggester import Suggester
from textual.timer import Timer
from textual.widgets import Input

from omni_console import errands
from omni_console.cleaning import clean_line
from omni_console.client import ServerClient
from omni_console.desk import Desk
from omni_console.i18n import _, ngettext
from omni_console.messages import Refused, SearchCame, Unanswered
from omni_console.query_words import completion, known_to, texts_of, why
from omni_console.refusals import refusal
from omni_console.text import already_clean, safe_line
from omni_console.timing import Clock
from omni_console.widgets.finder import Finder
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, spread
from server.protocol import Customer, SearchHit, SearchPage
from server.protocol.filtering import look_up
from server.protocol.query import Query, QueryError, Term, dated, parse, written

ASK_AFTER_S = 0.2
AHEAD = 20  # hits before the last one at which the next page is asked for
BEFORE_HIT = 30  # characters of context before the first hit


class Found(msgspec.Struct):
    """A search and one hit of it. `asked`: as the server was asked, `typed`: as the operator did."""

    asked: str
    typed: str
    customer_id: int | None
    hits: list[SearchHit]
    next: str | None
    at: int

    def take(self, page: SearchPage) -> None:
        self.hits = [*self.hits, *page.hits]
        self.next = page.next


def in_context(text: str, terms: Sequence[Term], width: int) -> Line:
    """The part of `text` around the first hit, the hits marked."""
    line = clean_line(text)
    pattern = re.compile("|".join(_patterns(terms)) or r"(?!)", re.IGNORECASE)
    first = pattern.search(line)
    start = _word_before(line, first.start() - BEFORE_HIT, first.start()) if first else 0
    shown = line[start : start + width * 2]
    out: Line = [(Content("…"), "dim")] if start else []
    at = 0
    for hit in pattern.finditer(shown):
        out += [(already_clean(shown[at : hit.start()]), "dim"), (already_clean(hit.group()), "hit")]
        at = hit.end()
    out.append((already_clean(shown[at:]), "dim"))
    return out


def _word_before(line: str, wanted: int, hit: int) -> int:
    """Where to begin: at a word behind `wanted`, or there, when the hit is reached before one begins."""
    if wanted <= 0:
        return 0
    space = line.find(" ", wanted - 1, hit)
    return wanted if space < 0 else space + 1


def _patterns(terms: Sequence[Term]) -> list[str]:
    """Word forms by their beginnings: the server knows the stems, and the eye needs no more than this."""
    found = []
    for term in terms:
        words = re.findall(r"\w+", term.value)
        if term.exact:
            found.append(r"\b" + r"\W+".join(re.escape(word) for word in words) + r"\b")
        else:
            found += [rf"\b{re.escape(word[: max(3, len(word) - 2)])}\w*" for word in words]
    return [_either_e(one) for one in found]


def _either_e(pattern: str) -> str:
    return re.sub("[её]", "[её]", pattern, flags=re.IGNORECASE)


class QuerySuggester(Suggester):
    """Greys in how the word at the cursor may go on; the right arrow takes it."""

    def __init__(self, desk: Desk, *, lists: bool) -> None:
        super().__init__(use_cache=False, case_sensitive=True)
        self._desk = desk
        self._lists = lists

    async def get_suggestion(self, value: str) -> str | None:
        return completion(value, self._desk, lists=self._lists) or None


class SearchRows(LineList):
    row_height = 2

    def __init__(self, clock: Clock, near_end: Callable[[], None]) -> None:
        super().__init__()
        self.clock = clock
        self.hits: list[SearchHit] = []
        self.terms: list[Term] = []
        self._near_end = near_end

    def cursor_moved(self) -> None:
        if self.cursor + AHEAD >= len(self.hits):
            self._near_end()

    def row_count(self) -> int:
        return len(self.hits)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        hit = self.hits[index]
        edge = (Content("▌ " if selected else "  "), "accent")
        if line == 1:
            lead: Line = [edge, (Content("  "), "base")]
            return spread([*lead, *in_context(hit.message.text, self.terms, width)], [], width)
        left: Line = [
            edge,
            (safe_line(hit.message.mark or "#"), "mark"),
            (Content(" "), "base"),
            (safe_line(hit.conversation.customer), "strong"),
            (Content("  "), "base"),
            (safe_line(hit.conversation.topic or hit.conversation.subject or ""), "dim"),
        ]
        return spread(left, [(Content("  " + self.clock.moment(hit.message.at) + " "), "dim")], width)


class SearchScreen(Finder[Found]):
    """`customer`: search what was said with this person; tab searches everything, and back."""

    BINDINGS: ClassVar = [Binding("tab", "turn", priority=True)]

    def __init__(
        self,
        client: ServerClient,
        desk: Desk,
        clock: Clock,
        customer: Customer | None = None,
    ) -> None:
        self.hits = SearchRows(clock, self._more)
        keys = [("enter", _("open the place"))]
        if customer is not None:
            keys.append(("tab", _("this person or everywhere")))
        suggester = QuerySuggester(desk, lists=False)
        super().__init__(self._titled(customer), self.hits, *keys, suggester=suggester)
        self.client = client
        self.clock = clock
        self.desk = desk
        self._customer = customer
        self._only = customer
        self._typed = ""
        self._asked = ""  # what the server is to be asked now; "" nothing
        self._shown: Found | None = None
        self._asking = False
        self._timer: Timer | None = None

    @staticmethod
    def _titled(customer: Customer | None) -> str:
        if customer is None:
            return _("Search all messages")
        return _("Search with {customer}").format(customer=customer.name)

    def action_turn(self) -> None:
        if self._customer is None:
            return
        self._only = None if self._only is not None else self._customer
        self.title_line.say(self._titled(self._only), "strong")
        self.words_changed(self.query_one(Input).value)

    def words_changed(self, words: str) -> None:
        self._typed = words.strip()
        if self._timer is not None:
            self._timer.stop()
        try:
            query = dated(parse(words), self.clock.local(self.clock.now()))
            look_up(query, known_to(self.desk), self.clock.local(self.clock.now()))
        except QueryError as error:
            self._asked = ""
            # Half a qualifier is no mistake yet: it is being typed.
            self.foot.say(why(error), "dim" if error.wrong == "empty" else "bad")
            return
        self._asked = written(query)
        if len(self._asked) < 2:
            self._asked = ""
            self._show(None, query)
            self.foot.say(_("words, and from: to: channel: after: has: is: tag: …"))
            return
        self._timer = self.set_timer(ASK_AFTER_S, self._ask)

    def _show(self, found: Found | None, query: Query) -> None:
        self._shown = found
        self.hits.hits = found.hits if found is not None else []
        self.hits.terms = texts_of(query)
        self.hits.cursor = 0
        self.hits.scroll_to(y=0, animate=False)
        self.hits.rows_changed()

    def _ask(self, before: str | None = None) -> None:
        asked, client = self._asked, self.client
        key = self._only.id if self._only is not None else None
        self._asking = True
        errands.send(
            self,
            "search",
            lambda: client.search(asked, before, customer_id=key),
            lambda page: SearchCame(asked, page, key, more=before is not None),
        )

    def _more(self) -> None:
        """The next page, unless it is on its way or there is none."""
        found = self._shown
        if found is not None and found.next is not None and not self._asking and self.current():
            self._ask(found.next)

    @on(SearchCame)
    def came(self, event: SearchCame) -> None:
        if event.q != self._asked or event.customer_id != (self._only.id if self._only else None):
            return
        self._asking = False
        if event.more and self._shown is not None:
            self._shown.take(event.page)
            self.hits.hits = self._shown.hits
            self.hits.rows_changed()
        else:
            page = event.page
            found = Found(self._asked, self._typed, event.customer_id, page.hits, page.next, 0)
            self._show(found, parse(self._typed))
        self._say_how_many(event.page)
        if event.page.reached is not None and len(self.hits.hits) <= self.hits.cursor + AHEAD:
            self._more()  # few are found among many: look on by itself

    def _say_how_many(self, page: SearchPage) -> None:
        count = len(self.hits.hits)
        text = ngettext("{n} message", "{n} messages", count).format(n=count)
        if page.reached is not None:
            looked = self.clock.day(page.reached)
            text = _("{found}; looked back to {day}, looking on").format(found=text, day=looked)
        elif page.next is not None:
            text = _("the newest {n}; more words find less").format(n=count)
        elif not count:
            text = _("nothing found")
        self.foot.say(text, "dim")

    def current(self) -> bool:
        return self._shown is not None and self._shown.asked == self._asked

    def chosen(self, index: int) -> None:
        if self._shown is not None:
            self._shown.at = index
            self.dismiss(self._shown)

    @on(Refused)
    def refused(self, event: Refused) -> None:
        self._asking = False
        self.foot.say(refusal(event.problem), "bad")

    @on(Unanswered)
    def unanswered(self, event: Unanswered) -> None:
        self._asking = False
        self.foot.say(_("no answer from the server: {why}").format(why=event.why), "bad")
