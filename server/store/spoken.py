"""Who spoke in a conversation last, or since: what is decided by is asked here. Reads only."""

from __future__ import annotations

import msgspec

from server.store.messages import Posted
from server.store.transaction import Snapshot


def newest_id(tx: Snapshot, conversation_id: int) -> int:
    """0 where nothing was said in it."""
    return int(
        tx.value("SELECT coalesce(max(id), 0) FROM message WHERE conversation_id = ?", (conversation_id,))
    )


def said_by_itself(tx: Snapshot, message_id: int) -> bool:
    """Whether the server wrote it, and no operator."""
    row = tx.first("SELECT automatic, operator_id FROM message WHERE id = ?", (message_id,))
    return row is not None and bool(row["automatic"]) and row["operator_id"] is None


def next_reply(tx: Snapshot, conversation_id: int, message_id: int) -> Posted | None:
    """The first answer of an operator there after this message that left, leaves, or may have left."""
    row = tx.first(
        "SELECT id, seq FROM message WHERE conversation_id = ? AND id > ? AND kind = 'out'"
        " AND operator_id IS NOT NULL AND status NOT IN ('scheduled', 'withdrawn', 'failed')"
        " ORDER BY id LIMIT 1",
        (conversation_id, message_id),
    )
    return None if row is None else Posted(row["id"], row["seq"])


def spoken_since(tx: Snapshot, conversation_id: int, message_id: int) -> bool:
    """Whether the customer or one of us said anything there after this message."""
    return (
        tx.value(
            "SELECT 1 FROM message WHERE conversation_id = ? AND id > ? AND kind IN ('in', 'out')"
            " AND status NOT IN ('scheduled', 'withdrawn', 'failed') LIMIT 1",
            (conversation_id, message_id),
        )
        is not None
    )


def operator_wrote_since(tx: Snapshot, conversation_id: int, at: int) -> bool:
    sql = (
        "SELECT 1 FROM message WHERE conversation_id = ? AND kind = 'out' AND operator_id IS NOT NULL"
        " AND automatic = 0 AND received_at >= ? LIMIT 1"
    )
    return tx.value(sql, (conversation_id, at)) is not None


def from_customer(tx: Snapshot, message_id: int) -> bool:
    """Whether the conversation's customer himself said it, and no machine of his."""
    return (
        tx.value(
            "SELECT 1 FROM message WHERE id = ? AND kind = 'in' AND automatic = 0 AND stranger = 0",
            (message_id,),
        )
        is not None
    )


def takes_part(tx: Snapshot, conversation_id: int, customer_id: int) -> bool:
    """Whether this customer wrote in the conversation, be it his own or as a stranger in it."""
    return (
        tx.value(
            "SELECT 1 FROM message m JOIN address a ON a.id = m.address_id"
            " WHERE m.conversation_id = ? AND m.kind = 'in' AND a.customer_id = ? LIMIT 1",
            (conversation_id, customer_id),
        )
        is not None
    )


def news_since(
    tx: Snapshot, conversation_id: int, after_seq: int, operator_id: int, customer_too: bool
) -> list[int]:
    """Messages that hold a reply: a colleague's to the customer (from outside of the console too), and the
    customer's where that counts."""
    return [
        row["id"]
        for row in tx.all(
            "SELECT id FROM message WHERE conversation_id = ? AND seq > ? AND ("
            " (kind = 'out' AND automatic = 0 AND operator_id IS DISTINCT FROM ?)"
            " OR (kind = 'in' AND ? AND automatic = 0)) ORDER BY id LIMIT 50",
            (conversation_id, after_seq, operator_id, int(customer_too)),
        )
    ]


def newest_inbound_at(tx: Snapshot, conversation_id: int) -> int:
    """When the customer wrote last; 0 where he never did."""
    return int(
        tx.value(
            "SELECT coalesce(max(at), 0) FROM message"
            " WHERE conversation_id = ? AND kind = 'in' AND automatic = 0",
            (conversation_id,),
        )
    )


def newest_seq(tx: Snapshot, conversation_id: int) -> int:
    return int(
        tx.value("SELECT coalesce(max(seq), 0) FROM message WHERE conversation_id = ?", (conversation_id,))
    )


class LastInbound(msgspec.Struct, frozen=True):
    channel_id: str = ""
    address_id: int | None = None
    thread: str = ""


def last_inbound(tx: Snapshot, conversation_id: int, customer_id: int) -> LastInbound:
    """Where this customer wrote last, or was led to, in the conversation; or else wrote anywhere."""
    row = tx.first(
        "SELECT m.channel_id, m.address_id, m.thread FROM message m"
        " WHERE m.conversation_id = ? AND m.kind = 'in'"
        " AND (m.visible_seq IS NOT NULL OR m.event_kind = 'continued')"
        " AND m.stranger = 0 AND m.automatic = 0 ORDER BY m.id DESC LIMIT 1",
        (conversation_id,),
    ) or tx.first(
        "SELECT m.channel_id, m.address_id, m.thread FROM message m WHERE m.customer_id = ? AND m.kind = 'in'"
        " AND m.visible_seq IS NOT NULL AND m.stranger = 0 ORDER BY m.at DESC, m.id DESC LIMIT 1",
        (customer_id,),
    )
    return LastInbound() if row is None else LastInbound(row["channel_id"], row["address_id"], row["thread"])
