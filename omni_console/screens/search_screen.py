"""Search all messages: each hit with its words in context; enter opens the place in the history."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from textual import on
from textual.binding import Binding
from textual.content import Content
from textual.timer import Timer

from omni_console import errands
from omni_console.client import ServerClient
from omni_console.i18n import _, ngettext
from omni_console.messages import Refused, SearchCame, Unanswered
from omni_console.text import already_clean, clean_line, safe_line
from omni_console.timing import Clock
from omni_console.widgets.finder import Finder
from omni_console.widgets.line_list import LineList
from omni_console.widgets.paint import Line, spread
from server.protocol import Conversation, Customer, SearchHit

ASK_AFTER_S = 0.2
BEFORE_HIT = 30  # characters of context before the first hit


@dataclass(frozen=True)
class Found:
    conversation: Conversation
    message_id: int


def in_context(text: str, words: str, width: int) -> Line:
    """The part of `text` around the first hit, the hits marked."""
    line = clean_line(text)
    stems = [re.escape(word[: max(3, len(word) - 2)]) for word in words.lower().split()]
    pattern = re.compile("|".join(rf"\b{stem}\w*" for stem in stems) or r"(?!)", re.IGNORECASE)
    first = pattern.search(line)
    start = max(0, first.start() - BEFORE_HIT) if first else 0
    shown = line[start : start + width * 2]
    out: Line = [(Content("…"), "dim")] if start else []
    at = 0
    for hit in pattern.finditer(shown):
        out += [(already_clean(shown[at : hit.start()]), "dim"), (already_clean(hit.group()), "hit")]
        at = hit.end()
    out.append((already_clean(shown[at:]), "dim"))
    return out


class SearchRows(LineList):
    row_height = 2

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self.clock = clock
        self.hits: list[SearchHit] = []
        self.words = ""

    def row_count(self) -> int:
        return len(self.hits)

    def row_line(self, index: int, line: int, width: int, *, selected: bool) -> Line:
        hit = self.hits[index]
        edge = (Content("▌" if selected else " "), "accent")
        if line == 1:
            lead: Line = [edge, (Content("   "), "base")]
            return spread([*lead, *in_context(hit.message.text, self.words, width)], [], width)
        left: Line = [
            edge,
            (safe_line(hit.message.mark or "#"), "mark"),
            (Content("  "), "base"),
            (safe_line(hit.conversation.customer), "strong"),
            (Content("  "), "base"),
            (safe_line(hit.conversation.topic or hit.conversation.subject or ""), "dim"),
        ]
        return spread(left, [(Content("  " + self.clock.moment(hit.message.at) + " "), "dim")], width)


class SearchScreen(Finder[Found]):
    """`customer`: search what was said with this person; tab searches everything, and back."""

    BINDINGS: ClassVar = [Binding("tab", "turn", priority=True)]

    def __init__(self, client: ServerClient, clock: Clock, customer: Customer | None = None) -> None:
        self.hits = SearchRows(clock)
        super().__init__(self._titled(customer), self.hits)
        self.client = client
        self._customer = customer
        self._only = customer
        self._words = ""
        self._timer: Timer | None = None

    @staticmethod
    def _titled(customer: Customer | None) -> str:
        if customer is None:
            return _("Search all messages")
        return _("Search with {customer}   tab: everywhere").format(customer=customer.name)

    def action_turn(self) -> None:
        if self._customer is None:
            return
        self._only = None if self._only is not None else self._customer
        self.title_line.say(self._titled(self._only), "strong")
        self.words_changed(self._words)

    def words_changed(self, words: str) -> None:
        self._words = words.strip()
        if self._timer is not None:
            self._timer.stop()
        if len(self._words) < 2:
            self._show([], "", _("enter opens the place · esc closes"))
            return
        self._timer = self.set_timer(ASK_AFTER_S, self._ask)

    def _show(self, hits: list[SearchHit], words: str, text: str) -> None:
        self.hits.hits = hits
        self.hits.words = words
        self.hits.cursor = 0
        self.hits.rows_changed()
        self.foot.say(text, "dim")

    def _ask(self) -> None:
        words, client = self._words, self.client
        key = self._only.id if self._only is not None else None
        errands.send(
            self,
            "search",
            lambda: client.search(words, customer_id=key),
            lambda page: SearchCame(words, page, key),
        )

    @on(SearchCame)
    def came(self, event: SearchCame) -> None:
        if event.q != self._words or event.customer_id != (self._only.id if self._only else None):
            return
        count = len(event.page.hits)
        text = ngettext("{n} message", "{n} messages", count).format(n=count)
        if event.page.next is not None:
            text = _("the newest {n}; more words find less").format(n=count)
        self._show(event.page.hits, event.q, text if count else _("nothing found"))

    def current(self) -> bool:
        return self.hits.words == self._words

    def chosen(self, index: int) -> None:
        hit = self.hits.hits[index]
        self.dismiss(Found(hit.conversation, hit.message.id))

    @on(Refused)
    def refused(self, event: Refused) -> None:
        self.foot.say(event.problem.message, "bad")

    @on(Unanswered)
    def unanswered(self, event: Unanswered) -> None:
        self.foot.say(_("no answer from the server: {why}").format(why=event.why), "bad")
