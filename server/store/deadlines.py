"""Deadlines of conversations, and the states they are computed from."""

from __future__ import annotations

import msgspec

from server.protocol import Deadline, DeadlineFigure, DeadlineLevel, Priority, State
from server.queue.deadlines import Change, Measured
from server.store.conversations import DEADLINE_LEVELS, PRIORITIES, deadline_of
from server.store.transaction import Snapshot, Transaction


class Noted(msgspec.Struct, frozen=True):
    """A change of state, as the event log told it."""

    conversation_id: int
    seq: int
    change: Change


class Told(msgspec.Struct, frozen=True):
    """What was told of a deadline, and when."""

    warned_at: int | None = None
    late_at: int | None = None


class Kept(msgspec.Struct, frozen=True):
    measured: Measured
    told: Told

    @property
    def next_at(self) -> int | None:
        if self.measured.status != "running" or self.told.late_at is not None:
            return None
        return self.measured.due_at if self.told.warned_at is not None else self.measured.warn_at

    @property
    def level(self) -> DeadlineLevel:
        if self.told.late_at is not None:
            return "late"
        return "running" if self.told.warned_at is None else "risk"


class Matter(msgspec.Struct, frozen=True, kw_only=True):
    """What of a conversation decides which rule fits, and what its row shows now."""

    id: int
    customer_id: int
    state: State
    channel_id: str
    priority: Priority
    shown: Deadline | None


def note(tx: Transaction, noted: Noted) -> None:
    """Keep a change; what is the conversation's state already is none, and one that is erased has none."""
    tx.run(
        "INSERT INTO state_change (conversation_id, seq, at, state, cause)"
        " SELECT :id, :seq, :at, :state, :cause WHERE EXISTS (SELECT 1 FROM conversation WHERE id = :id)"
        " AND :state IS NOT (SELECT state FROM state_change WHERE conversation_id = :id"
        " ORDER BY seq DESC LIMIT 1)"
        " ON CONFLICT DO NOTHING",
        {"id": noted.conversation_id, "seq": noted.seq} | msgspec.structs.asdict(noted.change),
    )


def changes(tx: Snapshot, conversation_id: int) -> list[Change]:
    return [
        Change(row["at"], row["state"], row["cause"])
        for row in tx.all(
            "SELECT at, state, cause FROM state_change WHERE conversation_id = ? ORDER BY seq",
            (conversation_id,),
        )
    ]


def matter(tx: Snapshot, conversation_id: int) -> Matter | None:
    """None: it was erased."""
    row = tx.first("SELECT * FROM conversation WHERE id = ?", (conversation_id,))
    if row is None:
        return None
    return Matter(
        id=row["id"],
        customer_id=row["customer_id"],
        state=row["state"],
        channel_id=row["channel_id"],
        priority=PRIORITIES[row["priority"]],
        shown=deadline_of(row),
    )


def kept(tx: Snapshot, conversation_id: int) -> list[Kept]:
    """All deadlines of a conversation, oldest first."""
    return [
        Kept(
            Measured(
                kind=row["kind"],
                since=row["since"],
                target_ms=row["target_ms"],
                status=row["status"],
                due_at=row["due_at"],
                warn_at=row["warn_at"],
                ended_at=row["ended_at"],
                spent_ms=row["spent_ms"],
            ),
            Told(row["warned_at"], row["late_at"]),
        )
        for row in tx.all(
            "SELECT * FROM deadline WHERE conversation_id = ? ORDER BY since, kind", (conversation_id,)
        )
    ]


def figures(tx: Snapshot, conversation_id: int) -> list[DeadlineFigure]:
    return [
        DeadlineFigure(
            kind=one.measured.kind,
            since=one.measured.since,
            target_ms=one.measured.target_ms,
            status=one.measured.status,
            due_at=one.measured.due_at,
            ended_at=one.measured.ended_at,
            spent_ms=one.measured.spent_ms,
            late=one.level == "late",
        )
        for one in kept(tx, conversation_id)
    ]


def keep(tx: Transaction, conversation_id: int, all_of_it: list[Kept]) -> None:
    """These, and no others, are the deadlines of the conversation."""
    tx.run("DELETE FROM deadline WHERE conversation_id = ?", (conversation_id,))
    for one in all_of_it:
        tx.run(
            "INSERT INTO deadline (conversation_id, kind, since, target_ms, status, due_at, warn_at,"
            " ended_at, spent_ms, warned_at, late_at, next_at) VALUES (:id, :kind, :since, :target_ms,"
            " :status, :due_at, :warn_at, :ended_at, :spent_ms, :warned_at, :late_at, :next_at)",
            {"id": conversation_id, "next_at": one.next_at}
            | msgspec.structs.asdict(one.measured)
            | msgspec.structs.asdict(one.told),
        )


def show(tx: Transaction, conversation_id: int, nearest: Deadline | None, seq: int) -> None:
    """What the conversation's row shows, since the event `seq`."""
    tx.run(
        "UPDATE conversation SET deadline_at = ?, deadline_kind = ?, deadline_level = ?, seq = ?"
        " WHERE id = ?",
        (
            None if nearest is None else nearest.due_at,
            "" if nearest is None else nearest.kind,
            0 if nearest is None else DEADLINE_LEVELS.index(nearest.level),
            seq,
            conversation_id,
        ),
    )


def to_tell(tx: Snapshot, at: int, limit: int = 100) -> list[int]:
    """Conversations of whose deadlines there is something to tell."""
    rows = tx.all(
        "SELECT conversation_id FROM deadline WHERE next_at IS NOT NULL AND next_at <= ?"
        " ORDER BY next_at LIMIT ?",
        (at, limit),
    )
    return list(dict.fromkeys(row["conversation_id"] for row in rows))


def ids_after(tx: Snapshot, after: int, limit: int, *, ended_too: bool) -> list[int]:
    """Ids of conversations, rising."""
    return [
        row["id"]
        for row in tx.all(
            "SELECT id FROM conversation WHERE id > ? AND (? OR state != 'closed') ORDER BY id LIMIT ?",
            (after, ended_too, limit),
        )
    ]
