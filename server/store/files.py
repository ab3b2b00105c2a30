"""Files of messages: the rows that name what lies in the blob store."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from server.protocol import File
from server.store.transaction import Snapshot, Transaction


class NewFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file whose bytes are already in the blob store (or are not here, and why)."""

    name: str
    content_type: str  # by its bytes, where they tell it
    kind: str
    size: int
    sha256: str | None
    problem: str = ""
    stated: str = ""  # the type that its sender gave it, where the bytes contradict it
    width: int | None = None  # pixels
    height: int | None = None


def add(tx: Transaction, message_id: int, files: Iterable[NewFile]) -> None:
    for file in files:
        tx.run(
            "INSERT INTO attachment (message_id, name, content_type, kind, size, sha256, problem, stated,"
            " width, height) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                message_id,
                file.name,
                file.content_type,
                file.kind,
                file.size,
                file.sha256,
                file.problem,
                file.stated,
                file.width,
                file.height,
            ),
        )
        tx.run("UPDATE message SET files = files + 1 WHERE id = ?", (message_id,))


def has(tx: Snapshot, message_id: int, sha256: str) -> bool:
    return (
        tx.value("SELECT 1 FROM attachment WHERE message_id = ? AND sha256 = ?", (message_id, sha256))
        is not None
    )


def by_message(tx: Snapshot, ids: Iterable[int]) -> dict[int, list[File]]:
    found: dict[int, list[File]] = {}
    for row in tx.all(
        "SELECT * FROM attachment WHERE message_id IN (SELECT value FROM json_each(?)) ORDER BY id",
        (msgspec.json.encode(list(ids)).decode(),),
    ):
        found.setdefault(row["message_id"], []).append(
            File(
                id=row["id"],
                name=row["name"],
                content_type=row["content_type"],
                size=row["size"],
                kind=row["kind"],
                problem=row["problem"],
                stated=row["stated"],
                width=row["width"],
                height=row["height"],
            )
        )
    return found


class FileRow(msgspec.Struct, frozen=True):
    name: str
    content_type: str
    size: int
    sha256: str | None
    channel_id: str
    thread: str
    conversation_id: int


def one(tx: Snapshot, file_id: int) -> FileRow | None:
    row = tx.first(
        "SELECT a.*, m.channel_id, m.thread, m.conversation_id FROM attachment a"
        " JOIN message m ON m.id = a.message_id WHERE a.id = ?",
        (file_id,),
    )
    if row is None:
        return None
    return FileRow(
        row["name"],
        row["content_type"],
        row["size"],
        row["sha256"],
        row["channel_id"],
        row["thread"],
        row["conversation_id"],
    )


def by_id(tx: Snapshot, file_ids: list[int], customer_id: int) -> list[NewFile]:
    """Files already in this customer's history, to be sent on; files of anybody else are not found."""
    return [
        NewFile(
            name=row["name"],
            content_type=row["content_type"],
            kind=row["kind"],
            size=row["size"],
            sha256=row["sha256"],
            stated=row["stated"],
            width=row["width"],
            height=row["height"],
        )
        for row in tx.all(
            "SELECT a.* FROM attachment a JOIN message m ON m.id = a.message_id"
            " WHERE a.id IN (SELECT value FROM json_each(?)) AND m.customer_id = ? AND a.sha256 IS NOT NULL",
            (msgspec.json.encode(file_ids).decode(), customer_id),
        )
    ]


def is_named(tx: Snapshot, sha256: str) -> bool:
    """Whether any row names the file."""
    return (
        tx.value(
            "SELECT 1 FROM attachment WHERE sha256 = :name UNION ALL"
            " SELECT 1 FROM upload WHERE sha256 = :name UNION ALL"
            " SELECT 1 FROM journal WHERE raw_sha256 = :name UNION ALL"
            " SELECT 1 FROM upload WHERE sha256 = :name LIMIT 1",
            {"name": sha256},
        )
        is not None
    )


def of_message(tx: Snapshot, message_id: int) -> list[NewFile]:
    return [
        NewFile(
            name=row["name"],
            content_type=row["content_type"],
            kind=row["kind"],
            size=row["size"],
            sha256=row["sha256"],
            problem=row["problem"],
            stated=row["stated"],
            width=row["width"],
            height=row["height"],
        )
        for row in tx.all("SELECT * FROM attachment WHERE message_id = ? ORDER BY id", (message_id,))
    ]
