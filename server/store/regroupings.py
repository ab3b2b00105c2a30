"""Messages that change their conversation, and conversations that go on in another one."""

from __future__ import annotations

from typing import Any

import msgspec

from server.cases.media import channel_of_event
from server.protocol import Regrouping
from server.store import previews
from server.store.conversations import NotFoundError
from server.store.transaction import Snapshot, Transaction


class Regrouped(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the journal. `moved` holds ids and numbers, never words."""

    id: int
    kind: str
    source: int
    target: int
    moved: dict[str, Any]
    undone: bool


def write_down(
    tx: Transaction, kind: str, source: int, target: int, moved: dict[str, Any], operator_id: int | None
) -> int:
    return tx.insert(
        "INSERT INTO regrouping (at, kind, from_conversation, into_conversation, operator_id, moved)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (tx.now, kind, source, target, operator_id, msgspec.json.encode(moved).decode()),
    )


def one(tx: Snapshot, regrouping_id: int) -> Regrouped:
    """Raises NotFoundError."""
    row = tx.first("SELECT * FROM regrouping WHERE id = ?", (regrouping_id,))
    if row is None:
        raise NotFoundError("regrouping", regrouping_id)
    return Regrouped(
        id=row["id"],
        kind=row["kind"],
        source=row["from_conversation"],
        target=row["into_conversation"],
        moved=msgspec.json.decode(row["moved"]),
        undone=row["undone_at"] is not None,
    )


def mark_undone(tx: Transaction, regrouping_id: int, operator_id: int | None) -> None:
    tx.run(
        "UPDATE regrouping SET undone_at = ?, undone_by = ? WHERE id = ?",
        (tx.now, operator_id, regrouping_id),
    )


def of_conversation(tx: Snapshot, conversation_id: int) -> list[Regrouping]:
    """What can be taken back here, newest first."""
    return [
        Regrouping(
            id=row["id"],
            kind=row["kind"],
            at=row["at"],
            from_conversation=row["from_conversation"],
            into_conversation=row["into_conversation"],
            by=row["name"] or "",
        )
        for row in tx.all(
            "SELECT r.*, o.name FROM regrouping r LEFT JOIN operator o ON o.id = r.operator_id"
            " WHERE (r.from_conversation = :id OR r.into_conversation = :id) AND r.undone_at IS NULL"
            " ORDER BY r.id DESC LIMIT 50",
            {"id": conversation_id},
        )
    ]


def mixed_since(tx: Snapshot, customer_id: int, part: list[int], since: int) -> list[int]:
    """Where since then a conversation of the cards `part` was joined with one of the customer's other cards:
    every split and join since then, newest first. Otherwise nothing."""
    rows = tx.all(
        "SELECT r.id, r.kind,"
        " (coalesce(a.card_id, a.customer_id) IN (SELECT value FROM json_each(:part))) !="
        " (coalesce(b.card_id, b.customer_id) IN (SELECT value FROM json_each(:part))) AS mixed"
        " FROM regrouping r JOIN conversation a ON a.id = r.from_conversation"
        " JOIN conversation b ON b.id = r.into_conversation"
        " WHERE a.customer_id = :customer AND r.at >= :since AND r.undone_at IS NULL ORDER BY r.id DESC",
        {"customer": customer_id, "part": msgspec.json.encode(part).decode(), "since": since},
    )
    return [row["id"] for row in rows] if any(row["mixed"] for row in rows) else []


def keep_card(tx: Transaction, source: int, made: int) -> None:
    """What was split off is of the card whose address wrote it, or else of the card of `source`."""
    tx.run(
        "UPDATE conversation SET card_id = coalesce("
        "(SELECT a.card_id FROM message m JOIN address a ON a.id = m.address_id"
        " WHERE m.conversation_id = :made AND m.stranger = 0 ORDER BY m.id LIMIT 1),"
        "(SELECT card_id FROM conversation WHERE id = :source)) WHERE id = :made",
        {"source": source, "made": made},
    )


def message_ids(tx: Snapshot, conversation_id: int) -> list[int]:
    rows = tx.all("SELECT id FROM message WHERE conversation_id = ? ORDER BY id", (conversation_id,))
    return [row["id"] for row in rows]


def present(tx: Snapshot, conversation_id: int, ids: list[int]) -> list[int]:
    """Those of the messages that are in this conversation."""
    rows = tx.all(
        "SELECT id FROM message WHERE conversation_id = ? AND id IN (SELECT value FROM json_each(?))"
        " ORDER BY id",
        (conversation_id, msgspec.json.encode(ids).decode()),
    )
    return [row["id"] for row in rows]


def move_messages(tx: Transaction, ids: list[int], conversation_id: int) -> None:
    """The messages, with their customer, belong to this conversation now."""
    tx.run(
        "UPDATE message SET conversation_id = :to,"
        " customer_id = (SELECT customer_id FROM conversation WHERE id = :to)"
        " WHERE id IN (SELECT value FROM json_each(:ids))",
        {"to": conversation_id, "ids": msgspec.json.encode(ids).decode()},
    )


def move_threads(tx: Transaction, source: int, target: int, *, of_messages: bool) -> list[list[str]]:
    """Threads of `source` go on in `target`; (channel, thread) of each. `of_messages`: only those whose
    latest message is in `target`."""
    condition = (
        " AND (SELECT m.conversation_id FROM message m WHERE m.channel_id = thread.channel_id"
        " AND m.thread = thread.thread ORDER BY m.id DESC LIMIT 1) = :target"
        if of_messages
        else ""
    )
    rows = tx.all(
        f"SELECT channel_id, thread FROM thread WHERE conversation_id = :source{condition}",
        {"source": source, "target": target},
    )
    names = [[row["channel_id"], row["thread"]] for row in rows]
    lead_threads(tx, names, source, target)
    return names


def lead_threads(tx: Transaction, names: list[list[str]], source: int, target: int) -> None:
    """These threads, where they lead to `source`, lead to `target`."""
    for channel_id, thread in names:
        tx.run(
            "UPDATE thread SET conversation_id = ?"
            " WHERE channel_id = ? AND thread = ? AND conversation_id = ?",
            (target, channel_id, thread, source),
        )


def move_drafts(tx: Transaction, source: int, target: int) -> list[list[Any]]:
    """Drafts of `source` go to `target` where their operator has none there; (operator, kind) of each."""
    rows = tx.all(
        "SELECT operator_id, kind FROM draft AS mine WHERE conversation_id = :source AND NOT EXISTS ("
        "SELECT 1 FROM draft AS other WHERE other.conversation_id = :target"
        " AND other.operator_id = mine.operator_id AND other.kind = mine.kind)",
        {"source": source, "target": target},
    )
    keys: list[list[Any]] = [[row["operator_id"], row["kind"]] for row in rows]
    lead_drafts(tx, keys, source, target)
    return keys


def lead_drafts(tx: Transaction, keys: list[list[Any]], source: int, target: int) -> None:
    for operator_id, kind in keys:
        tx.run(
            "UPDATE draft SET conversation_id = :target WHERE operator_id = :operator AND kind = :kind"
            " AND conversation_id = :source AND NOT EXISTS ("
            "SELECT 1 FROM draft AS other WHERE other.conversation_id = :target"
            " AND other.operator_id = :operator AND other.kind = :kind)",
            {"operator": operator_id, "kind": kind, "source": source, "target": target},
        )


def add_tags(tx: Transaction, source: int, target: int) -> list[str]:
    """The tags of `source` that `target` has not; they are added to it."""
    rows = tx.all(
        "SELECT tag FROM conversation_tag WHERE conversation_id = ?"
        " AND tag NOT IN (SELECT tag FROM conversation_tag WHERE conversation_id = ?) ORDER BY tag",
        (source, target),
    )
    for row in rows:
        tx.run(
            "INSERT INTO conversation_tag (conversation_id, tag, at, operator_id)"
            " SELECT ?, tag, at, operator_id FROM conversation_tag WHERE conversation_id = ? AND tag = ?",
            (target, source, row["tag"]),
        )
    return [row["tag"] for row in rows]


def remove_tags(tx: Transaction, conversation_id: int, tags: list[str]) -> None:
    for tag in tags:
        tx.run("DELETE FROM conversation_tag WHERE conversation_id = ? AND tag = ?", (conversation_id, tag))


def later(tx: Snapshot, regrouping_id: int) -> int | None:
    """A newer split or join, not taken back, of one of the same two conversations."""
    value = tx.value(
        "SELECT newer.id FROM regrouping r"
        " JOIN regrouping newer ON newer.id > r.id AND newer.undone_at IS NULL"
        " AND (newer.from_conversation IN (r.from_conversation, r.into_conversation)"
        " OR newer.into_conversation IN (r.from_conversation, r.into_conversation))"
        " WHERE r.id = ? LIMIT 1",
        (regrouping_id,),
    )
    return None if value is None else int(value)


def join_into(tx: Transaction, conversation_id: int, target: int | None) -> None:
    tx.run("UPDATE conversation SET joined_into = ? WHERE id = ?", (target, conversation_id))


def unanswered_since(tx: Snapshot, conversation_id: int) -> int | None:
    """When the customer's first message came that nothing of ours followed; None where nothing waits."""
    value = tx.value(
        "SELECT min(received_at) FROM message WHERE conversation_id = :id AND kind = 'in' AND automatic = 0"
        " AND channel_id != ''"
        " AND seq > coalesce((SELECT max(seq) FROM message WHERE conversation_id = :id AND kind = 'out'), 0)",
        {"id": conversation_id},
    )
    return None if value is None else int(value)


def refresh(tx: Transaction, conversation_id: int, seq: int) -> None:
    """What a conversation's row says of its messages, read from them anew."""
    spoken = tx.all(
        "SELECT id, kind, event_kind, channel_id, seq, received_at, automatic FROM message"
        " WHERE conversation_id = ? AND kind IN ('in', 'out') ORDER BY id",
        (conversation_id,),
    )
    channels = dict.fromkeys(row["channel_id"] or channel_of_event(row["event_kind"]) for row in spoken)
    # What a colleague wrote down of a call or a visit is no message that waits for an answer, or is one.
    sent = [row for row in spoken if row["channel_id"]]
    theirs = [row for row in sent if row["kind"] == "in" and not row["automatic"]]
    ours = [row for row in sent if row["kind"] == "out"]
    last = spoken[-1] if spoken else None
    tx.run(
        "UPDATE conversation SET seq = :seq, channels = :channels, channel_id = :channel, last_at = :last_at,"
        " customer_seq = :theirs, reply_seq = :ours WHERE id = :id",
        {
            "id": conversation_id,
            "seq": seq,
            "channels": " ".join(filter(None, channels)),
            "channel": theirs[-1]["channel_id"] if theirs else sent[0]["channel_id"] if sent else "",
            "last_at": last["received_at"] if last else 0,
            "theirs": theirs[-1]["seq"] if theirs else 0,
            "ours": ours[-1]["seq"] if ours else 0,
        },
    )
    previews.renew(tx, conversation_id)
