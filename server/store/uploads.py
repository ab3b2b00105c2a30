"""Files put up to be sent with a reply that is still being written."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from server.protocol import Upload
from server.store.files import NewFile
from server.store.transaction import Snapshot, Transaction

KEPT_MS = 7 * 86_400_000


def add(tx: Transaction, operator_id: int, conversation_id: int, upload: Upload, sha256: str) -> Upload:
    """Note a file that lies in the blob store; with its number. What nobody sent for a week is forgotten."""
    tx.run("DELETE FROM upload WHERE at < ?", (tx.now - KEPT_MS,))
    number = tx.insert(
        "INSERT INTO upload (operator_id, conversation_id, name, content_type, size, sha256, at,"
        " width, height) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            operator_id,
            conversation_id,
            upload.name,
            upload.content_type,
            upload.size,
            sha256,
            tx.now,
            upload.width,
            upload.height,
        ),
    )
    return msgspec.structs.replace(upload, id=number)


def chosen(tx: Snapshot, operator_id: int, conversation_id: int, upload_ids: Sequence[int]) -> list[NewFile]:
    """Those of the numbers that this operator put up for this conversation."""
    return [
        NewFile(
            name=row["name"],
            content_type=row["content_type"],
            kind="image" if row["content_type"].startswith("image/") else "file",
            size=row["size"],
            sha256=row["sha256"],
            width=row["width"],
            height=row["height"],
        )
        for row in tx.all(
            "SELECT * FROM upload WHERE operator_id = ? AND conversation_id = ?"
            " AND id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (operator_id, conversation_id, msgspec.json.encode(list(upload_ids)).decode()),
        )
    ]


def known(tx: Snapshot, operator_id: int, conversation_id: int, upload_ids: Sequence[int]) -> list[Upload]:
    """Those of the numbers that are still there, put up by this operator for this conversation."""
    if not upload_ids:
        return []
    return [
        _upload(row["id"], row)
        for row in tx.all(
            "SELECT * FROM upload WHERE operator_id = ? AND conversation_id = ?"
            " AND id IN (SELECT value FROM json_each(?)) ORDER BY id",
            (operator_id, conversation_id, msgspec.json.encode(list(upload_ids)).decode()),
        )
    ]


def of_message(tx: Transaction, operator_id: int, conversation_id: int, message_id: int) -> list[Upload]:
    """The files of a message that never left, put up once more."""
    return [
        add(
            tx,
            operator_id,
            conversation_id,
            _upload(0, row),
            row["sha256"],
        )
        for row in tx.all(
            "SELECT * FROM attachment WHERE message_id = ? AND sha256 IS NOT NULL ORDER BY id", (message_id,)
        )
    ]


def used(tx: Transaction, upload_ids: Sequence[int]) -> None:
    """They are files of a message now."""
    tx.run(
        "DELETE FROM upload WHERE id IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(list(upload_ids)).decode(),),
    )


def _upload(number: int, row: sqlite3.Row) -> Upload:
    return Upload(
        id=number,
        name=row["name"],
        content_type=row["content_type"],
        size=row["size"],
        width=row["width"],
        height=row["height"],
    )
