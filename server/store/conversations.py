"""Conversations: their rows, and their lifecycle."""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from server.lifecycle import Lifecycle
from server.protocol import Conversation, Deadline, DeadlineLevel, MessageKind, Priority, Silence
from server.store import shares, state
from server.store.transaction import Snapshot, Transaction

PREVIEW_MAX = 160
PRIORITIES: tuple[Priority, ...] = ("urgent", "high", "normal", "low")  # stored as their place in this row
NORMAL = PRIORITIES.index("normal")
DEADLINE_LEVELS: tuple[DeadlineLevel, ...] = ("running", "risk", "late")  # stored likewise

# Of a row as consoles are shown it; parameter `me` is who asks.
SELECT = """
SELECT c.*, k.name AS customer, o.name AS assignee, coalesce(s.seq, 0) AS seen_seq,
 q.proposed, q.announced_at, q.obstacle, CASE WHEN q.step = 'close' THEN q.next_at END AS closes_at
FROM conversation c
JOIN customer k ON k.id = c.customer_id
LEFT JOIN operator o ON o.id = c.assignee_id
LEFT JOIN silence q ON q.conversation_id = c.id AND c.state = 'waiting'
LEFT JOIN seen s ON s.operator_id = :me AND s.conversation_id = c.id
"""


class NotFoundError(Exception):
    """There is no such thing (any more)."""

    def __init__(self, what: str, key: Any) -> None:
        super().__init__(f"there is no {what} {key}")


class Held(msgspec.Struct, frozen=True):
    """A conversation as the writing side needs it."""

    id: int
    customer_id: int
    life: Lifecycle
    customer_seq: int
    reply_seq: int
    channels: str
    subject: str | None
    spam: bool = False
    priority: int = NORMAL
    priority_why: str = ""
    priority_by: int | None = None  # an operator chose it
    channel_id: str = ""
    team: str = ""  # somebody handed it to; "": as its channel says


def from_rows(tx: Snapshot, rows: list[sqlite3.Row]) -> list[Conversation]:
    found = [from_row(row) for row in rows]
    tags: dict[int, list[str]] = {}
    shared: dict[int, list[int]] = {}
    if found:
        for row in tx.all(
            "SELECT conversation_id, tag FROM conversation_tag"
            " WHERE conversation_id IN (SELECT value FROM json_each(?)) ORDER BY tag",
            (msgspec.json.encode([row.id for row in found]).decode(),),
        ):
            tags.setdefault(row["conversation_id"], []).append(row["tag"])
        for key, who in shares.readers(tx, [row.id for row in found]).items():
            shared[key] = sorted(who)
    for conversation in found:
        conversation.tags = tags.get(conversation.id, [])
        conversation.shared_with = shared.get(conversation.id, [])
    return found


def from_row(row: sqlite3.Row) -> Conversation:
    return Conversation(
        id=row["id"],
        seq=row["seq"],
        customer_id=row["customer_id"],
        customer=row["customer"],
        state=row["state"],
        assignee_id=row["assignee_id"],
        assignee=row["assignee"] or "",
        channel_id=row["channel_id"],
        marks=row["channels"].split(),
        subject=row["subject"],
        preview=row["preview"],
        preview_kind=row["preview_kind"],
        preview_files=row["preview_files"],
        last_at=row["last_at"],
        waiting_since=row["waiting_since"],
        customer_seq=row["customer_seq"],
        reply_seq=row["reply_seq"],
        snooze_until=row["snooze_until"],
        opened_at=row["opened_at"],
        closed_at=row["closed_at"],
        topic=row["topic"] or row["noted_topic"],
        result=row["result"],
        unsettled=row["unsettled"],
        seen_seq=row["seen_seq"],
        sort_at=row["sort_at"],
        parent_id=row["parent_id"],
        assigned_why=row["assigned_why"],
        decline_until=row["decline_until"],
        team=row["team"],
        transfers=row["transfers"],
        priority=PRIORITIES[row["priority"]],
        priority_why=row["priority_why"],
        summary=row["summary"],
        next_step=row["next_step"],
        due_at=row["due_at"],
        due=bool(row["due"]),
        spam=bool(row["spam"]),
        doubted=bool(row["doubted"]),
        deadline=deadline_of(row),
        silence=_silence_of(row),
        reopened=row["reopened"],
    )


