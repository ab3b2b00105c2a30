"""Customers' silences: since when, and what is due when because of them."""

from __future__ import annotations

import msgspec

from server.queue.silence import Kept, Silent, StepKind
from server.store.transaction import Snapshot, Transaction


def silent(tx: Snapshot, conversation_id: int) -> Silent | None:
    """None: it was erased."""
    row = tx.first(
        "SELECT c.id, c.customer_id, c.channel_id, c.sort_at, c.due_at, q.since, q.proposed, q.announced_id,"
        " q.announced_at, q.obstacle, q.step, q.next_at, m.status,"
        " (c.state = 'waiting' AND c.spam = 0 AND c.joined_into IS NULL) AS waits"
        " FROM conversation c LEFT JOIN silence q ON q.conversation_id = c.id"
        " LEFT JOIN message m ON m.id = q.announced_id WHERE c.id = ?",
        (conversation_id,),
    )
    if row is None:
        return None
    kept = None
    if row["since"] is not None:
        kept = Kept(
            since=row["since"],
            proposed=bool(row["proposed"]),
            announced_id=row["announced_id"],
            announced_at=row["announced_at"],
            obstacle=row["obstacle"],
            step=row["step"],
            next_at=row["next_at"],
        )
    return Silent(
        id=row["id"],
        customer_id=row["customer_id"],
        channel_id=row["channel_id"],
        waits=bool(row["waits"]),
        since=row["sort_at"],
        due_at=row["due_at"],
        announced=row["status"],
        kept=kept,
    )


def keep(tx: Transaction, conversation_id: int, kept: Kept | None) -> None:
    if kept is None:
        tx.run("DELETE FROM silence WHERE conversation_id = ?", (conversation_id,))
        return
    values = msgspec.structs.asdict(kept)
    tx.run(
        "INSERT INTO silence (conversation_id, since, proposed, announced_id, announced_at, obstacle, step,"
        " next_at) VALUES (:id, :since, :proposed, :announced_id, :announced_at, :obstacle, :step, :next_at)"
        " ON CONFLICT (conversation_id) DO UPDATE SET since = excluded.since, proposed = excluded.proposed,"
        " announced_id = excluded.announced_id, announced_at = excluded.announced_at,"
        " obstacle = excluded.obstacle, step = excluded.step, next_at = excluded.next_at",
        {"id": conversation_id, **values, "proposed": int(kept.proposed)},
    )


def put_off(tx: Transaction, conversation_id: int, until: int) -> None:
    """What is due of it is looked at again then."""
    tx.run("UPDATE silence SET next_at = ? WHERE conversation_id = ?", (until, conversation_id))


def forget_all(tx: Transaction) -> None:
    tx.run("DELETE FROM silence")


def due(tx: Snapshot, step: StepKind, at: int, limit: int) -> list[int]:
    """Conversations for which this step is due, the one that waits longest for it first."""
    return [
        row["conversation_id"]
        for row in tx.all(
            "SELECT conversation_id FROM silence WHERE step = ? AND next_at IS NOT NULL AND next_at <= ?"
            " ORDER BY next_at LIMIT ?",
            (step, at, limit),
        )
    ]


def is_kept(tx: Snapshot, conversation_id: int) -> bool:
    return tx.value("SELECT 1 FROM silence WHERE conversation_id = ?", (conversation_id,)) is not None


def announced_by(tx: Snapshot, message_id: int) -> int | None:
    """The conversation whose closing this message announced."""
    value = tx.value("SELECT conversation_id FROM silence WHERE announced_id = ?", (message_id,))
    return None if value is None else int(value)


def of_customer(tx: Snapshot, customer_id: int) -> list[int]:
    """The conversations in which this customer is silent."""
    return [
        row["id"]
        for row in tx.all(
            "SELECT c.id FROM conversation c JOIN silence q ON q.conversation_id = c.id"
            " WHERE c.customer_id = ? AND c.state != 'closed'",
            (customer_id,),
        )
    ]
