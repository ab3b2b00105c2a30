"""Answers that are to leave later. What is in here is not said: it has no row in the outbox yet."""

from __future__ import annotations

import sqlite3

import msgspec

from server.protocol import OutboxItem
from server.store import messages
from server.store.transaction import Snapshot, Transaction


class Scheduled(msgspec.Struct, frozen=True, kw_only=True):
    """`author_id`: who wrote it. `seq`: of the event that brought it, what came since is newer. `becomes`: a
    first message or a forward in its hold (`server.cases.holding`), as JSON; "": a reply."""

    message_id: int
    conversation_id: int
    customer_id: int
    author_id: int
    channel_id: str
    address_id: int | None
    thread: str
    due_at: int
    keep: bool
    seq: int
    becomes: str = ""


_SELECT = (
    "SELECT s.*, m.conversation_id, m.customer_id, m.operator_id, m.address_id, m.seq"
    " FROM scheduled s JOIN message m ON m.id = s.message_id"
)


def add(
    tx: Transaction,
    message_id: int,
    channel_id: str,
    thread: str,
    due_at: int,
    *,
    keep: bool,
    becomes: str = "",
) -> None:
    tx.run(
        "INSERT INTO scheduled (message_id, channel_id, thread, due_at, keep, created_at, becomes)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (message_id, channel_id, thread, due_at, int(keep), tx.now, becomes or None),
    )


def remove(tx: Transaction, message_id: int) -> None:
    tx.run("DELETE FROM scheduled WHERE message_id = ?", (message_id,))


def change(tx: Transaction, message_id: int, due_at: int, keep: bool | None) -> None:
    """`keep` None: as it was."""
    tx.run(
        "UPDATE scheduled SET due_at = ?, keep = coalesce(?, keep) WHERE message_id = ?",
        (due_at, None if keep is None else int(keep), message_id),
    )


def one(tx: Snapshot, message_id: int) -> Scheduled | None:
    rows = tx.all(f"{_SELECT} WHERE s.message_id = ?", (message_id,))
    return _from_row(rows[0]) if rows else None


def come_due(tx: Snapshot, at: int, limit: int = 50) -> list[Scheduled]:
    rows = tx.all(f"{_SELECT} WHERE s.due_at <= ? ORDER BY s.due_at, s.message_id LIMIT ?", (at, limit))
    return [_from_row(row) for row in rows]


def any_due(tx: Snapshot, at: int) -> bool:
    return tx.value("SELECT 1 FROM scheduled WHERE due_at <= ? LIMIT 1", (at,)) is not None


def everything(tx: Snapshot) -> list[Scheduled]:
    return [_from_row(row) for row in tx.all(f"{_SELECT} ORDER BY s.due_at, s.message_id")]


def held_by(tx: Snapshot, operator_id: int) -> list[int]:
    """This operator's first messages and forwards that wait out their hold."""
    return [one.message_id for one in everything(tx) if one.becomes and one.author_id == operator_id]


def of_customer(tx: Snapshot, customer_id: int) -> list[Scheduled]:
    """His scheduled replies. Few are scheduled at all: they are looked through from their own side."""
    return [one for one in everything(tx) if one.customer_id == customer_id and not one.becomes]


def of_conversation(tx: Snapshot, conversation_id: int) -> list[Scheduled]:
    return [one for one in everything(tx) if one.conversation_id == conversation_id and not one.becomes]


def items(tx: Snapshot) -> list[OutboxItem]:
    """Everything that is to leave later, the next one first."""
    rows = tx.all(
        "SELECT s.message_id, s.due_at, s.keep, k.name AS customer FROM scheduled s"
        " JOIN message m ON m.id = s.message_id JOIN customer k ON k.id = m.customer_id"
        " ORDER BY s.due_at, s.message_id LIMIT 500"
    )
    found = messages.many(tx, [row["message_id"] for row in rows])
    return [
        OutboxItem(
            message=found[row["message_id"]],
            customer=row["customer"],
            state="scheduled",
            attempts=0,
            due_at=row["due_at"],
            keep=bool(row["keep"]),
        )
        for row in rows
    ]


def _from_row(row: sqlite3.Row) -> Scheduled:
    return Scheduled(
        message_id=row["message_id"],
        conversation_id=row["conversation_id"],
        customer_id=row["customer_id"],
        author_id=row["operator_id"],
        channel_id=row["channel_id"],
        address_id=row["address_id"],
        thread=row["thread"],
        due_at=row["due_at"],
        keep=bool(row["keep"]),
        seq=row["seq"],
        becomes=row["becomes"] or "",
    )
