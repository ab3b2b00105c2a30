"""The journal of raw inbound items: received -> taken | quarantined."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

import msgspec

from server.protocol import JournalItem
from server.store.conversations import NotFoundError
from server.store.transaction import Snapshot, Transaction


class Raw(msgspec.Struct, frozen=True, kw_only=True):
    """A raw item to journal: `data` inline, or a file named by `sha256`."""

    dedupe_key: str
    size: int
    data: bytes | None
    sha256: str | None
    meta: Mapping[str, str]


class Unfinished(msgspec.Struct, frozen=True, kw_only=True):
    """A journaled item that is not taken in yet."""

    id: int
    channel_id: str
    dedupe_key: str
    received_at: int
    data: bytes | None
    sha256: str | None
    meta: dict[str, str]
    attempts: int
    error: str


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """A journaled item, whatever became of it."""

    id: int
    channel_id: str
    state: str
    data: bytes | None
    sha256: str | None
    meta: dict[str, str]
    error: str
    message_id: int | None
    customer_id: int | None


def kept(tx: Snapshot, journal_id: int) -> Kept:
    """Raises NotFoundError."""
    row = tx.first("SELECT * FROM journal WHERE id = ?", (journal_id,))
    if row is None:
        raise NotFoundError("raw item", journal_id)
    return Kept(
        id=row["id"],
        channel_id=row["channel_id"],
        state=row["state"],
        data=row["raw"],
        sha256=row["raw_sha256"],
        meta=msgspec.json.decode(row["meta"], type=dict[str, str]),
        error=row["error"],
        message_id=row["message_id"],
        customer_id=row["customer_id"],
    )


def completed(tx: Transaction, journal_id: int, sha256: str, size: int, meta: Mapping[str, str]) -> None:
    """All of an item is here now, of which only a part was."""
    tx.run(
        "UPDATE journal SET raw = NULL, raw_sha256 = ?, size = ?, meta = ? WHERE id = ?",
        (sha256, size, msgspec.json.encode(meta).decode(), journal_id),
    )


def has(tx: Snapshot, channel_id: str, dedupe_key: str) -> bool:
    return (
        tx.value("SELECT 1 FROM journal WHERE channel_id = ? AND dedupe_key = ?", (channel_id, dedupe_key))
        is not None
    )


def id_of(tx: Snapshot, channel_id: str, dedupe_key: str) -> int | None:
    found: int | None = tx.value(
        "SELECT id FROM journal WHERE channel_id = ? AND dedupe_key = ?", (channel_id, dedupe_key)
    )
    return found


def receive(tx: Transaction, channel_id: str, raw: Raw) -> int:
    """Journal an item that is to be taken in later; its id. The channel must not have its key yet."""
    return _insert(tx, channel_id, raw, "received", None, None)


def record(
    tx: Transaction, channel_id: str, raw: Raw, message_id: int | None, customer_id: int | None
) -> int:
    """Journal an item that was taken in by the same transaction; its id."""
    return _insert(tx, channel_id, raw, "taken", message_id, customer_id)


def _insert(
    tx: Transaction, channel_id: str, raw: Raw, state: str, message_id: int | None, customer_id: int | None
) -> int:
    return tx.insert(
        "INSERT INTO journal (channel_id, dedupe_key, state, received_at, size, raw, raw_sha256, meta,"
        " message_id, customer_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            channel_id,
            raw.dedupe_key,
            state,
            tx.now,
            raw.size,
            raw.data,
            raw.sha256,
            msgspec.json.encode(raw.meta).decode() if raw.meta else "{}",
            message_id,
            customer_id,
        ),
    )


def taken(tx: Transaction, journal_id: int, message_id: int | None, customer_id: int | None) -> None:
    tx.run(
        "UPDATE journal SET state = 'taken', message_id = ?, customer_id = ? WHERE id = ?",
        (message_id, customer_id, journal_id),
    )


def quarantined(tx: Transaction, journal_id: int, error: str, message_id: int | None) -> None:
    tx.run(
        "UPDATE journal SET state = 'quarantined', error = ?, message_id = ? WHERE id = ?",
        (error, message_id, journal_id),
    )


def note_attempt(tx: Transaction, journal_id: int, error: str) -> None:
    """Parsing it began; kept so that an item that kills the worker is not tried for ever."""
    tx.run("UPDATE journal SET attempts = attempts + 1, error = ? WHERE id = ?", (error, journal_id))


class Source(msgspec.Struct, frozen=True):
    """The bytes of a raw item: here, or in the blob store under their SHA-256."""

    data: bytes | None
    sha256: str | None


def of_message(tx: Snapshot, message_id: int) -> Source | None:
    """What a message was read from; None where we wrote it, or where it came in pieces."""
    row = tx.first(
        "SELECT raw, raw_sha256 FROM journal WHERE message_id = ? AND message_id IS NOT NULL"
        " ORDER BY id LIMIT 1",
        (message_id,),
    )
    return None if row is None else Source(row["raw"], row["raw_sha256"])


def forgive_attempt(tx: Transaction, journal_id: int) -> None:
    """It was cut short for a reason that has nothing to do with the item."""
    tx.run("UPDATE journal SET attempts = max(attempts - 1, 0) WHERE id = ?", (journal_id,))


def earlier(tx: Snapshot, channel_id: str, dedupe_key: str) -> tuple[int | None, int | None, int]:
    """(message id, conversation id, seq in the thread) that an already journaled key led to."""
    row = tx.first(
        "SELECT j.message_id, m.conversation_id, m.visible_seq FROM journal j"
        " LEFT JOIN message m ON m.id = j.message_id WHERE j.channel_id = ? AND j.dedupe_key = ?",
        (channel_id, dedupe_key),
    )
    if row is None:
        return None, None, 0
    return row["message_id"], row["conversation_id"], row["visible_seq"] or 0


def unfinished(
    tx: Snapshot, channel_ids: list[str], limit: int, size: int | None = None, after: int = 0
) -> list[Unfinished]:
    """Items of these channels that are still `received`, oldest first; together of at most `size` bytes,
    but at least one."""
    rows = tx.all(
        # The second condition follows from the first; only by it SQLite takes the index of the few.
        "SELECT * FROM journal WHERE state = 'received' AND state != 'taken' AND id > ?"
        " AND channel_id IN (SELECT value FROM json_each(?)) ORDER BY id LIMIT ?",
        (after, msgspec.json.encode(channel_ids).decode(), limit),
    )
    if size is not None:
        weights = itertools.accumulate(row["size"] for row in rows)
        rows = [row for row, weight in zip(rows, weights, strict=True) if weight <= size] or rows[:1]
    return [
        Unfinished(
            id=row["id"],
            channel_id=row["channel_id"],
            dedupe_key=row["dedupe_key"],
            received_at=row["received_at"],
            data=row["raw"],
            sha256=row["raw_sha256"],
            meta=msgspec.json.decode(row["meta"], type=dict[str, str]),
            attempts=row["attempts"],
            error=row["error"],
        )
        for row in rows
    ]


def is_unfinished(tx: Snapshot, journal_id: int) -> bool:
    return tx.value("SELECT 1 FROM journal WHERE id = ? AND state = 'received'", (journal_id,)) is not None


def still_unfinished(tx: Snapshot, journal_ids: Sequence[int]) -> set[int]:
    """Those of these items that nobody took in meanwhile."""
    rows = tx.all(
        "SELECT id FROM journal WHERE state = 'received' AND id IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(journal_ids).decode(),),
    )
    return {row["id"] for row in rows}


def items(tx: Snapshot, state: str, limit: int = 200) -> list[JournalItem]:
    return [
        JournalItem(
            id=row["id"],
            channel_id=row["channel_id"],
            dedupe_key=row["dedupe_key"],
            state=row["state"],
            received_at=row["received_at"],
            size=row["size"],
            error=row["error"],
        )
        for row in tx.all(
            # For what is not taken, the index of the few; the newest that are taken are the newest of all.
            "SELECT * FROM journal WHERE state = ?"
            + (" AND state != 'taken'" if state != "taken" else "")
            + " ORDER BY id DESC LIMIT ?",
            (state, limit),
        )
    ]
