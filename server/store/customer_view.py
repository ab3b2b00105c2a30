"""What customers may see: a thread of a channel as it is on their side."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from channels.base import ThreadFile, ThreadMessage
from server.signing import signed
from server.store import files
from server.store.transaction import Snapshot


def thread(tx: Snapshot, channel_id: str, name: str, after: int, limit: int) -> list[ThreadMessage]:
    """Messages of a thread as its customer may see them, with visible_seq > after."""
    rows = tx.all(
        "SELECT m.id, m.kind, m.text, m.at, m.remote_id, m.visible_seq, m.signature,"
        " o.name AS operator FROM message m LEFT JOIN operator o ON o.id = m.operator_id"
        " WHERE m.channel_id = ? AND m.thread = ? AND m.visible_seq > ? AND m.deleted = 0"
        " ORDER BY m.visible_seq LIMIT ?",
        (channel_id, name, after, limit),
    )
    attached = files.by_message(tx, [row["id"] for row in rows]) if rows else {}
    return [
        ThreadMessage(
            seq=row["visible_seq"],
            message_id=row["id"],
            mine=row["kind"] == "in",
            author=row["operator"] or "",
            text=signed(row["text"], row["signature"]),
            at=row["at"],
            remote_id=row["remote_id"],
            files=tuple(
                ThreadFile(id=file.id, name=file.name, content_type=file.content_type, size=file.size)
                for file in attached.get(row["id"], [])
                if not file.problem
            ),
        )
        for row in rows
    ]


def threads_of(
    tx: Snapshot, message_ids: Iterable[int], conversation_ids: Iterable[int | None]
) -> list[tuple[str, str]]:
    """(channel, thread) of these messages, and of everything these conversations hold."""
    rows = tx.all(
        "SELECT channel_id, thread FROM message WHERE id IN (SELECT value FROM json_each(?)) AND thread != ''"
        " UNION SELECT channel_id, thread FROM thread"
        " WHERE conversation_id IN (SELECT value FROM json_each(?))",
        (
            msgspec.json.encode(list(message_ids)).decode(),
            msgspec.json.encode([value for value in conversation_ids if value is not None]).decode(),
        ),
    )
    return [(row["channel_id"], row["thread"]) for row in rows]
