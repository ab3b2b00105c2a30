"""What is loaded of one list of conversations: a beginning of it, in the server's order.

Plain Python. The server pages by key: work that waits by (priority, sort_at, id), the rest by
(sort_at, id); so does this. A row that belongs further down than what is loaded is left out: its page
will bring it.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from typing import NamedTuple

from server.protocol import Conversation, Priority, View
from server.protocol.filtering import Tests, lets_through

VIEWS: tuple[View, ...] = ("mine", "queue", "waiting", "all", "closed", "spam")
RISING: frozenset[View] = frozenset({"mine", "queue"})  # who waits longest first; the others newest first
RANK: Mapping[Priority, int] = {"urgent": 0, "high": 1, "normal": 2, "low": 3}

Key = tuple[int, int, int]


def belongs(row: Conversation, view: View, me: int) -> bool:
    """Is `row` part of `view` for the operator `me`?"""
    if view == "mine":
        return row.state == "open" and row.assignee_id == me
    if view == "queue":
        return row.state == "open" and row.assignee_id is None
    if view == "waiting":
        return row.state in ("waiting", "snoozed") and row.assignee_id == me
    if view == "closed":
        return row.state == "closed" and not row.spam
    if view == "spam":
        return row.spam
    return row.state != "closed"


def sort_at(row: Conversation) -> int:
    """UTC ms by which the server sorts; derived where an older server does not say it."""
    if row.sort_at:
        return row.sort_at
    if row.state == "open":
        return row.waiting_since or row.opened_at
    return row.closed_at or row.last_at


def key_of(row: Conversation, view: View) -> Key:
    at = sort_at(row)
    return (RANK[row.priority], at, row.id) if view in RISING else (0, -at, -row.id)


def place_of(page_key: str, view: View) -> Key | None:
    """Where the server's page key stands in the order of `view`; None where it is another server's kind."""
    parts = page_key.split(".")
    if len(parts) not in (2, 3) or not all(part.isascii() and part.isdigit() for part in parts):
        return None
    *rank, at, number = (int(part) for part in parts)
    if view in RISING:
        return rank[0] if rank else 0, at, number
    return 0, -at, -number


class Narrowed(NamedTuple):
    """What a list is filtered by."""

    tests: Tests
    asked: str  # as the server is asked, with dates that mean the same there
    typed: str


class ListWindow:
    """The loaded beginning of one view, or of what a filter lets through of it: keys in order. The rows
    themselves are the Desk's."""

    def __init__(self, view: View, narrowed: Narrowed | None = None) -> None:
        self.view = view
        self.narrowed = narrowed
        self._keys: list[Key] = []
        self._key_by_id: dict[int, Key] = {}
        self._edges: list[tuple[Key, str]] = []  # last key of each page, and the way on from there
        self.next: str | None = None  # key of the next page
        self.loaded = False  # at least one page came
        self.loading = False

    def __len__(self) -> int:
        return len(self._keys)

    def __contains__(self, conversation_id: int) -> bool:
        return conversation_id in self._key_by_id

    @property
    def is_missing(self) -> bool:
        """Not here, and not on its way."""
        return not (self.loaded or self.loading)

    @property
    def complete(self) -> bool:
        return self.loaded and self.next is None

    def id_at(self, index: int) -> int:
        return abs(self._keys[index][2])

    def index_of(self, conversation_id: int) -> int | None:
        key = self._key_by_id.get(conversation_id)
        return None if key is None else bisect_left(self._keys, key)

    def ids(self) -> list[int]:
        return [abs(key[2]) for key in self._keys]

    def clear(self) -> None:
        self._keys.clear()
        self._key_by_id.clear()
        self._edges.clear()
        self.next = None
        self.loaded = False
        self.loading = False

    def put(
        self, row: Conversation, me: int, *, from_page: bool = False, seen_seq: int = 0, stays: bool = False
    ) -> bool:
        """Place `row` where it belongs, or take it out. True when something changed for the eye.

        `stays`: it is being read: when the filter lets it through no more, it stays all the same.
        """
        old = self._key_by_id.get(row.id)
        fits = belongs(row, self.view, me) and (
            self.narrowed is None
            or (stays and old is not None)
            or lets_through(self.narrowed.tests, row, me, seen_seq)
        )
        new = key_of(row, self.view) if fits else None
        if new is not None and not from_page and not self._reaches(new):
            new = None
        if old == new:
            return old is not None
        if old is not None:
            del self._keys[bisect_left(self._keys, old)]
            del self._key_by_id[row.id]
        if new is not None:
            self._keys.insert(bisect_right(self._keys, new), new)
            self._key_by_id[row.id] = new
        return True

    def drop(self, conversation_id: int) -> None:
        """Take a row out for good."""
        key = self._key_by_id.pop(conversation_id, None)
        if key is not None:
            del self._keys[bisect_left(self._keys, key)]

    def _reaches(self, key: Key) -> bool:
        """Is the place of `key` within what is loaded?"""
        return self.loaded and (self.next is None or (bool(self._edges) and key <= self._edges[-1][0]))

    def page_loaded(self, last: Conversation | None, following: str | None) -> None:
        """A page was put in: `last` is its last row, `following` the key of the next page.

        That key says how far this page reaches: a filter may have let through nothing behind `last`, or
        nothing at all.
        """
        self.loaded = True
        self.loading = False
        self.next = following
        if following is None:
            return
        edge = place_of(following, self.view)
        if edge is None and last is not None:
            edge = key_of(last, self.view)
        if edge is not None:
            self._edges.append((edge, following))

    def trim(self, keep: int) -> list[int]:
        """Forget pages beyond `keep` rows; what is forgotten can be loaded again. The ids dropped."""
        for position, (edge, following) in enumerate(self._edges):
            count = bisect_right(self._keys, edge)
            if count >= keep and count < len(self._keys):
                dropped = [abs(key[2]) for key in self._keys[count:]]
                del self._keys[count:]
                for conversation_id in dropped:
                    del self._key_by_id[conversation_id]
                del self._edges[position + 1 :]
                self.next = following
                return dropped
        return []
