"""Messages found by words and qualifiers, the newest first.

Whatever is asked, candidates are read along one index, newest first, a chunk at a time, and each chunk is
looked at with everything that was asked; after EXAMINED_MAX candidates the page ends where it got to, and its
key goes on from there. So a page costs the same whether there are ten messages or a million.

The index is chosen by what narrows most: a few people (theirs), words (the full text), an operator (what he
wrote), notes, files, and else simply all messages. Where people narrow, words are looked for in the texts:
the full-text index would bring everybody's.
"""

from __future__ import annotations

import heapq
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, NamedTuple, get_args

import msgspec

from server.protocol.base import State
from server.protocol.filtering import Test, Tests, begin_words, tokens
from server.protocol.query import QueryError
from server.store import card_search, search, shares
from server.store.conversations import PRIORITIES
from server.store.transaction import Snapshot

EXAMINED_MAX = 10_000  # candidates of one page
CHUNK_FIRST = 50
CHUNK_MAX = 2_000
PEOPLE_MAX = 20  # so many are read one by one
ROWS_MAX = 200  # of conversations, to see whether they are of few people
TOP = 1 << 62
NOBODY = '"\u0001"'  # an FTS5 expression that matches no card

Key = tuple[int, ...]  # one person or a few: (at, id); else (search_id,)


class Found(NamedTuple):
    ids: list[int]
    next: Key | None  # of the next page
    reached: int | None  # UTC ms: the page ended there, before it was full


class Asker(NamedTuple):
    """Who asks, and how he writes telephone numbers (ISO 3166)."""

    me: int
    country: str
    sees: int | None = None  # only what was shared with this operator; None: everything


class _Candidate(NamedTuple):
    key: Key
    id: int
    at: int


_Source = Callable[[Key | None, int], list[_Candidate]]


class _Condition(NamedTuple):
    sql: str
    parameters: dict[str, Any]


def found(
    tx: Snapshot, tests: Tests, asker: Asker, customer_id: int | None, before: Key | None, limit: int
) -> Found:
    """`customer_id`: only what was said to this person or by him."""
    if not any(test.term.name != "text" or search.phrase(test.term.value) for test in tests):
        return Found([], None, None)  # nothing is asked
    if asker.sees is not None:
        _check_shown(tests)
    if customer_id is not None:
        people: list[int] | None = [customer_id]
    elif asker.sees is not None:
        people = shares.people(tx, asker.sees)
    else:
        people = _few_people(tx, tests, asker)
    source = _source(tx, tests, asker, people)
    look = _Look(tests, asker, customer_id, texts=people is not None)
    ids: list[int] = []
    key = None if before is None else _key(before, 1 if people is None else 2)
    examined, size = 0, min(CHUNK_MAX, max(CHUNK_FIRST, 2 * limit))
    while True:
        chunk = source(key, size)
        fitting = look.fitting(tx, chunk)
        for candidate in chunk:
            if candidate.id not in fitting:
                continue
            if len(ids) == limit:
                return Found(ids, key, None)
            ids.append(candidate.id)
            key = candidate.key
        if len(chunk) < size:
            return Found(ids, None, None)
        if len(ids) == limit:
            return Found(ids, key, None)
        key = chunk[-1].key
        examined += len(chunk)
        if examined >= EXAMINED_MAX:
            return Found(ids, key, chunk[-1].at)
        size = min(CHUNK_MAX, size * 2)


def _check_shown(tests: Tests) -> None:
    """Raises QueryError where an answer would tell what is on cards that are not shown to who asks."""
    for test in tests:
        if test.term.name in ("from", "to"):
            raise QueryError("unseen", test.term.name)


def _key(given: Key, length: int) -> Key:
    """A key as this source reads it: between two pages other people may have come to be meant."""
    if len(given) == length:
        return given
    if length == 2:
        return (given[0] >> 20, TOP)
    return ((min(given[0], TOP >> 20) << 20) | (given[1] & 0xFFFFF),)


# --- where candidates come from -----------------------------------------------------------------------


