"""Reads what a stopped server left behind, without changing it."""

from __future__ import annotations

import hashlib
import shutil
import sqlite3
from collections import Counter
from pathlib import Path

from server.store.blobs import BlobStore
from server.store.offline import BLOBS, DATABASE
from tests.chaos.checker import ConversationRow, EventRow, JournalRow, MessageRow, OutboxRow, Stored


def collect(data_dir: Path, scratch: Path) -> Stored:
    """Everything the checker wants to know. `scratch`: a folder for a copy; the original is only read.

    Raises sqlite3.Error where the database cannot even be opened.
    """
    path = data_dir / DATABASE
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    connection.row_factory = sqlite3.Row
    try:
        files = _files(connection, BlobStore(data_dir / BLOBS))
        stored = _rows(connection, files)
        stored.broken += _check(connection)
    finally:
        connection.close()
    stored.broken += _check_text_index(data_dir, scratch)
    return stored


def _files(connection: sqlite3.Connection, blobs: BlobStore) -> Counter[int]:
    """How many files each message has whose bytes are on the disk and are what their name says."""
    found: Counter[int] = Counter()
    for row in connection.execute("SELECT message_id, sha256, size FROM attachment WHERE sha256 IS NOT NULL"):
        path = blobs.path(row["sha256"])
        data = path.read_bytes() if path.exists() else b""
        if len(data) == row["size"] and hashlib.sha256(data).hexdigest() == row["sha256"]:
            found[row["message_id"]] += 1
    return found


def _rows(connection: sqlite3.Connection, files: Counter[int]) -> Stored:
    return Stored(
        messages=[
            MessageRow(
                id=row["id"],
                kind=row["kind"],
                text=row["text"].strip(),
                channel_id=row["channel_id"],
                conversation_id=row["conversation_id"],
                customer_id=row["customer_id"],
                seq=row["seq"],
                visible_seq=row["visible_seq"],
                status=row["status"],
                files=files[row["id"]],
            )
            for row in connection.execute("SELECT * FROM message ORDER BY id")
        ],
        outbox=[
            OutboxRow(row["message_id"], row["channel_id"], row["state"])
            for row in connection.execute("SELECT * FROM outbox ORDER BY message_id")
        ],
        journal=[
            JournalRow(row["id"], row["channel_id"], row["state"], row["message_id"])
            for row in connection.execute("SELECT * FROM journal ORDER BY id")
        ],
        events=[
            EventRow(row["seq"], row["kind"], row["conversation_id"], row["message_id"])
            for row in connection.execute("SELECT * FROM event ORDER BY rowid")
        ],
        conversations=[
            ConversationRow(row["id"], row["customer_id"])
            for row in connection.execute("SELECT * FROM conversation ORDER BY id")
        ],
    )


def _check(connection: sqlite3.Connection) -> list[str]:
    found = [row[0] for row in connection.execute("PRAGMA integrity_check") if row[0] != "ok"]
    found += [f"foreign key: {tuple(row)}" for row in connection.execute("PRAGMA foreign_key_check")]
    return found


def _check_text_index(data_dir: Path, scratch: Path) -> list[str]:
    """FTS5 compares its index with the messages only in a database that may be written: use a copy."""
    copy = scratch / "copy.sqlite3"
    for suffix in ("", "-wal"):
        original = data_dir / f"{DATABASE}{suffix}"
        if original.exists():
            shutil.copyfile(original, f"{copy}{suffix}")
    connection = sqlite3.connect(copy)
    try:
        connection.execute("INSERT INTO message_text (message_text, rank) VALUES ('integrity-check', 1)")
    except sqlite3.DatabaseError as error:
        return [f"the text index does not match the messages: {error}"]
    finally:
        connection.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{copy}{suffix}").unlink(missing_ok=True)
    return []