def _silence_of(row: sqlite3.Row) -> Silence | None:
    if not (row["proposed"] or row["announced_at"] or row["obstacle"]):
        return None
    return Silence(
        proposed=bool(row["proposed"]),
        announced_at=row["announced_at"],
        closes_at=row["closes_at"],
        obstacle=row["obstacle"],
    )


def deadline_of(row: sqlite3.Row) -> Deadline | None:
    if row["deadline_at"] is None:
        return None
    return Deadline(
        kind=row["deadline_kind"], due_at=row["deadline_at"], level=DEADLINE_LEVELS[row["deadline_level"]]
    )


def create(
    tx: Transaction,
    customer_id: int,
    life: Lifecycle,
    subject: str | None,
    parent_id: int | None = None,
    begun_by: int | None = None,
) -> int:
    """`begun_by`: the address; the conversation is of the card that it was given to, should cards part."""
    return tx.insert(
        "INSERT INTO conversation"
        " (id, customer_id, state, assignee_id, sort_at, waiting_since, subject, opened_at, parent_id,"
        " card_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT card_id FROM address WHERE id = ?))",
        (
            state.next_number(tx, "conversation"),
            customer_id,
            life.state,
            life.assignee_id,
            life.sort_at,
            life.waiting_since,
            subject,
            tx.now,
            parent_id,
            begun_by,
        ),
    )


def held(tx: Snapshot, conversation_id: int) -> Held:
    """The conversation, or the one in which it goes on. Raises NotFoundError."""
    row = tx.first("SELECT * FROM conversation WHERE id = ?", (conversation_id,))
    while row is not None and row["joined_into"] is not None:
        row = tx.first("SELECT * FROM conversation WHERE id = ?", (row["joined_into"],))
    if row is None:
        raise NotFoundError("conversation", conversation_id)
    return held_from_row(row)


def give(tx: Transaction, conversation_id: int, customer_id: int) -> None:
    """The conversation, with its messages, is this customer's."""
    tx.run(
        "UPDATE conversation SET customer_id = :to, card_id = NULL WHERE id = :id AND customer_id != :to",
        {"to": customer_id, "id": conversation_id},
    )
    tx.run(
        "UPDATE message SET customer_id = :to WHERE conversation_id = :id AND customer_id != :to",
        {"to": customer_id, "id": conversation_id},
    )


def held_from_row(row: sqlite3.Row) -> Held:
    return Held(
        row["id"],
        row["customer_id"],
        Lifecycle(
            state=row["state"],
            assignee_id=row["assignee_id"],
            waiting_since=row["waiting_since"],
            sort_at=row["sort_at"],
            snooze_until=row["snooze_until"],
            closed_at=row["closed_at"],
            topic=row["topic"],
            result=row["result"],
            closed_why=row["closed_why"],
        ),
        row["customer_seq"],
        row["reply_seq"],
        row["channels"],
        row["subject"],
        spam=bool(row["spam"]),
        priority=row["priority"],
        priority_why=row["priority_why"],
        priority_by=row["priority_by"],
        channel_id=row["channel_id"],
        team=row["team"],
    )


