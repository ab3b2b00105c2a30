"""Messages: written, found, and what became of them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import msgspec

from channels.base import Fold
from channels.folds import unfolded
from server import protocol as wire
from server.protocol import Message, MessageKind, Status
from server.store import files, recipients, search, state
from server.store.files import NewFile
from server.store.transaction import Snapshot, Transaction

_SELECT = """
SELECT m.*, coalesce(o.name, nullif(m.author, ''), k.name) AS shown,
  coalesce(w.due_at, s.due_at) AS leaves_at
FROM message m
LEFT JOIN outbox w ON w.message_id = m.id AND m.status = 'queued' AND w.state = 'queued' AND w.untried = 1
LEFT JOIN scheduled s ON s.message_id = m.id AND m.status = 'scheduled'
JOIN customer k ON k.id = m.customer_id
LEFT JOIN operator o ON o.id = m.operator_id
"""

FLOOR = "message_floor"  # a setting: no new message gets this number or a lower one


class NewMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message to be written; its numbers come with `post`."""

    kind: MessageKind
    text: str
    status: Status
    at: int
    event_kind: str = "message"
    channel_id: str = ""
    thread: str = ""
    address_id: int | None = None
    operator_id: int | None = None
    author: str = ""
    subject: str | None = None
    visible: bool = False  # to the customer, from the beginning
    remote_id: str | None = None
    client_id: str | None = None
    reason: str = ""
    stranger: bool = False
    automatic: bool = False
    files: tuple[NewFile, ...] = ()
    detail: Mapping[str, str] = {}  # small facts to show
    folds: tuple[Fold, ...] = ()  # sound ranges of the text
    suggest_id: int | None = None
    suggest_why: str = ""


def next_id(tx: Snapshot) -> int:
    """The id of the message about to be written: its event and its remote id name it beforehand."""
    # A restored database does not give out again what it gave out after its backup.
    return state.next_number(tx, "message")


class Posted(msgspec.Struct, frozen=True):
    id: int
    seq: int


def free_search_id(tx: Snapshot, message_id: int, at: int) -> int:
    """Newest first without sorting: the index's rowid is the time, made unique by the id.

    Above a million messages two of the same millisecond may meet (imports with times in seconds).
    """
    search_id = (at << 20) | (message_id & 0xFFFFF)
    if message_id > 0xFFFFF:
        while tx.value("SELECT 1 FROM message WHERE search_id = ?", (search_id,)) is not None:
            search_id += 1
    return search_id


def post(
    tx: Transaction,
    conversation_id: int,
    customer_id: int,
    kind: str,
    new: NewMessage,
    *,
    data: dict[str, Any] | None = None,
    name: Callable[[int], str | None] | None = None,
) -> Posted:
    """Write a message and the event (`kind`) that brings it; each names the other.

    `name` makes the remote id from the message's number, where the channel lets us choose it.
    """
    message_id = next_id(tx)
    seq = tx.emit(
        kind,
        conversation_id=conversation_id,
        customer_id=customer_id,
        message_id=message_id,
        operator_id=new.operator_id,
        data=data,
    )
    tx.run(
        "INSERT INTO message (id, conversation_id, customer_id, kind, event_kind, channel_id, thread,"
        " address_id, operator_id, author, text, subject, status, at, received_at, seq, visible_seq,"
        " remote_id, client_id, reason, stranger, automatic, search_id, detail, suggest_id, suggest_why,"
        " folds)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            message_id,
            conversation_id,
            customer_id,
            new.kind,
            new.event_kind,
            new.channel_id,
            new.thread,
            new.address_id,
            new.operator_id,
            new.author,
            new.text,
            new.subject,
            new.status,
            new.at,
            tx.now,
            seq,
            seq if new.visible else None,
            name(message_id) if name is not None else new.remote_id,
            new.client_id,
            new.reason,
            int(new.stranger),
            int(new.automatic),
            free_search_id(tx, message_id, new.at),
            msgspec.json.encode(new.detail).decode() if new.detail else None,
            new.suggest_id,
            new.suggest_why,
            msgspec.json.encode(new.folds).decode() if new.folds else None,
        ),
    )
    files.add(tx, message_id, new.files)
    return Posted(message_id, seq)


def begun(tx: Snapshot, message_id: int, address_id: int, since: int) -> sqlite3.Row | None:
    """The message if this address began it and it was received since then."""
    return tx.first(
        "SELECT id, conversation_id, customer_id, text FROM message"
        " WHERE id = ? AND address_id = ? AND received_at >= ?",
        (message_id, address_id, since),
    )


def add_text(tx: Transaction, message_id: int, text: str) -> None:
    """More of a message that comes in pieces: it was not edited."""
    search.forget(tx, message_id)
    tx.run(
        "UPDATE message SET text = CASE WHEN text = '' THEN ? ELSE text || ? || ? END WHERE id = ?",
        (text, "\n", text, message_id),
    )
    search.remember(tx, message_id)


def address_of(tx: Snapshot, message_id: int) -> str:
    """The address that a message came from or was written to; "" where it has none."""
    value = tx.value(
        "SELECT a.external_id FROM message m JOIN address a ON a.id = m.address_id WHERE m.id = ?",
        (message_id,),
    )
    return str(value or "")


class Place(msgspec.Struct, frozen=True):
    conversation_id: int
    customer_id: int


