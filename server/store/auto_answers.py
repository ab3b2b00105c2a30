"""What the server said by itself, and how much it heard from one address lately."""

from __future__ import annotations

import msgspec

from server.store.transaction import Snapshot, Transaction


class Said(msgspec.Struct, frozen=True):
    """How many automatic answers there were, and how many messages came from the address."""

    to_address: int  # since `day`
    in_conversation: int  # since `week`
    at_all: int  # since `hour`
    heard: int  # since `minutes`


def said(
    tx: Snapshot, address_id: int, conversation_id: int, *, week: int, day: int, hour: int, minutes: int
) -> Said:
    """The times are UTC milliseconds from which on is counted."""

    def count(sql: str, *values: int) -> int:
        return int(tx.value(f"SELECT count(*) FROM {sql}", values))

    return Said(
        count("auto_answer WHERE address_id = ? AND at >= ?", address_id, day),
        count("auto_answer WHERE conversation_id = ? AND at >= ?", conversation_id, week),
        count("auto_answer WHERE at >= ?", hour),
        count(
            "(SELECT 1 FROM conversation c JOIN message m ON m.conversation_id = c.id"
            " WHERE c.customer_id = (SELECT customer_id FROM address WHERE id = ?) AND m.kind = 'in'"
            " AND m.received_at >= ? LIMIT 100)",
            address_id,
            minutes,
        ),
    )


def at_all(tx: Snapshot, since: int) -> int:
    """How many there were since then."""
    return int(tx.value("SELECT count(*) FROM auto_answer WHERE at >= ?", (since,)))


def said_until(tx: Snapshot, conversation_id: int, opens_at: int) -> bool:
    """Whether it was said in this conversation that somebody is there again at this time."""
    sql = "SELECT 1 FROM auto_answer WHERE conversation_id = ? AND opens_at = ?"
    return tx.value(sql, (conversation_id, opens_at)) is not None


def note(
    tx: Transaction, message_id: int, conversation_id: int, address_id: int, opens_at: int | None = None
) -> None:
    tx.run(
        "INSERT INTO auto_answer (message_id, conversation_id, address_id, at, opens_at)"
        " VALUES (?, ?, ?, ?, ?)",
        (message_id, conversation_id, address_id, tx.now, opens_at),
    )