def _source(tx: Snapshot, tests: Tests, asker: Asker, people: list[int] | None) -> _Source:
    newest, oldest = _bounds(tests)
    if people is not None:
        return lambda key, size: _of_people(tx, people, key or (newest, TOP), oldest, size)
    words = [term for test in tests if not test.term.excluded for term in _words(test)][: search.WORDS_MAX]
    parameters: dict[str, Any] = {"oldest": oldest << 20}
    table, column = "message m", "m.search_id"
    where = _narrowest(tx, tests, asker, parameters)
    expression = search.expression(words)
    if expression is not None:
        parameters["expression"] = expression
        table, column, where = "message_text t", "t.rowid", "message_text MATCH :expression AND"

    def read(key: Key | None, size: int) -> list[_Candidate]:
        bounds = {"before": key[0] if key else newest << 20, "size": size}
        rows = tx.all(
            f"SELECT {column} AS search_id FROM {table} WHERE {where}"
            f" {column} < :before AND {column} >= :oldest ORDER BY {column} DESC LIMIT :size",
            parameters | bounds,
        )
        ids = _ids_of(tx, [row["search_id"] for row in rows])
        return [
            _Candidate((row["search_id"],), ids.get(row["search_id"], 0), row["search_id"] >> 20)
            for row in rows
        ]

    return read


def _ids_of(tx: Snapshot, search_ids: list[int]) -> dict[int, int]:
    rows = tx.all(
        "SELECT id, search_id FROM message WHERE search_id IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(search_ids).decode(),),
    )
    return {row["search_id"]: row["id"] for row in rows}


def _narrowest(tx: Snapshot, tests: Tests, asker: Asker, parameters: dict[str, Any]) -> str:
    """The condition of an index that holds what can match; "" means all messages."""
    for test in tests:
        name, value = test.term.name, test.term.value
        if test.term.excluded:
            continue
        if name == "from" and len(test.ids) == 1 and not _is_card(tx, test, asker):
            parameters["author"] = next(iter(test.ids))
            return "m.operator_id + 0 = :author AND m.operator_id IS NOT NULL AND"
        if name == "has":
            return "m.files > 0 AND"
        if (name, value) == ("is", "note"):
            return "m.kind = 'note' AND"
    return ""


def _is_card(tx: Snapshot, test: Test, asker: Asker) -> bool:
    """May a customer be meant too?"""
    expression = _card(test, asker)
    return expression is not None and bool(
        tx.value("SELECT 1 FROM card_text WHERE card_text MATCH ? LIMIT 1", (expression,))
    )


def _card(test: Test, asker: Asker) -> str | None:
    return card_search.match_expression(test.term.value, asker.country) if test.words else None


def _of_people(tx: Snapshot, people: Sequence[int], key: Key, oldest: int, size: int) -> list[_Candidate]:
    def one(customer_id: int) -> list[_Candidate]:
        rows = tx.all(
            "SELECT m.at, m.id FROM message m WHERE m.customer_id = ? AND (m.at, m.id) < (?, ?)"
            " AND m.at >= ? ORDER BY m.at DESC, m.id DESC LIMIT ?",
            (customer_id, *key, oldest, size),
        )
        return [_Candidate((row["at"], row["id"]), row["id"], row["at"]) for row in rows]

    merged = heapq.merge(
        *(one(customer_id) for customer_id in people), key=lambda each: each.key, reverse=True
    )
    return list(islice(merged, size))


def _bounds(tests: Tests) -> tuple[int, int]:
    """UTC ms between which everything lies that can match: before the first, not before the second."""
    newest, oldest = TOP >> 20, 0
    for test in tests:
        if test.term.excluded:
            continue
        if test.term.name == "before":
            newest = min(newest, test.begin)
        elif test.term.name == "after":
            oldest = max(oldest, test.begin)
        elif test.term.name == "on":
            newest, oldest = min(newest, test.end), max(oldest, test.begin)
    return newest, min(oldest, TOP >> 20)


def _few_people(tx: Snapshot, tests: Tests, asker: Asker) -> list[int] | None:
    """Those to whom everything belongs that can match, where they are few; None: anybody's."""
    for test in tests:
        question = None if test.term.excluded else _people_question(test, asker)
        if question is None:
            continue
        # Not DISTINCT: for its sake SQLite would read every conversation in the order of their people.
        rows = tx.all(f"{question.sql} LIMIT {ROWS_MAX + 1}", question.parameters)
        people = {int(row["person"]) for row in rows}
        if len(rows) <= ROWS_MAX and len(people) <= PEOPLE_MAX:
            return sorted(people)
    return None


