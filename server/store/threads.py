"""What a message refers to: messages that are here, and ids that never came (phantoms)."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from channels.base import Fold
from server.store.transaction import Snapshot, Transaction

CANDIDATES_MAX = 20
CHAIN_MAX = 20
PHANTOMS_MAX = 30


class Referred(msgspec.Struct, frozen=True):
    """A message that an id leads to."""

    id: int
    conversation_id: int
    customer_id: int
    status: str


def by_remote_id(tx: Snapshot, channel_id: str, remote_id: str) -> list[Referred]:
    """Messages of the channel that bear this id, then those that refer to it; the newest first.

    Ids are not unique: senders reuse them, and anybody can take one for his own.
    """
    rows = tx.all(
        "SELECT id, conversation_id, customer_id, status FROM message"
        " WHERE channel_id = ? AND remote_id = ? ORDER BY id DESC LIMIT ?",
        (channel_id, remote_id, CANDIDATES_MAX),
    )
    rows += tx.all(
        "SELECT m.id, m.conversation_id, m.customer_id, m.status FROM phantom p"
        " JOIN message m ON m.id = p.message_id WHERE p.channel_id = ? AND p.remote_id = ?"
        " ORDER BY m.id DESC LIMIT ?",
        (channel_id, remote_id, CANDIDATES_MAX),
    )
    return [Referred(row["id"], row["conversation_id"], row["customer_id"], row["status"]) for row in rows]


def our_message(tx: Snapshot, channel_id: str, message_id: int) -> Referred | None:
    """A message that we wrote on this channel."""
    row = tx.first(
        "SELECT id, conversation_id, customer_id, status FROM message"
        " WHERE id = ? AND channel_id = ? AND kind = 'out'",
        (message_id, channel_id),
    )
    if row is None:
        return None
    return Referred(row["id"], row["conversation_id"], row["customer_id"], row["status"])


def remember(tx: Transaction, channel_id: str, message_id: int, remote_ids: Sequence[str]) -> None:
    """Note what a message refers to and what is not here; nearest ancestor first."""
    for place, remote_id in enumerate(remote_ids[:PHANTOMS_MAX]):
        here = tx.value(
            "SELECT 1 FROM message WHERE channel_id = ? AND remote_id = ? LIMIT 1", (channel_id, remote_id)
        )
        if here is None:
            tx.run(
                "INSERT INTO phantom (channel_id, remote_id, message_id, place) VALUES (?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                (channel_id, remote_id, message_id, place),
            )


def phantoms_of(tx: Snapshot, message_id: int) -> list[str]:
    """What a message refers to and what never came; the oldest ancestor first."""
    rows = tx.all("SELECT remote_id FROM phantom WHERE message_id = ? ORDER BY place DESC", (message_id,))
    return [row["remote_id"] for row in rows]


def addressed_to(tx: Snapshot, conversation_id: int, channel_id: str) -> str:
    """Which of the channel's own addresses the customer wrote to last; "" where there is but one."""
    detail = tx.value(
        "SELECT detail FROM message WHERE conversation_id = ? AND channel_id = ? AND kind = 'in'"
        " AND stranger = 0 AND automatic = 0 ORDER BY id DESC LIMIT 1",
        (conversation_id, channel_id),
    )
    return msgspec.json.decode(detail, type=dict[str, str]).get("addressed_to", "") if detail else ""


def chain(tx: Snapshot, conversation_id: int, channel_id: str, before: int) -> list[str]:
    """Remote ids of the conversation on this channel before a message of ours, oldest first; the last one is
    what it answers: the customer's latest message, else our own latest one.

    What machines wrote is answered by nobody and stays out. The ancestors that the answered message names
    and that never came here go first.
    """
    rows = _newest(tx, conversation_id, channel_id, before)
    if not rows:
        return []
    answered = _his_latest(rows) or rows[0]
    others = [row["remote_id"] for row in reversed(rows) if row["id"] != answered["id"]]
    return [*phantoms_of(tx, answered["id"]), *others, answered["remote_id"]]


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """What a customer wrote, and as whom: the name that he gave himself."""

    id: int
    address: str
    name: str
    at: int
    text: str
    folds: list[Fold]


def answered(tx: Snapshot, conversation_id: int, channel_id: str) -> Said | None:
    """The customer's message which a reply that is written now names as the one that it answers."""
    row = _his_latest(_newest(tx, conversation_id, channel_id, before=1 << 62))
    return None if row is None else said(tx, row["id"], conversation_id, channel_id)


def said(tx: Snapshot, message_id: int, conversation_id: int, channel_id: str) -> Said | None:
    """A customer's words, if they are (still) there: not deleted, not elsewhere by now, and no words of ours
    in place of a mail that could not be taken in."""
    row = tx.first(
        "SELECT m.id, m.at, m.text, m.folds, a.external_id, a.name FROM message m"
        " JOIN address a ON a.id = m.address_id"
        " WHERE m.id = ? AND m.conversation_id = ? AND m.channel_id = ? AND m.kind = 'in'"
        " AND m.event_kind = 'message' AND m.stranger = 0 AND m.automatic = 0 AND m.deleted = 0"
        " AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.message_id = m.id AND j.state = 'quarantined')",
        (message_id, conversation_id, channel_id),
    )
    if row is None:
        return None
    return Said(
        id=row["id"],
        address=row["external_id"],
        name=row["name"],
        at=row["at"],
        text=row["text"],
        folds=msgspec.json.decode(row["folds"], type=list[Fold]) if row["folds"] else [],
    )


def _newest(tx: Snapshot, conversation_id: int, channel_id: str, before: int) -> list[sqlite3.Row]:
    """What was said in the conversation on this channel under a remote id, newest first."""
    return tx.all(
        "SELECT id, kind, stranger, remote_id FROM message WHERE conversation_id = ? AND channel_id = ?"
        " AND id < ? AND remote_id IS NOT NULL AND visible_seq IS NOT NULL AND automatic = 0"
        " ORDER BY id DESC LIMIT ?",
        (conversation_id, channel_id, before, CHAIN_MAX),
    )


def _his_latest(rows: Sequence[sqlite3.Row]) -> sqlite3.Row | None:
    return next((row for row in rows if row["kind"] == "in" and not row["stranger"]), None)