def save_life(tx: Transaction, conversation_id: int, life: Lifecycle, seq: int) -> None:
    """With another operator, or none any more, it is forgotten how it came to the one before."""
    changes = "assignee_id IS DISTINCT FROM :assignee_id"
    tx.run(
        "UPDATE conversation SET state = :state, assignee_id = :assignee_id, waiting_since = :waiting_since,"
        " sort_at = :sort_at, snooze_until = :snooze_until, closed_at = :closed_at, topic = :topic,"
        " result = :result, closed_why = :closed_why, seq = :seq,"
        " reopened = reopened"
        " + CASE WHEN state = 'closed' AND topic != '' AND :state != 'closed' THEN 1 ELSE 0 END,"
        f" assigned_seq = CASE WHEN {changes} THEN :seq ELSE assigned_seq END,"
        f" assigned_why = CASE WHEN {changes} THEN '' ELSE assigned_why END,"
        f" given_from = CASE WHEN {changes} THEN NULL ELSE given_from END,"
        f" decline_until = CASE WHEN {changes} THEN NULL ELSE decline_until END,"
        f" given_transfer = CASE WHEN {changes} THEN NULL ELSE given_transfer END WHERE id = :id",
        {**msgspec.structs.asdict(life), "seq": seq, "id": conversation_id},
    )


def spoken_at(tx: Transaction, conversation_id: int, at: int) -> None:
    """The last word in a conversation of the past is as old as it is."""
    tx.run(
        "UPDATE conversation SET last_at = ?, opened_at = min(opened_at, ?) WHERE id = ?",
        (at, at, conversation_id),
    )


def beginning_of(text: str, most: int) -> str:
    """The beginning of a text as one line of at most so many characters."""
    return " ".join(text[: most * 4].split())[:most]


def preview_of(text: str) -> str:
    return beginning_of(text, PREVIEW_MAX)


def note_message(
    tx: Transaction,
    conversation: Held,
    life: Lifecycle,
    *,
    seq: int,
    kind: MessageKind,
    text: str,
    files: int,
    channel_id: str,
    subject: str | None,
    from_customer: bool,
    to_customer: bool,
    doubted: bool = False,
) -> None:
    """What a new message changes on its conversation. `doubted`: its provider holds it for spam."""
    channels = conversation.channels
    if channel_id and channel_id not in channels.split():
        channels = f"{channels} {channel_id}".strip()
    if life != conversation.life:
        save_life(tx, conversation.id, life, seq)
    # No indexed column here: a customer's next line in an open conversation rewrites no index.
    tx.run(
        "UPDATE conversation SET seq = :seq, last_at = :now, preview = :preview, preview_kind = :kind,"
        " preview_files = :files, channels = :channels, subject = coalesce(subject, :subject),"
        " channel_id = CASE WHEN :inward THEN :channel ELSE channel_id END,"
        " customer_seq = CASE WHEN :inward THEN :seq ELSE customer_seq END,"
        " doubted = CASE WHEN :inward THEN :doubted ELSE doubted END,"
        " reply_seq = CASE WHEN :outward THEN :seq ELSE reply_seq END"
        " WHERE id = :id",
        {
            "id": conversation.id,
            "seq": seq,
            "now": tx.now,
            "preview": preview_of(text),
            "kind": kind,
            "files": files,
            "channels": channels,
            "subject": subject,
            "channel": channel_id,
            "inward": from_customer,
            "doubted": int(doubted),
            "outward": to_customer,
        },
    )


def count_unsettled(tx: Transaction, conversation_id: int) -> int:
    """Recount the replies of this conversation that wait for an operator's decision; how many."""
    count = tx.value(
        "UPDATE conversation SET unsettled = (SELECT count(*) FROM outbox o"
        " JOIN message m ON m.id = o.message_id"
        " WHERE m.conversation_id = conversation.id AND o.state IN ('failed', 'unknown')) WHERE id = ?"
        " RETURNING unsettled",
        (conversation_id,),
    )
    return int(count)


def touch(tx: Transaction, conversation_id: int, seq: int) -> None:
    tx.run("UPDATE conversation SET seq = ? WHERE id = ?", (seq, conversation_id))


