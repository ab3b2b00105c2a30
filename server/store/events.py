"""Reading the event log: resume, and its retention."""

from __future__ import annotations

import msgspec

from server.store import audit
from server.store.transaction import Event, Snapshot, Transaction


def newest(tx: Snapshot) -> int:
    """The seq of the newest event, 0 for an empty log."""
    return int(tx.value("SELECT coalesce(max(seq), 0) FROM event"))


def reaches_back_to(tx: Snapshot, seq: int) -> bool:
    """Whether every event after seq is still in the log.

    A number that is not in the log was forgotten, or given out by a life of this database that a restored
    backup ended: either way what its reader knows is not what we know.
    """
    oldest = tx.value("SELECT min(seq) FROM event")
    if oldest is None or seq == oldest - 1:
        return True
    return tx.value("SELECT 1 FROM event WHERE seq = ?", (seq,)) is not None


def oldest(tx: Snapshot) -> int:
    """The seq of the oldest event that is not forgotten, 0 for an empty log."""
    return int(tx.value("SELECT coalesce(min(seq), 0) FROM event"))


def after(tx: Snapshot, seq: int, limit: int) -> list[Event]:
    return [
        Event(
            seq=row["seq"],
            at=row["at"],
            kind=row["kind"],
            conversation_id=row["conversation_id"],
            customer_id=row["customer_id"],
            message_id=row["message_id"],
            operator_id=row["operator_id"],
            data=msgspec.json.decode(row["data"]) if row["data"] else {},
        )
        for row in tx.all("SELECT * FROM event WHERE seq > ? ORDER BY seq LIMIT ?", (seq, limit))
    ]


def forget_before(tx: Transaction, at: int, limit: int = 1000) -> int:
    """Drop events older than `at`, the newest one never; the number dropped. The log says that it did."""
    newest_old = tx.value(
        "SELECT max(seq) FROM (SELECT seq FROM event WHERE at < ?"
        " AND seq < (SELECT max(seq) FROM event) ORDER BY seq LIMIT ?)",
        (at, limit),
    )
    if newest_old is None:
        return 0
    up_to = audit.forgettable_up_to(tx, newest_old)
    dropped = tx.run("DELETE FROM event WHERE seq <= ?", (up_to,))
    if dropped:
        tx.emit("log.forgotten", data={"up_to": up_to})
    return dropped