def place_of(tx: Snapshot, message_id: int) -> Place:
    """Where a message of ours is. The message must exist."""
    [row] = tx.all("SELECT conversation_id, customer_id FROM message WHERE id = ?", (message_id,))
    return Place(row["conversation_id"], row["customer_id"])


def change_text(tx: Transaction, message_id: int, text: str) -> None:
    search.forget(tx, message_id)
    tx.run(
        "UPDATE message SET text = ?, folds = NULL, edited_at = ? WHERE id = ?", (text, tx.now, message_id)
    )
    search.remember(tx, message_id)


def fill_in(tx: Transaction, message_id: int, text: str, folds: Sequence[Fold]) -> None:
    """The whole text where a part of it stood; nobody edited it."""
    search.forget(tx, message_id)
    encoded = msgspec.json.encode(folds).decode() if folds else None
    tx.run("UPDATE message SET text = ?, folds = ? WHERE id = ?", (text, encoded, message_id))
    search.remember(tx, message_id)


def mark_deleted(tx: Transaction, message_id: int) -> None:
    tx.run("UPDATE message SET deleted = 1 WHERE id = ?", (message_id,))


def set_status(tx: Transaction, message_id: int, status: Status, error: str = "") -> None:
    tx.run("UPDATE message SET status = ?, error = ? WHERE id = ?", (status, error, message_id))


def set_sent(tx: Transaction, message_id: int, visible_seq: int, remote_id: str | None) -> None:
    tx.run(
        "UPDATE message SET status = 'sent', error = '', visible_seq = ?, remote_id = coalesce(?, remote_id)"
        " WHERE id = ?",
        (visible_seq, remote_id, message_id),
    )


def set_visible(tx: Transaction, message_id: int, visible_seq: int) -> None:
    """Somebody has it, though not everybody."""
    tx.run(
        "UPDATE message SET visible_seq = coalesce(visible_seq, ?) WHERE id = ?", (visible_seq, message_id)
    )


class Written(msgspec.Struct, frozen=True):
    id: int
    conversation_id: int
    kind: MessageKind


def sent_client_id(tx: Snapshot, operator_id: int, client_id: str) -> Written | None:
    """The message that this operator already wrote under this client id."""
    row = tx.first(
        "SELECT id, conversation_id, kind FROM message WHERE operator_id = ? AND client_id = ?",
        (operator_id, client_id),
    )
    return None if row is None else Written(row["id"], row["conversation_id"], row["kind"])


def by_remote_id(tx: Snapshot, channel_id: str, remote_id: str, ours: bool = False) -> sqlite3.Row | None:
    """The newest message of the channel that bears this remote id; `ours`: of those that we wrote."""
    return tx.first(
        "SELECT id, conversation_id, customer_id, address_id, kind, status, visible_seq FROM message"
        " WHERE channel_id = ? AND remote_id = ? AND (NOT ? OR kind = 'out') ORDER BY id DESC LIMIT 1",
        (channel_id, remote_id, int(ours)),
    )


def undelivered_up_to(
    tx: Snapshot, channel_id: str, thread: str, seq: int, rank: tuple[Status, ...]
) -> list[int]:
    """Our messages of the thread visible up to seq whose status is still one of `rank`."""
    return [
        row["id"]
        for row in tx.all(
            "SELECT id FROM message WHERE channel_id = ? AND thread = ? AND visible_seq <= ? AND kind = 'out'"
            " AND status IN (SELECT value FROM json_each(?)) ORDER BY id",
            (channel_id, thread, seq, msgspec.json.encode(rank).decode()),
        )
    ]


def new_text(row: sqlite3.Row) -> str:
    """Of a row's text what is not folded."""
    text = str(row["text"])
    return unfolded(text, msgspec.json.decode(row["folds"], type=list[Fold])) if row["folds"] else text


def _from_rows(tx: Snapshot, rows: list[sqlite3.Row]) -> list[Message]:
    ids = [row["id"] for row in rows]
    attached = files.by_message(tx, ids) if rows else {}
    named = recipients.of_messages(tx, ids) if rows else {}
    return [
        Message(
            id=row["id"],
            seq=row["seq"],
            conversation_id=row["conversation_id"],
            customer_id=row["customer_id"],
            kind=row["kind"],
            channel_id=row["channel_id"],
            address_id=row["address_id"],
            author_id=row["operator_id"],
            author=row["shown"],
            text=row["text"],
            subject=row["subject"],
            status=row["status"],
            error=row["error"],
            leaves_at=row["leaves_at"],
            at=row["at"],
            received_at=row["received_at"],
            reason=row["reason"],
            stranger=bool(row["stranger"]),
            automatic=bool(row["automatic"]),
            kind_of_event=row["event_kind"],
            edited_at=row["edited_at"],
            deleted=bool(row["deleted"]),
            files=attached.get(row["id"], []),
            detail=msgspec.json.decode(row["detail"], type=dict[str, str]) if row["detail"] else {},
            recipients=named.get(row["id"], []),
            suggest_id=row["suggest_id"],
            suggest_why=row["suggest_why"],
            folds=msgspec.json.decode(row["folds"], type=list[wire.Fold]) if row["folds"] else [],
        )
        for row in rows
    ]


def many(tx: Snapshot, ids: Iterable[int]) -> dict[int, Message]:
    rows = tx.all(
        f"{_SELECT} WHERE m.id IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(list(ids)).decode(),),
    )
    return {message.id: message for message in _from_rows(tx, rows)}
