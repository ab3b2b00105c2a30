"""What a transaction function gets: statements, the time, and the event log.

A transaction is one plain function `fn(tx)`. It may run twice (when a shared commit is lost), so it has
no effects outside `tx`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Any

import msgspec

Parameters = Sequence[Any] | dict[str, Any]


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the event log: ids, kinds and field names, never a customer's words, name or address."""

    seq: int
    at: int
    kind: str
    conversation_id: int | None = None
    customer_id: int | None = None
    message_id: int | None = None
    operator_id: int | None = None
    data: dict[str, Any] = {}


class Snapshot:
    """Reading statements on one consistent view of the database."""

    __slots__ = ("_connection", "now")

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        self._connection = connection
        self.now = now

    def all(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        return self._connection.execute(sql, parameters).fetchall()

    def first(self, sql: str, parameters: Parameters = ()) -> sqlite3.Row | None:
        row: sqlite3.Row | None = self._connection.execute(sql, parameters).fetchone()
        return row

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        """The first column of the first row, or None."""
        row = self._connection.execute(sql, parameters).fetchone()
        return None if row is None else row[0]


class Transaction(Snapshot):
    """Writing statements. `events` are published after COMMIT, in the order of their seq."""

    __slots__ = ("events", "texts")

    def __init__(self, connection: sqlite3.Connection, now: int) -> None:
        super().__init__(connection, now)
        self.events: list[Event] = []
        self.texts: list[str | None] = []  # each event's data as stored: what the audit chain hashes

    def run(self, sql: str, parameters: Parameters = ()) -> int:
        """Execute; the number of rows changed."""
        return self._connection.execute(sql, parameters).rowcount

    def insert(self, sql: str, parameters: Parameters = ()) -> int:
        """Execute an INSERT; the rowid of the new row."""
        return self._connection.execute(sql, parameters).lastrowid or 0

    def changes(self) -> int:
        """Rows changed on this connection so far."""
        return self._connection.total_changes

    def emit(
        self,
        kind: str,
        *,
        conversation_id: int | None = None,
        customer_id: int | None = None,
        message_id: int | None = None,
        operator_id: int | None = None,
        data: dict[str, Any] | None = None,
    ) -> int:
        """Append to the event log; the new seq. It is strictly rising because the one writer holds its
        lock from here to the commit."""
        text = msgspec.json.encode(data).decode() if data else None
        self.texts.append(text)
        seq = self.insert(
            "INSERT INTO event (at, kind, conversation_id, customer_id, message_id, operator_id, data)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                self.now,
                kind,
                conversation_id,
                customer_id,
                message_id,
                operator_id,
                text,
            ),
        )
        self.events.append(
            Event(
                seq=seq,
                at=self.now,
                kind=kind,
                conversation_id=conversation_id,
                customer_id=customer_id,
                message_id=message_id,
                operator_id=operator_id,
                data=data or {},
            )
        )
        return seq