def active_of(tx: Snapshot, customer_id: int) -> Held | None:
    """The customer's conversation that is not closed and in which he wrote last."""
    row = tx.first(
        "SELECT * FROM conversation WHERE customer_id = ? AND state != 'closed'"
        " ORDER BY customer_seq DESC, id DESC LIMIT 1",
        (customer_id,),
    )
    return None if row is None else held_from_row(row)


def closed_since(tx: Snapshot, customer_id: int, since: int) -> Held | None:
    """The customer's conversation that was closed last and is no spam, if that was after `since`."""
    row = tx.first(
        "SELECT * FROM conversation WHERE customer_id = ? AND state = 'closed' AND closed_at >= ?"
        " AND spam = 0 AND joined_into IS NULL ORDER BY closed_at DESC LIMIT 1",
        (customer_id, since),
    )
    return None if row is None else held_from_row(row)


def exists(tx: Snapshot, conversation_id: int) -> bool:
    return tx.value("SELECT 1 FROM conversation WHERE id = ?", (conversation_id,)) is not None


def subjects_since(tx: Snapshot, customer_id: int, since: int) -> list[tuple[int, str]]:
    """Ids and subjects of the conversations in which something was said since then, newest first."""
    return [
        (row["id"], row["subject"])
        for row in tx.all(
            "SELECT id, subject FROM conversation WHERE customer_id = ? AND last_at >= ?"
            " AND spam = 0 AND subject IS NOT NULL ORDER BY id DESC LIMIT 20",
            (customer_id, since),
        )
    ]


def ids_of_customer(tx: Snapshot, customer_id: int) -> list[int]:
    return [row["id"] for row in tx.all("SELECT id FROM conversation WHERE customer_id = ?", (customer_id,))]


def due_snoozes(tx: Snapshot, at: int) -> list[int]:
    return [
        row["id"]
        for row in tx.all(
            "SELECT id FROM conversation WHERE state = 'snoozed' AND snooze_until <= ? LIMIT 100", (at,)
        )
    ]


def one(tx: Snapshot, conversation_id: int, me: int = 0) -> Conversation:
    """The conversation, or the one in which it goes on. Raises NotFoundError."""
    row = tx.first(f"{SELECT} WHERE c.id = :id", {"me": me, "id": conversation_id})
    while row is not None and row["joined_into"] is not None:
        row = tx.first(f"{SELECT} WHERE c.id = :id", {"me": me, "id": row["joined_into"]})
    if row is None:
        raise NotFoundError("conversation", conversation_id)
    return from_rows(tx, [row])[0]


def many(tx: Snapshot, ids: list[int], me: int = 0) -> dict[int, Conversation]:
    found = {}
    for start in range(0, len(ids), 500):
        rows = tx.all(
            f"{SELECT} WHERE c.id IN (SELECT value FROM json_each(:ids))",
            {"me": me, "ids": msgspec.json.encode(ids[start : start + 500]).decode()},
        )
        found.update({row.id: row for row in from_rows(tx, rows)})
    return found


def of_customer(
    tx: Snapshot, customer_id: int, me: int, limit: int = 50, sees: int | None = None
) -> list[Conversation]:
    rows = tx.all(
        f"{SELECT} WHERE c.customer_id = :customer AND c.joined_into IS NULL{shares.condition('c.id', sees)}"
        " ORDER BY c.id DESC LIMIT :limit",
        {"me": me, "customer": customer_id, "limit": limit, "sees": sees},
    )
    return from_rows(tx, rows)


def mark_seen(tx: Transaction, operator_id: int, conversation_id: int, seq: int) -> None:
    tx.run(
        "INSERT INTO seen (operator_id, conversation_id, seq) VALUES (?, ?, ?)"
        " ON CONFLICT (operator_id, conversation_id) DO UPDATE SET seq = max(seen.seq, excluded.seq)",
        (operator_id, conversation_id, seq),
    )
