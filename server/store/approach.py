"""What is asked of a person before we write to him first."""

from __future__ import annotations

import msgspec

from server.protocol import Conversation
from server.store import conversations
from server.store.transaction import Snapshot

OPEN_MAX = 10
LOOKED_AT = 500  # messages of the time that counts


class Written(msgspec.Struct, frozen=True):
    operator: str
    at: int
    channel_id: str
    conversation_id: int


def open_conversations(tx: Snapshot, customer_id: int) -> list[Conversation]:
    """Newest first."""
    rows = tx.all(
        "SELECT id FROM conversation WHERE customer_id = ? AND state != 'closed' ORDER BY id DESC LIMIT ?",
        (customer_id, OPEN_MAX),
    )
    found = conversations.many(tx, [row["id"] for row in rows])
    return [found[row["id"]] for row in rows if row["id"] in found]


def written_by_others(tx: Snapshot, customer_id: int, operator_id: int, since: int) -> list[Written]:
    """The latest message of each colleague to this person since then, the newest first."""
    rows = tx.all(
        "SELECT m.operator_id, o.name, m.at, m.channel_id, m.conversation_id"
        " FROM (SELECT * FROM message WHERE customer_id = :customer AND at >= :since"
        " ORDER BY at DESC, id DESC LIMIT :most) m LEFT JOIN operator o ON o.id = m.operator_id"
        " WHERE m.kind = 'out' AND m.deleted = 0 AND m.automatic = 0 AND m.status != 'failed'"
        " AND m.operator_id IS DISTINCT FROM :me"
        " ORDER BY m.at DESC, m.id DESC",
        {"customer": customer_id, "since": since, "me": operator_id, "most": LOOKED_AT},
    )
    latest: dict[int | None, Written] = {}
    for row in rows:
        latest.setdefault(
            row["operator_id"],
            Written(row["name"] or "", row["at"], row["channel_id"], row["conversation_id"]),
        )
    return list(latest.values())
