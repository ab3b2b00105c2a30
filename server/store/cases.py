"""What is noted of a conversation: priority, topic, summary, promise, tags, and what a colleague did last."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from server.store.transaction import Snapshot, Transaction

FORGOTTEN_MS = 30 * 86_400_000  # who was left without an answer longer ago is not asked for any more


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    topic: str  # while it is open; another one is written when it is closed
    summary: str
    next_step: str
    due_at: int | None
    due: bool
    tags: tuple[str, ...]


def facts(tx: Snapshot, conversation_id: int) -> Facts:
    """The conversation must exist."""
    [row] = tx.all(
        "SELECT noted_topic, summary, next_step, due_at, due FROM conversation WHERE id = ?",
        (conversation_id,),
    )
    tags = tx.all(
        "SELECT tag FROM conversation_tag WHERE conversation_id = ? ORDER BY tag", (conversation_id,)
    )
    return Facts(
        topic=row["noted_topic"],
        summary=row["summary"],
        next_step=row["next_step"],
        due_at=row["due_at"],
        due=bool(row["due"]),
        tags=tuple(tag["tag"] for tag in tags),
    )


def save_facts(tx: Transaction, conversation_id: int, new: Facts) -> None:
    """All but the tags."""
    tx.run(
        "UPDATE conversation SET noted_topic = ?, summary = ?, next_step = ?, due_at = ?, due = ?"
        " WHERE id = ?",
        (new.topic, new.summary, new.next_step, new.due_at, int(new.due), conversation_id),
    )


def save_tags(tx: Transaction, conversation_id: int, tags: Iterable[str], operator_id: int) -> None:
    wanted = msgspec.json.encode(list(tags)).decode()
    tx.run(
        "DELETE FROM conversation_tag WHERE conversation_id = ?"
        " AND tag NOT IN (SELECT value FROM json_each(?))",
        (conversation_id, wanted),
    )
    add_tags(tx, conversation_id, tags, operator_id)


def add_tags(
    tx: Transaction, conversation_id: int, tags: Iterable[str], operator_id: int | None = None
) -> None:
    """`operator_id` None: a rule gives them."""
    tx.run(
        "INSERT INTO conversation_tag (conversation_id, tag, at, operator_id)"
        " SELECT ?, value, ?, ? FROM json_each(?) WHERE true ON CONFLICT DO NOTHING",
        (conversation_id, tx.now, operator_id, msgspec.json.encode(list(tags)).decode()),
    )


def save_priority(
    tx: Transaction, conversation_id: int, priority: int, *, why: str = "", operator_id: int | None = None
) -> None:
    """`operator_id`: he chose it, and no rule changes it any more."""
    tx.run(
        "UPDATE conversation SET priority = ?, priority_why = ?, priority_by = ? WHERE id = ?",
        (priority, why, operator_id, conversation_id),
    )


def acted(tx: Transaction, conversation_id: int, what: str, operator_id: int) -> None:
    """Note what a colleague did last; words of `protocol.Stopped`."""
    tx.run(
        "UPDATE conversation SET acted = ?, acted_by = ?, acted_at = ? WHERE id = ?",
        (what, operator_id, tx.now, conversation_id),
    )


def begin_spell(tx: Transaction, conversation_id: int, after_message: int) -> None:
    """What comes with higher ids than this message's is said after the conversation was opened again."""
    tx.run("UPDATE conversation SET spell_from = ? WHERE id = ?", (after_message, conversation_id))


class Promised(msgspec.Struct, frozen=True):
    conversation_id: int
    customer_id: int


def come_due(tx: Snapshot, at: int, limit: int = 100) -> list[Promised]:
    """Promises whose time has come, of which nobody was told yet."""
    return [
        Promised(row["id"], row["customer_id"])
        for row in tx.all(
            "SELECT id, customer_id FROM conversation"
            " WHERE due_at <= ? AND due_at IS NOT NULL AND due = 0 AND state != 'closed'"
            " ORDER BY due_at LIMIT ?",
            (at, limit),
        )
    ]


# Closed although nothing of ours followed what the customer said last, of people with whom nothing else goes
# on: nobody will come back to them by himself. A contact by hand of which we are the beginning is an answer.
_FORGOTTEN = """
FROM conversation c WHERE c.state = 'closed' AND c.spam = 0 AND c.joined_into IS NULL
 AND c.customer_seq > c.reply_seq AND c.sort_at >= :since
 AND NOT EXISTS (SELECT 1 FROM conversation live WHERE live.customer_id = c.customer_id
  AND live.state != 'closed')
 AND NOT EXISTS (SELECT 1 FROM message ours WHERE ours.customer_id = c.customer_id AND ours.kind = 'out'
  AND ours.operator_id IS NOT NULL AND ours.event_kind IN ('call', 'visit', 'paper', 'contact')
  AND ours.at >= (SELECT max(said.at) FROM message said WHERE said.conversation_id = c.id AND said.kind = 'in'
   AND said.operator_id IS NULL AND said.automatic = 0))
"""


def forgotten(tx: Snapshot, limit: int) -> list[int]:
    """Conversations of the last 30 days whose customers were left without an answer; newest first."""
    rows = tx.all(
        f"SELECT c.id {_FORGOTTEN} ORDER BY c.sort_at DESC, c.id DESC LIMIT :limit",
        {"since": tx.now - FORGOTTEN_MS, "limit": limit},
    )
    return [row["id"] for row in rows]


def count_forgotten(tx: Snapshot, most: int = 1000) -> int:
    """How many; `most` means "at least"."""
    found: int = tx.value(
        f"SELECT count(*) FROM (SELECT 1 {_FORGOTTEN} LIMIT :most)",
        {"since": tx.now - FORGOTTEN_MS, "most": most},
    )
    return found


def mark_due(tx: Transaction, conversation_id: int, seq: int) -> None:
    tx.run("UPDATE conversation SET due = 1, seq = ? WHERE id = ?", (seq, conversation_id))


class Last(msgspec.Struct, frozen=True):
    """What was done last by a colleague, and what the customer said first in this spell."""

    acted: str
    acted_by: str
    acted_at: int | None
    summary: str
    first_text: str
    first_at: int | None


def last(tx: Snapshot, conversation_id: int) -> Last:
    """The conversation must exist."""
    [row] = tx.all(
        "SELECT c.acted, c.acted_at, c.summary, o.name, m.text, m.at FROM conversation c"
        " LEFT JOIN operator o ON o.id = c.acted_by"
        " LEFT JOIN message m ON m.id = (SELECT f.id FROM message f WHERE f.conversation_id = c.id"
        " AND f.id > c.spell_from AND f.kind = 'in' AND f.automatic = 0 AND f.deleted = 0"
        " ORDER BY f.id LIMIT 1)"
        " WHERE c.id = ?",
        (conversation_id,),
    )
    return Last(
        row["acted"], row["name"] or "", row["acted_at"], row["summary"], row["text"] or "", row["at"]
    )
