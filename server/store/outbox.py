"""Durable delivery: what is to be sent, who is sending it, and what came of it.

`state != 'sent'` stands beside conditions that already imply it: only by it SQLite takes the index of the
few rows that are not sent, instead of reading all there ever were.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping

import msgspec

from server import failpoints
from server.protocol import OutboxItem
from server.store import messages
from server.store.deeds import Deed
from server.store.transaction import Snapshot, Transaction


class Leased(msgspec.Struct, frozen=True, kw_only=True):
    """A row that this process may send now, and everything needed to build the message."""

    message_id: int
    conversation_id: int
    customer_id: int
    channel_id: str
    thread: str
    lease: str
    attempt: int
    created_at: int  # of the row: sent again by an operator it begins anew
    written_at: int
    address: str
    address_name: str
    text: str
    subject: str | None
    author: str
    remote_id: str | None
    tried_at: int | None = None  # since when it is tried and refused for its own sake
    automatic: bool = False
    detail: Mapping[str, str] = {}
    signature: str = ""  # below the text, since its first try

    @property
    def quote_at(self) -> int | None:
        """From this character on the text is somebody else's."""
        at = self.detail.get("quote_at")
        return None if at is None else int(at)


def enqueue(
    tx: Transaction,
    message_id: int,
    channel_id: str,
    thread: str,
    *,
    leaves_at: int | None = None,
    deed: Deed | None = None,
) -> None:
    """`leaves_at`: not before. `deed`: what it made of its conversation; with it the row can be taken back
    until its first try begins."""
    tx.run(
        "INSERT INTO outbox (message_id, channel_id, thread, state, due_at, created_at, untried, deed)"
        " VALUES (?, ?, ?, 'queued', ?, ?, ?, ?)",
        (
            message_id,
            channel_id,
            thread,
            tx.now if leaves_at is None else leaves_at,
            tx.now,
            int(deed is not None),
            None if deed is None else msgspec.json.encode(deed).decode(),
        ),
    )
    failpoints.hit("outbox.queued")


# Whoever set the clock back does not hold for hours what was to wait for seconds.
_TIME_HAS_COME = "(o.due_at <= :now OR (o.untried = 1 AND o.created_at > :now))"


def lease_due(tx: Transaction, token: str, until: int, room: dict[str, int]) -> list[Leased]:
    """Lease what is due, at most room[channel] per channel, and per thread only the earliest message.

    A thread whose earlier message is queued, being sent or waiting for its next try keeps the later ones
    back: order is a promise. Failed and unknown ones do not block.

    `token` must be new at each call: by it `finish` tells one lease of a row from a later one.
    """
    leased = []
    for channel_id, free in room.items():
        if free <= 0:
            continue
        rows = tx.all(
            "SELECT o.message_id, o.thread, o.attempts, o.created_at, o.tried_at, m.conversation_id,"
            " m.at, m.customer_id, m.text, m.subject, m.remote_id, m.automatic, m.detail, m.signature,"
            " a.external_id,"
            " a.name AS address_name, p.name AS author"
            " FROM outbox o JOIN message m ON m.id = o.message_id JOIN address a ON a.id = m.address_id"
            " LEFT JOIN operator p ON p.id = m.operator_id"
            " WHERE o.channel_id = :channel AND o.state IN ('queued', 'retrying')"
            f" AND {_TIME_HAS_COME} AND o.state != 'sent'"
            " AND NOT EXISTS (SELECT 1 FROM outbox e"
            " WHERE e.channel_id = o.channel_id AND e.thread = o.thread"
            " AND e.state IN ('queued', 'sending', 'retrying') AND e.message_id < o.message_id)"
            " ORDER BY o.message_id LIMIT :free",
            {"channel": channel_id, "now": tx.now, "free": free},
        )
        for row in rows:
            tx.run(
                "UPDATE outbox SET state = 'sending', attempts = attempts + 1, untried = 0, lease = ?,"
                " lease_until = ? WHERE message_id = ?",
                (token, until, row["message_id"]),
            )
            leased.append(
                Leased(
                    message_id=row["message_id"],
                    conversation_id=row["conversation_id"],
                    customer_id=row["customer_id"],
                    channel_id=channel_id,
                    thread=row["thread"],
                    lease=token,
                    attempt=row["attempts"] + 1,
                    created_at=row["created_at"],
                    written_at=row["at"],
                    address=row["external_id"],
                    address_name=row["address_name"],
                    text=row["text"],
                    subject=row["subject"],
                    author=row["author"] or "",
                    remote_id=row["remote_id"],
                    tried_at=row["tried_at"],
                    automatic=bool(row["automatic"]),
                    detail=msgspec.json.decode(row["detail"], type=dict[str, str]) if row["detail"] else {},
                    signature=row["signature"],
                )
            )
    return leased


