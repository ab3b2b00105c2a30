"""From where people came: the page of each conversation's beginning, and the first visit of all."""

from __future__ import annotations

import sqlite3

import msgspec

from server.people.attribution import Visit
from server.protocol import Origin
from server.store.transaction import Snapshot, Transaction


def begin(
    tx: Transaction, customer_id: int, conversation_id: int, message_id: int, channel_id: str, visit: Visit
) -> None:
    """The page from which a conversation began; the first one that is told counts."""
    if tx.value("SELECT 1 FROM origin WHERE conversation_id = ?", (conversation_id,)) is None:
        _insert(tx, customer_id, conversation_id, message_id, channel_id, visit)


def first(tx: Transaction, customer_id: int, message_id: int, channel_id: str, visit: Visit) -> None:
    """The first visit of this card; what was known before stays."""
    known = tx.value(
        "SELECT 1 FROM origin WHERE customer_id = ? AND conversation_id IS NULL LIMIT 1", (customer_id,)
    )
    if known is None:
        _insert(tx, customer_id, None, message_id, channel_id, visit)


def _insert(
    tx: Transaction,
    customer_id: int,
    conversation_id: int | None,
    message_id: int,
    channel_id: str,
    visit: Visit,
) -> None:
    tx.run(
        "INSERT INTO origin (customer_id, conversation_id, message_id, channel_id, at, page, title, referrer,"
        " campaign) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            customer_id,
            conversation_id,
            message_id,
            channel_id,
            tx.now if visit.at is None else visit.at,
            visit.page,
            visit.title,
            visit.referrer,
            msgspec.json.encode(visit.campaign).decode(),
        ),
    )


def _from_row(row: sqlite3.Row) -> Origin:
    return Origin(
        at=row["at"],
        channel_id=row["channel_id"],
        conversation_id=row["conversation_id"],
        page=row["page"],
        title=row["title"],
        referrer=row["referrer"],
        campaign=msgspec.json.decode(row["campaign"], type=dict[str, str]),
    )


def first_of(tx: Snapshot, customer_id: int) -> Origin | None:
    """The first visit where one is remembered, else the first page he wrote from."""
    row = tx.first(
        "SELECT * FROM origin WHERE customer_id = ? ORDER BY conversation_id IS NOT NULL, at, id LIMIT 1",
        (customer_id,),
    )
    return None if row is None else _from_row(row)


def of_conversations(tx: Snapshot, customer_id: int, limit: int) -> list[Origin]:
    """Newest first."""
    rows = tx.all(
        "SELECT * FROM origin WHERE customer_id = ? AND conversation_id IS NOT NULL"
        " ORDER BY at DESC, id DESC LIMIT ?",
        (customer_id, limit),
    )
    return [_from_row(row) for row in rows]


def all_of(tx: Snapshot, customer_id: int) -> list[Origin]:
    """Oldest first; for the export of a person."""
    rows = tx.all("SELECT * FROM origin WHERE customer_id = ? ORDER BY at, id", (customer_id,))
    return [_from_row(row) for row in rows]