def _people_question(test: Test, asker: Asker) -> _Condition | None:
    """Whom a test can mean, read off an index; None: no index knows."""
    name, value = test.term.name, test.term.value
    held = "SELECT customer_id AS person FROM conversation WHERE"
    if name in ("from", "to") and not test.ids and (name == "from" or "@" not in value):
        # (A letter may name an address that is on nobody's card.)
        return _Condition(
            "SELECT rowid AS person FROM card_text WHERE card_text MATCH :card",
            {"card": _card(test, asker) or NOBODY},
        )
    if name == "tag":
        return _Condition(
            "SELECT c.customer_id AS person FROM conversation_tag g"
            " JOIN conversation c ON c.id = g.conversation_id"
            " WHERE g.tag IN (SELECT value FROM json_each(:tags))",
            {"tags": _spelled(value)},
        )
    if (name, value) == ("is", "snoozed"):
        return _Condition(f"{held} state = 'snoozed' AND snooze_until > 0", {})
    if (name, value) == ("is", "mine"):
        mine = f"{held} assignee_id = :me AND state"
        return _Condition(f"{mine} = 'open' UNION ALL {mine} IN ('waiting', 'snoozed')", {"me": asker.me})
    return None


# --- what is asked of each ------------------------------------------------------------------------------


class _Look:
    """What each candidate is looked at with. `texts`: words too; else the full text has done that already."""

    def __init__(self, tests: Tests, asker: Asker, customer_id: int | None, *, texts: bool) -> None:
        self._parameters: dict[str, Any] = {"me": asker.me}
        self._wanted: list[re.Pattern[str]] = []
        self._unwanted: list[list[re.Pattern[str]]] = []
        self._topics: list[Test] = []
        parts: list[str] = []
        if customer_id is not None:
            parts.append("m.customer_id = :customer")
            self._parameters["customer"] = customer_id
        shown = shares.condition("m.conversation_id", asker.sees)
        self._parameters["sees"] = asker.sees
        for place, test in enumerate(tests):
            if test.term.name == "text":
                patterns = [_pattern(term) for term in _words(test)]
                if test.term.excluded:
                    self._unwanted.append(patterns)
                elif texts:
                    self._wanted += patterns
            elif test.term.name == "topic":
                self._topics.append(test)  # SQLite knows no small Cyrillic letters
            else:
                sql = _sql(test, asker, f"p{place}", self._parameters)
                parts.append(f"NOT ({sql})" if test.term.excluded else f"({sql})")
        self._sql = "".join(f" AND {part}" for part in parts) + shown

    def fitting(self, tx: Snapshot, chunk: list[_Candidate]) -> set[int]:
        """Ids of those that match. The one place that says which messages a search may show."""
        if not chunk:
            return set()
        columns = ", m.text, m.subject" if self._wanted or self._unwanted else ""
        rows = tx.all(
            "SELECT m.id, CASE c.topic WHEN '' THEN c.noted_topic ELSE c.topic END AS topic"
            f"{columns} FROM message m JOIN conversation c ON c.id = m.conversation_id"
            " LEFT JOIN seen s ON s.operator_id = :me AND s.conversation_id = c.id"
            f" WHERE m.id IN (SELECT value FROM json_each(:chunk)) AND m.deleted = 0{self._sql}",
            self._parameters | {"chunk": msgspec.json.encode([one.id for one in chunk]).decode()},
        )
        return {
            row["id"]
            for row in rows
            if (not columns or self._says(f"{row['text']}\n{row['subject'] or ''}"))
            and all(
                begin_words(test.words, tokens(row["topic"])) != test.term.excluded for test in self._topics
            )
        }

    def _says(self, text: str) -> bool:
        plain = _plain(text)
        return all(one.search(plain) for one in self._wanted) and not any(
            all(one.search(plain) for one in patterns) for patterns in self._unwanted
        )


