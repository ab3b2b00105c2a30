"""What operators type to find something: words, "phrases", and qualifiers such as `from:` or `is:waiting`.

    refund "blue kettle" from:anna -tag:vip after:3d has:attachment

One grammar for the search of messages, the filter of a list, and saved views; docs/search.md describes it.
Pure and total: whatever is typed becomes a Query, or a QueryError that says what is wrong.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Literal, get_args

import msgspec

from server.protocol import days

Name = Literal[
    "text", "from", "to", "channel", "before", "after", "on", "has", "is", "tag", "topic", "assignee",
    "team", "priority",
]  # fmt: skip
Wrong = Literal["unknown", "empty", "value", "date", "nobody", "place", "unseen"]

NAMES: tuple[Name, ...] = get_args(Name)[1:]
DATES: tuple[Name, ...] = ("before", "after", "on")
VALUES: Mapping[str, tuple[str, ...]] = {
    "is": ("waiting", "open", "closed", "snoozed", "unread", "mine", "queued", "note"),
    "has": ("attachment",),
    "priority": ("urgent", "high", "normal", "low"),
}
QUERY_MAX = 2000  # characters
TERMS_MAX = 24

# Other words for the same, also Russian ones: what is written back is always the English one.
_ALIASES: Mapping[str, Name] = {
    "от": "from", "кому": "to", "канал": "channel", "до": "before", "после": "after", "с": "after",
    "since": "after", "until": "before", "за": "on", "есть": "has", "это": "is", "метка": "tag",
    "тег": "tag", "тема": "topic", "у": "assignee", "чей": "assignee", "holder": "assignee",
    "команда": "team", "важность": "priority", "by": "from", "in": "channel",
}  # fmt: skip
_VALUE_ALIASES: Mapping[str, Mapping[str, str]] = {
    "is": {
        "ждёт": "waiting", "ждет": "waiting", "открыто": "open", "открыт": "open", "закрыто": "closed",
        "закрыт": "closed", "отложено": "snoozed", "отложен": "snoozed", "непрочитано": "unread",
        "новое": "unread", "моё": "mine", "мое": "mine", "мой": "mine", "очередь": "queued",
        "queue": "queued", "заметка": "note",
    },
    "has": {
        "file": "attachment", "files": "attachment", "attachments": "attachment", "файл": "attachment",
        "файлы": "attachment", "вложение": "attachment",
    },
    "priority": {"срочно": "urgent", "высокая": "high", "обычная": "normal", "низкая": "low"},
}  # fmt: skip

_TERM = re.compile(r'(?P<no>-?)(?:(?P<name>[^\W\d_]+):)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))?')


class QueryError(ValueError):
    """What was typed cannot be meant so. `near`: what it could have been; "" nothing comes close."""

    def __init__(self, wrong: Wrong, name: str, value: str = "", near: str = "") -> None:
        self.wrong = wrong
        self.name = name
        self.value = value
        self.near = near
        super().__init__(self.message)

    @property
    def message(self) -> str:
        shown = self.value[:40]
        return {
            "unknown": f"there is no qualifier {self.name}:",
            "empty": f"{self.name}: says nothing",
            "value": f"{self.name}: knows no {shown!r}",
            "date": f"{self.name}: {shown!r} is no date",
            "nobody": f"{self.name}: there is no {shown!r}",
            "unseen": f"{self.name}: asks cards, which you do not see",
            "place": f"{self.name}:{shown} is for searching messages, not for lists of conversations",
        }[self.wrong]

    @property
    def hint(self) -> str:
        if self.near:
            return f"did you mean {self.near}?"
        return {
            "unknown": f"known: {', '.join(NAMES)}; in double quotes it is text",
            "empty": f'such as {self.name}:anna or {self.name}:"Anna Schmidt"',
            "value": f"known: {', '.join(VALUES.get(self.name, ()))}",
            "date": "such as 2026-11-03, 3.11, yesterday, mon, nov, 3d or 2w",
            "nobody": "",
            "place": "",
            "unseen": "leave it out, or ask a colleague",
        }[self.wrong]


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """`exact`: text as a phrase, in this order and these forms. `value` holds no double quote."""

    name: Name
    value: str
    excluded: bool = False
    exact: bool = False


class Query(msgspec.Struct, frozen=True):
    terms: tuple[Term, ...] = ()

    def of(self, *names: Name) -> list[Term]:
        return [term for term in self.terms if term.name in names]

    def __bool__(self) -> bool:
        return bool(self.terms)


def parse(text: str) -> Query:
    """Raises QueryError."""
    terms: list[Term] = []
    at, text = 0, text[:QUERY_MAX]
    while at < len(text) and len(terms) < TERMS_MAX:
        if text[at].isspace():
            at += 1
            continue
        found = _TERM.match(text, at)
        if found is None or found.end() == at:
            at += 1
            continue
        term = _term(found)
        if term is not None and term not in terms:
            terms.append(term)
        at = found.end()
    return Query(tuple(terms))


def _term(found: re.Match[str]) -> Term | None:
    excluded = bool(found["no"])
    quoted = found["quoted"]
    value = " ".join(((found["bare"] or "") if quoted is None else quoted).split())
    if found["name"] is None:
        return _text(value, excluded, exact=quoted is not None)
    if quoted is None and (not found["bare"] or value.startswith("/")) and _as_name(found["name"]) is None:
        # "Re:", "https://…": words that happen to end in a colon.
        return _text(f"{found['name']}:{value}", excluded, exact=False)
    name = _as_name(found["name"])
    if name is None:
        near = difflib.get_close_matches(found["name"].lower(), [*NAMES, *_ALIASES], n=1)
        raise QueryError("unknown", found["name"], near=f"{_as_name(near[0])}:" if near else "")
    if not value:
        raise QueryError("empty", name)
    return Term(name=name, value=_value(name, value), excluded=excluded)


def _text(value: str, excluded: bool, *, exact: bool) -> Term | None:
    if not re.search(r"\w", value):
        return None
    return Term(name="text", value=value, excluded=excluded, exact=exact)


def _as_name(word: str) -> Name | None:
    word = word.lower()
    return next((name for name in NAMES if name == word), None) or _ALIASES.get(word)


def _value(name: Name, value: str) -> str:
    known = VALUES.get(name)
    if known is None:
        return value
    lower = value.lower()
    lower = _VALUE_ALIASES.get(name, {}).get(lower, lower)
    if lower not in known:
        near = difflib.get_close_matches(lower, known, n=1)
        raise QueryError("value", name, value, near=f"{name}:{near[0]}" if near else "")
    return lower


def written(query: Query) -> str:
    """As it can be typed: `parse` makes the same Query of it."""
    return " ".join(_written(term) for term in query.terms)


def _written(term: Term) -> str:
    no = "-" if term.excluded else ""
    if term.name == "text":
        return no + (f'"{term.value}"' if term.exact else term.value)
    value = f'"{term.value}"' if re.search(r"\s", term.value) else term.value
    return f"{no}{term.name}:{value}"


def dated(query: Query, here: datetime) -> Query:
    """Its dates as moments that mean the same anywhere and later: "yesterday" is the reader's own.

    Raises QueryError.
    """
    return Query(
        tuple(
            msgspec.structs.replace(term, value=days.exact(span_of(term, here)))
            if term.name in DATES
            else term
            for term in query.terms
        )
    )


def span_of(term: Term, here: datetime) -> days.Span:
    """Raises QueryError."""
    found = days.span(term.value, here)
    if found is None:
        raise QueryError("date", term.name, term.value)
    return found
