"""A person's river: everything said to him or by him, on all channels, or one; his notes and files as lists.

Every page is read along an index of the person, so that it costs the same however long his history is.
"""

from __future__ import annotations

from typing import NamedTuple

from server.protocol import CustomerFile, Message
from server.store import messages, shares
from server.store.transaction import Snapshot

Key = tuple[int, int]  # (at, id) of a message
TOP: Key = (1 << 62, 0)
_SHOWN = "m.event_kind != 'withdrawn'"  # what was taken back before it left was never said


class Only(NamedTuple):
    """The part of a river that is asked for."""

    channel: str = ""  # "": of all
    sees: int | None = None  # what was shared with this operator; None: everything


EVERYTHING = Only()


def _ids(
    tx: Snapshot,
    customer_id: int,
    only: Only,
    condition: str,
    direction: str,
    key: Key,
    limit: int,
) -> list[tuple[int, int]]:
    where = f"m.customer_id = :customer AND {_SHOWN}"
    where += " AND m.channel_id = :channel" if only.channel else ""
    where += shares.condition("m.conversation_id", only.sees)
    rows = tx.all(
        f"SELECT m.at, m.id FROM message m WHERE {where} AND (m.at, m.id) {condition} (:at, :id)"
        f" ORDER BY m.at {direction}, m.id {direction} LIMIT :limit",
        {
            "customer": customer_id,
            "channel": only.channel,
            "sees": only.sees,
            "at": key[0],
            "id": key[1],
            "limit": limit,
        },
    )
    return [(row["at"], row["id"]) for row in rows]


def older(
    tx: Snapshot, customer_id: int, before: Key | None, limit: int, only: Only = EVERYTHING
) -> tuple[list[Message], Key | None]:
    """The page that ends before the key, oldest first; the second value is the key of the one before it."""
    keys = _ids(tx, customer_id, only, "<", "DESC", before or TOP, limit + 1)
    more = keys[limit - 1] if len(keys) > limit else None
    return _in_order(tx, keys[:limit][::-1]), more


def newer(
    tx: Snapshot, customer_id: int, after: Key, limit: int, only: Only = EVERYTHING
) -> tuple[list[Message], Key | None]:
    """The page that begins after the key, oldest first; the second value is the key of the one after it."""
    keys = _ids(tx, customer_id, only, ">", "ASC", after, limit + 1)
    more = keys[limit - 1] if len(keys) > limit else None
    return _in_order(tx, keys[:limit]), more


def around(
    tx: Snapshot, customer_id: int, message_id: int, limit: int, only: Only = EVERYTHING
) -> tuple[list[Message], Key | None, Key | None] | None:
    """A page with this message in its middle, and the keys to both sides; None where it is not his."""
    row = tx.first(
        "SELECT m.at, m.id FROM message m WHERE m.id = :id AND m.customer_id = :customer"
        + shares.condition("m.conversation_id", only.sees),
        {"id": message_id, "customer": customer_id, "sees": only.sees},
    )
    if row is None:
        return None
    middle = (row["at"], row["id"])
    half = max(1, limit // 2)
    before = _ids(tx, customer_id, only, "<=", "DESC", middle, half + 1)
    after = _ids(tx, customer_id, only, ">", "ASC", middle, half + 1)
    older_key = before[half - 1] if len(before) > half else None
    newer_key = after[half - 1] if len(after) > half else None
    return _in_order(tx, [*before[:half][::-1], *after[:half]]), older_key, newer_key


def _in_order(tx: Snapshot, keys: list[Key]) -> list[Message]:
    found = messages.many(tx, [message_id for _, message_id in keys])
    return [found[message_id] for _, message_id in keys]


def notes(
    tx: Snapshot, customer_id: int, before: Key | None, limit: int, sees: int | None = None
) -> tuple[list[Message], Key | None]:
    """Newest first, of all conversations."""
    at, message_id = before or TOP
    rows = tx.all(
        "SELECT m.at, m.id FROM message m WHERE m.customer_id = :customer AND m.kind = 'note'"
        f" AND (m.at, m.id) < (:at, :id){shares.condition('m.conversation_id', sees)}"
        " ORDER BY m.at DESC, m.id DESC LIMIT :limit",
        {"customer": customer_id, "at": at, "id": message_id, "limit": limit + 1, "sees": sees},
    )
    keys = [(row["at"], row["id"]) for row in rows]
    return _in_order(tx, keys[:limit]), keys[limit - 1] if len(keys) > limit else None


def files(
    tx: Snapshot, customer_id: int, before: Key | None, limit: int, sees: int | None = None
) -> tuple[list[CustomerFile], Key | None]:
    """Newest first, of all time; files of one message are never on two pages."""
    at, message_id = before or TOP
    carrying = tx.all(
        "SELECT m.at, m.id, m.files FROM message m WHERE m.customer_id = :customer AND m.files > 0"
        f" AND {_SHOWN} AND (m.at, m.id) < (:at, :id){shares.condition('m.conversation_id', sees)}"
        " ORDER BY m.at DESC, m.id DESC LIMIT :limit",
        {"customer": customer_id, "at": at, "id": message_id, "limit": limit + 1, "sees": sees},
    )
    listed: list[CustomerFile] = []
    last: Key | None = None
    for row in carrying:
        if len(listed) >= limit:
            return listed, last
        listed += _files_of(tx, row["id"])
        last = (row["at"], row["id"])
    return listed, None


def _files_of(tx: Snapshot, message_id: int) -> list[CustomerFile]:
    return [
        CustomerFile(
            id=row["id"],
            name=row["name"],
            content_type=row["content_type"],
            size=row["size"],
            kind=row["kind"],
            problem=row["problem"],
            stated=row["stated"],
            width=row["width"],
            height=row["height"],
            message_id=message_id,
            conversation_id=row["conversation_id"],
            at=row["at"],
            mark=row["channel_id"],  # the store names channels; consoles are shown marks
            from_customer=row["from_customer"] == "in",
        )
        for row in tx.all(
            "SELECT a.*, m.conversation_id, m.at, m.channel_id, m.kind AS from_customer FROM attachment a"
            " JOIN message m ON m.id = a.message_id WHERE a.message_id = ? ORDER BY a.id",
            (message_id,),
        )
    ]