_IS = {
    **{state: f"c.state = '{state}'" for state in get_args(State)},
    "mine": "coalesce(c.assignee_id = :me, 0) AND c.state != 'closed'",
    "queued": "c.state = 'open' AND c.assignee_id IS NULL",
    "note": "m.kind = 'note'",
    "unread": "m.kind = 'in' AND m.seq > coalesce(s.seq, 0) AND c.state != 'closed'",
}


def _sql(test: Test, asker: Asker, p: str, parameters: dict[str, Any]) -> str:
    """What a test asks of message `m` in conversation `c`; its parameters begin with `p`."""
    name, value = test.term.name, test.term.value
    if name in ("from", "to"):
        return _correspondent(test, asker, p, parameters)
    if name in ("before", "after", "on"):
        parameters |= {f"{p}b": test.begin, f"{p}e": test.end}
        return {
            "before": f"m.at < :{p}b",
            "after": f"m.at >= :{p}b",
            "on": f"m.at >= :{p}b AND m.at < :{p}e",
        }[name]
    if name in ("channel", "team"):
        parameters[p] = _json(test.channels)
        return f"{'m' if name == 'channel' else 'c'}.channel_id IN (SELECT value FROM json_each(:{p}))"
    if name == "is":
        return _IS[value]
    if name == "tag":
        parameters[p] = _spelled(value)
        return (
            "EXISTS (SELECT 1 FROM conversation_tag g WHERE g.conversation_id = c.id"
            f" AND g.tag IN (SELECT value FROM json_each(:{p})))"
        )
    if name == "assignee":
        parameters[p] = _json(one for one in test.ids if one is not None)
        nobody = " OR c.assignee_id IS NULL" if None in test.ids else ""
        return f"coalesce(c.assignee_id IN (SELECT value FROM json_each(:{p})), 0){nobody}"
    if name == "priority":
        parameters[p] = _PLACES[value]
        return f"c.priority = :{p}"
    return "m.files > 0"


_PLACES: Mapping[str, int] = {name: place for place, name in enumerate(PRIORITIES)}


def _correspondent(test: Test, asker: Asker, p: str, parameters: dict[str, Any]) -> str:
    """from: who wrote. to: to whom we wrote, or whose conversation it was that a customer wrote in."""
    parameters |= {f"{p}c": _card(test, asker) or NOBODY, f"{p}o": _json(test.ids)}
    card = f"m.customer_id IN (SELECT rowid FROM card_text WHERE card_text MATCH :{p}c)"
    operators = f"(SELECT value FROM json_each(:{p}o))"
    if test.term.name == "from":
        return f"(m.kind = 'in' AND {card}) OR coalesce(m.operator_id IN {operators}, 0)"
    named = ""
    if "@" in test.term.value:
        parameters[f"{p}a"] = test.term.value.lower()
        named = f" OR m.id IN (SELECT message_id FROM recipient WHERE address = :{p}a)"
    return (
        f"(m.kind = 'out' AND {card}) OR (m.kind = 'in' AND coalesce(c.assignee_id IN {operators}, 0)){named}"
    )


def _spelled(tag: str) -> str:
    """A tag as it was typed, and in small letters."""
    return _json({tag, tag.lower()})


def _json(values: Iterable[Any]) -> str:
    return msgspec.json.encode(sorted(values)).decode()


# --- words in texts -------------------------------------------------------------------------------------


def _words(test: Test) -> list[search.Term]:
    if test.term.name != "text":
        return []
    if test.term.exact:
        whole = search.phrase(test.term.value)
        return [whole] if whole is not None else []
    return search.terms(test.term.value)


def _pattern(term: search.Term) -> re.Pattern[str]:
    end = "" if term.prefix else r"(?![^\W_])"
    words = r"[\W_]+".join(re.escape(word) for word in _plain(term.word).split())
    return re.compile(rf"(?<![^\W_]){words}{end}")


_MARKED = re.compile("[\u00c0-\u024f]")


def _plain(text: str) -> str:
    """As the index has it: small letters, ё as е, Latin letters without their marks."""
    text = search.folded(text.lower())
    return _MARKED.sub(lambda found: unicodedata.normalize("NFD", found[0])[0], text)
