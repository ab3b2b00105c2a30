"""Which conversations a filter lets through: one predicate, asked by the server for its pages and by consoles
for what they hear, so that both always agree.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from datetime import datetime

import msgspec

from server.protocol.base import State
from server.protocol.conversations import Conversation
from server.protocol.query import DATES, Query, QueryError, Term, span_of
from server.protocol.service import ChannelInfo, OperatorInfo

_WORD = re.compile(r"[^\W_]+")
_STATES: dict[str, State] = {"waiting": "waiting", "open": "open", "closed": "closed", "snoozed": "snoozed"}
NOBODY = ("nobody", "none", "никто", "никого", "нет")


def folded(text: str) -> str:
    """Small letters; ё and е are one letter, as Russians write."""
    return text.lower().replace("ё", "е")


def tokens(text: str) -> tuple[str, ...]:
    return tuple(_WORD.findall(folded(text)))


class Test(msgspec.Struct, frozen=True, kw_only=True):
    """One term with its names looked up. What it needs of these depends on the term's name."""

    __test__ = False  # pytest: this tests nothing

    term: Term
    words: tuple[str, ...] = ()
    ids: frozenset[int | None] = frozenset()  # operators; None: nobody
    channels: frozenset[str] = frozenset()
    begin: int = 0
    end: int = 0


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """Who and what names in a query may mean."""

    me: int
    operators: Sequence[OperatorInfo]
    channels: Sequence[ChannelInfo]


Tests = tuple[Test, ...]


def look_up(query: Query, known: Known, here: datetime) -> Tests:
    """Raises QueryError: no such operator, channel, team or day."""
    return tuple(_look_up(term, known, here) for term in query.terms)


def filter_of(query: Query, known: Known, here: datetime) -> Tests:
    """The same for a list of conversations, of which not everything can be asked. Raises QueryError."""
    refuse_elsewhere(query)
    return look_up(query, known, here)


def refuse_elsewhere(query: Query) -> None:
    """Raises QueryError for what can be asked of messages only."""
    for term in query.terms:
        if term.name in ("to", "has") or (term.name, term.value) == ("is", "note"):
            raise QueryError("place", term.name, term.value)


def _look_up(term: Term, known: Known, here: datetime) -> Test:
    if term.name in DATES:
        begin, end = span_of(term, here)
        return Test(term=term, begin=begin, end=end)
    if term.name == "assignee":
        ids: frozenset[int | None] = frozenset(operators_named(term.value, known))
        if term.value.lower() in NOBODY:
            ids = frozenset({None})
        if not ids:
            near = _near(term.value, [one.login for one in known.operators])
            raise QueryError("nobody", term.name, term.value, near and f"assignee:{near}")
        return Test(term=term, ids=ids)
    if term.name in ("from", "to"):
        words = () if is_me(term.value) else tokens(term.value)
        return Test(term=term, words=words, ids=frozenset(operators_named(term.value, known)))
    if term.name in ("channel", "team"):
        return Test(term=term, channels=_channels_named(term, known))
    if term.name == "tag":
        return Test(term=term, words=(folded(term.value),))
    return Test(term=term, words=tokens(term.value))


def is_me(text: str) -> bool:
    return text.lower() in ("me", "я", "меня")


def operators_named(text: str, known: Known) -> set[int]:
    """By `me`, login, or the beginnings of the words of a name."""
    if is_me(text):
        return {known.me}
    by_login = {one.id for one in known.operators if one.login == text.lower().removeprefix("@")}
    wanted = tokens(text)
    return by_login or {one.id for one in known.operators if wanted and begin_words(wanted, tokens(one.name))}


def _channels_named(term: Term, known: Known) -> frozenset[str]:
    """By id, kind, or the beginnings of the words of a title; or all of a team."""
    wanted, lower = tokens(term.value), term.value.lower()
    if term.name == "team":
        found = {one.id for one in known.channels if lower == one.team}
        names = [one.team for one in known.channels if one.team]
    else:
        found = {one.id for one in known.channels if lower in (one.id, one.kind)} or {
            one.id for one in known.channels if wanted and begin_words(wanted, tokens(one.title))
        }
        names = [name for one in known.channels for name in (one.id, one.kind)]
    if not found:
        near = _near(lower, names)
        raise QueryError("nobody", term.name, term.value, near and f"{term.name}:{near}")
    return frozenset(found)


def _near(word: str, names: Iterable[str]) -> str:
    return next(iter(difflib.get_close_matches(word.lower(), list(names), n=1)), "")


def begin_words(wanted: Sequence[str], words: Sequence[str]) -> bool:
    """Does each of `wanted` begin one of `words`?"""
    return all(any(word.startswith(one) for word in words) for one in wanted)


def _follow(wanted: Sequence[str], words: Sequence[str]) -> bool:
    """Do `wanted` stand in `words`, one behind the other?"""
    count = len(wanted)
    return any(tuple(words[at : at + count]) == tuple(wanted) for at in range(len(words) - count + 1))


def lets_through(tests: Tests, row: Conversation, me: int, seen_seq: int) -> bool:
    """`seen_seq`: up to which event the operator `me` has read this conversation."""
    return all(_passes(test, row, me, seen_seq) != test.term.excluded for test in tests)


def _passes(test: Test, row: Conversation, me: int, seen_seq: int) -> bool:
    match test.term.name:
        case "text":
            said = (row.customer, row.subject or "", row.topic, row.summary, row.preview, *row.tags)
            words = tokens(" ".join(said))
            return _follow(test.words, words) if test.term.exact else begin_words(test.words, words)
        case "from":
            return bool(test.words) and begin_words(test.words, tokens(row.customer))
        case "channel" | "team":
            return row.channel_id in test.channels
        case "before":
            return row.last_at < test.begin
        case "after":
            return row.last_at >= test.begin
        case "on":
            return test.begin <= row.last_at < test.end
        case "is":
            return _is(test.term.value, row, me, seen_seq)
        case "tag":
            return test.words[0] in (folded(tag) for tag in row.tags)
        case "topic":
            return begin_words(test.words, tokens(row.topic))
        case "assignee":
            return row.assignee_id in test.ids
        case "priority":
            return row.priority == test.term.value
    return False  # "to" and "has" are never part of a filter


def _is(what: str, row: Conversation, me: int, seen_seq: int) -> bool:
    if what == "mine":
        return row.assignee_id == me and row.state != "closed"
    if what == "queued":
        return row.state == "open" and row.assignee_id is None
    if what == "unread":
        return row.customer_seq > seen_seq and row.state != "closed"
    return row.state == _STATES.get(what)