def sign(tx: Transaction, message_id: int, signature: str) -> None:
    tx.run("UPDATE message SET signature = ? WHERE id = ?", (signature, message_id))


def note_try(tx: Transaction, message_id: int, own_fault: bool) -> None:
    """Since when a message is tried: from its first refusal, unless the channel is at fault meanwhile."""
    if own_fault:
        tx.run(
            "UPDATE outbox SET tried_at = coalesce(tried_at, ?) WHERE message_id = ?", (tx.now, message_id)
        )
    else:
        tx.run("UPDATE outbox SET tried_at = NULL WHERE message_id = ?", (message_id,))


def renew(tx: Transaction, message_id: int, token: str, until: int) -> bool:
    return (
        tx.run(
            "UPDATE outbox SET lease_until = ? WHERE message_id = ? AND lease = ? AND state = 'sending'",
            (until, message_id, token),
        )
        == 1
    )


def finish(
    tx: Transaction, message_id: int, token: str, state: str, *, due_at: int | None = None, error: str = ""
) -> bool:
    """Record the result; False where the lease is no longer ours (then nothing is changed)."""
    return (
        tx.run(
            "UPDATE outbox SET state = ?, due_at = coalesce(?, due_at), error = ?, lease = NULL,"
            " lease_until = NULL WHERE message_id = ? AND lease = ? AND state = 'sending'",
            (state, due_at, error, message_id, token),
        )
        == 1
    )


def holds(tx: Snapshot, message_id: int, token: str) -> bool:
    """Whether this lease is still ours."""
    return (
        tx.value(
            "SELECT 1 FROM outbox WHERE message_id = ? AND lease = ? AND state = 'sending'",
            (message_id, token),
        )
        is not None
    )


def under_way(tx: Snapshot, message_id: int) -> bool:
    """Whether it waits to be sent, or is being sent: its end is still to come."""
    return (
        tx.value(
            "SELECT 1 FROM outbox WHERE message_id = ? AND state IN ('queued', 'sending', 'retrying')",
            (message_id,),
        )
        is not None
    )


def give_back(tx: Transaction, message_id: int, token: str) -> bool:
    """End a lease that was not used: the row is as if it had not been leased."""
    return (
        tx.run(
            "UPDATE outbox SET state = 'queued', attempts = attempts - 1,"
            " untried = (attempts = 1 AND deed IS NOT NULL), lease = NULL, lease_until = NULL"
            " WHERE message_id = ? AND lease = ? AND state = 'sending'",
            (message_id, token),
        )
        == 1
    )


class Abandoned(msgspec.Struct, frozen=True):
    message_id: int
    conversation_id: int
    customer_id: int
    channel_id: str
    lease: str | None


def _abandoned(row: sqlite3.Row) -> Abandoned:
    return Abandoned(
        row["message_id"], row["conversation_id"], row["customer_id"], row["channel_id"], row["lease"]
    )


def abandoned(tx: Snapshot, before: int) -> list[Abandoned]:
    """Rows being sent whose lease ran out before `before`: nobody knows what became of them."""
    return [
        _abandoned(row)
        for row in tx.all(
            "SELECT o.message_id, o.channel_id, o.lease, m.conversation_id, m.customer_id FROM outbox o"
            " JOIN message m ON m.id = o.message_id WHERE o.state = 'sending' AND o.lease_until < ?"
            " AND o.state != 'sent'"
            " ORDER BY o.message_id",
            (before,),
        )
    ]


def unsent(tx: Snapshot) -> list[Abandoned]:
    """Everything that waits to be sent or is being sent."""
    return [
        _abandoned(row)
        for row in tx.all(
            "SELECT o.message_id, o.channel_id, o.lease, m.conversation_id, m.customer_id FROM outbox o"
            " JOIN message m ON m.id = o.message_id WHERE o.state IN ('queued', 'sending', 'retrying')"
            " AND o.state != 'sent' ORDER BY o.message_id"
        )
    ]


def set_state(tx: Transaction, message_id: int, state: str, error: str, due_at: int) -> None:
    tx.run(
        "UPDATE outbox SET state = ?, error = ?, due_at = ?, untried = 0, deed = NULL, lease = NULL,"
        " lease_until = NULL WHERE message_id = ?",
        (state, error, due_at, message_id),
    )


