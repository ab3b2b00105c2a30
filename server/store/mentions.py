"""Who was called to a private note, and whether he has seen it."""

from __future__ import annotations

import sqlite3

from server.protocol import Mention
from server.store import messages, shares
from server.store.conversations import NotFoundError
from server.store.transaction import Snapshot, Transaction

# Where a note is and whose it is, the note itself knows: it moves with splits, joins and merges.
_SELECT = """
SELECT n.id, n.operator_id, n.message_id, n.seen_at, m.conversation_id, m.customer_id, k.name AS customer
FROM mention n
JOIN message m ON m.id = n.message_id
JOIN customer k ON k.id = m.customer_id
"""


def add(tx: Transaction, operator_id: int, message_id: int, *, by: int) -> int:
    mention_id = tx.insert(
        "INSERT INTO mention (operator_id, message_id) VALUES (?, ?)", (operator_id, message_id)
    )
    _tell(tx, "mention.added", _row(tx, mention_id, operator_id), by)
    return mention_id


def see(tx: Transaction, mention_id: int, operator_id: int, sees: int | None = None) -> Mention:
    """He has read the note. Raises NotFoundError where nobody called him by this number."""
    row = _row(tx, mention_id, operator_id, sees)
    if row["seen_at"] is None:
        tx.run("UPDATE mention SET seen_at = ? WHERE id = ?", (tx.now, mention_id))
        _tell(tx, "mention.seen", row, operator_id)
    return _from_rows(tx, [_row(tx, mention_id, operator_id)])[0]


def unseen(
    tx: Snapshot, operator_id: int, before: int | None, limit: int, sees: int | None = None
) -> tuple[list[Mention], int | None]:
    """Newest first, and the key of the next page."""
    rows = tx.all(
        f"{_SELECT} WHERE n.operator_id = :me AND n.seen_at IS NULL AND n.id < :before"
        f"{shares.condition('m.conversation_id', sees)} ORDER BY n.id DESC LIMIT :limit",
        {
            "me": operator_id,
            "before": 2**63 - 1 if before is None else before,
            "limit": limit + 1,
            "sees": sees,
        },
    )
    listed = rows[:limit]
    return _from_rows(tx, listed), listed[-1]["id"] if len(rows) > limit else None


def count(tx: Snapshot, operator_id: int, sees: int | None = None) -> int:
    if sees is None:
        found = tx.value(
            "SELECT count(*) FROM mention WHERE operator_id = ? AND seen_at IS NULL", (operator_id,)
        )
    else:
        found = tx.value(
            "SELECT count(*) FROM mention n JOIN message m ON m.id = n.message_id"
            f" WHERE n.operator_id = :me AND n.seen_at IS NULL{shares.condition('m.conversation_id', sees)}",
            {"me": operator_id, "sees": sees},
        )
    return int(found)


def _row(tx: Snapshot, mention_id: int, operator_id: int, sees: int | None = None) -> sqlite3.Row:
    row = tx.first(
        f"{_SELECT} WHERE n.id = :id AND n.operator_id = :me{shares.condition('m.conversation_id', sees)}",
        {"id": mention_id, "me": operator_id, "sees": sees},
    )
    if row is None:
        raise NotFoundError("mention of you", mention_id)
    return row


def _tell(tx: Transaction, kind: str, row: sqlite3.Row, by: int) -> None:
    tx.emit(
        kind,
        conversation_id=row["conversation_id"],
        customer_id=row["customer_id"],
        message_id=row["message_id"],
        operator_id=row["operator_id"],
        data={"mention": row["id"], "by": by},
    )


def _from_rows(tx: Snapshot, rows: list[sqlite3.Row]) -> list[Mention]:
    notes = messages.many(tx, [row["message_id"] for row in rows])
    return [
        Mention(
            id=row["id"],
            conversation_id=row["conversation_id"],
            customer=row["customer"],
            note=notes[row["message_id"]],
            seen_at=row["seen_at"],
        )
        for row in rows
    ]