def send_again(tx: Transaction, message_id: int) -> None:
    """As if it were written just now, under the same identity: it gets its whole time of tries again."""
    tx.run(
        "UPDATE outbox SET state = 'queued', error = '', attempts = 0, due_at = ?, created_at = ?,"
        " deed = NULL, tried_at = NULL, lease = NULL, lease_until = NULL WHERE message_id = ?",
        (tx.now, tx.now, message_id),
    )


def next_due(tx: Snapshot, channel_ids: list[str], now: int) -> int | None:
    """When the next message of these channels falls due (it may be kept back by an earlier one)."""
    value = tx.value(
        f"SELECT min(CASE WHEN {_TIME_HAS_COME} THEN min(o.due_at, :now) ELSE o.due_at END) FROM outbox o"
        " WHERE o.state IN ('queued', 'retrying') AND o.state != 'sent'"
        " AND o.channel_id IN (SELECT value FROM json_each(:channels))",
        {"now": now, "channels": msgspec.json.encode(channel_ids).decode()},
    )
    return None if value is None else int(value)


def deed_of(tx: Snapshot, message_id: int) -> Deed | None:
    """What it made of its conversation, if nothing of the message can have left yet."""
    value = tx.value(
        "SELECT deed FROM outbox WHERE message_id = ? AND state = 'queued' AND untried = 1", (message_id,)
    )
    return None if value is None else msgspec.json.decode(value, type=Deed)


def change_deed(tx: Transaction, message_id: int, change: Callable[[Deed], Deed]) -> None:
    """Where it can be taken back at all."""
    value = tx.value("SELECT deed FROM outbox WHERE message_id = ?", (message_id,))
    if value is not None:
        deed = change(msgspec.json.decode(value, type=Deed))
        tx.run(
            "UPDATE outbox SET deed = ? WHERE message_id = ?",
            (msgspec.json.encode(deed).decode(), message_id),
        )


def withdraw(tx: Transaction, message_id: int) -> bool:
    """Take back what nobody has begun to send; False where it is too late."""
    return (
        tx.run("DELETE FROM outbox WHERE message_id = ? AND state = 'queued' AND untried = 1", (message_id,))
        == 1
    )


def let_go(tx: Transaction, message_id: int) -> bool:
    """End the hold of a message; False where it has none any more."""
    return (
        tx.run(
            "UPDATE outbox SET due_at = ? WHERE message_id = ? AND state = 'queued' AND untried = 1",
            (tx.now, message_id),
        )
        == 1
    )


def held_by(tx: Snapshot, operator_id: int) -> list[int]:
    """This operator's messages that wait out their hold, the oldest first."""
    return [
        row["message_id"]
        for row in tx.all(
            "SELECT o.message_id FROM outbox o JOIN message m ON m.id = o.message_id"
            " WHERE o.state = 'queued' AND o.untried = 1 AND o.due_at > ? AND o.state != 'sent'"
            " AND m.operator_id = ? ORDER BY o.message_id",
            (tx.now, operator_id),
        )
    ]


class Doubtful(msgspec.Struct, frozen=True):
    message_id: int
    conversation_id: int
    customer_id: int
    state: str


def doubtful(tx: Snapshot, message_ids: list[int] | None) -> list[Doubtful]:
    """Failed and unknown rows, all of them or those named."""
    named = "" if message_ids is None else " AND o.message_id IN (SELECT value FROM json_each(?))"
    return [
        Doubtful(row["message_id"], row["conversation_id"], row["customer_id"], row["state"])
        for row in tx.all(
            "SELECT o.message_id, o.state, m.conversation_id, m.customer_id FROM outbox o"
            " JOIN message m ON m.id = o.message_id WHERE o.state IN ('failed', 'unknown')"
            f" AND o.state != 'sent'{named}"
            " ORDER BY o.message_id",
            () if message_ids is None else (msgspec.json.encode(message_ids).decode(),),
        )
    ]


def unsettled(tx: Snapshot, limit: int = 500) -> list[OutboxItem]:
    """Everything that is not sent, newest first."""
    rows = tx.all(
        "SELECT o.*, k.name AS customer FROM outbox o JOIN message m ON m.id = o.message_id"
        " JOIN customer k ON k.id = m.customer_id WHERE o.state != 'sent' ORDER BY o.message_id DESC LIMIT ?",
        (limit,),
    )
    found = messages.many(tx, [row["message_id"] for row in rows])
    return [
        OutboxItem(
            message=found[row["message_id"]],
            customer=row["customer"],
            state=row["state"],
            attempts=row["attempts"],
            due_at=row["due_at"],
            error=row["error"],
        )
        for row in rows
    ]
