"""Conversations kept apart as spam, how they were before, and whose addresses are barred."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from server.lifecycle import Lifecycle
from server.protocol import State
from server.store.transaction import Snapshot, Transaction


class Before(msgspec.Struct, frozen=True):
    """A conversation's life without its words: those stay in its row."""

    state: State
    assignee_id: int | None
    waiting_since: int | None
    sort_at: int
    snooze_until: int | None
    closed_at: int | None

    @classmethod
    def of(cls, life: Lifecycle) -> Before:
        return cls(
            life.state, life.assignee_id, life.waiting_since, life.sort_at, life.snooze_until, life.closed_at
        )

    def life(self, topic: str = "", result: str = "") -> Lifecycle:
        return Lifecycle(**msgspec.structs.asdict(self), topic=topic, result=result)


class Mark(msgspec.Struct, frozen=True):
    """`operator_id` None: the conversation began with a message from a barred address."""

    id: int
    seq: int
    operator_id: int | None
    before: Before


def is_barred(tx: Snapshot, address_id: int) -> bool:
    return bool(tx.value("SELECT barred FROM address WHERE id = ?", (address_id,)))


def place_of(tx: Snapshot, customer_id: int) -> int | None:
    """Where what this customer's barred addresses bring is kept: his conversation set apart last."""
    value = tx.value(
        "SELECT id FROM conversation WHERE customer_id = ? AND spam = 1 AND joined_into IS NULL"
        " ORDER BY id DESC LIMIT 1",
        (customer_id,),
    )
    return None if value is None else int(value)


def set_apart(
    tx: Transaction, conversation_id: int, before: Lifecycle, seq: int, operator_id: int | None
) -> int:
    """Mark a conversation; the mark that can be lifted."""
    tx.run("UPDATE conversation SET spam = 1 WHERE id = ?", (conversation_id,))
    kept = msgspec.json.encode(Before.of(before)).decode()
    return tx.insert(
        "INSERT INTO spam_mark (conversation_id, at, seq, operator_id, before) VALUES (?, ?, ?, ?, ?)",
        (conversation_id, tx.now, seq, operator_id, kept),
    )


def change_before(tx: Transaction, mark_id: int, before: Lifecycle) -> None:
    tx.run(
        "UPDATE spam_mark SET before = ? WHERE id = ?",
        (msgspec.json.encode(Before.of(before)).decode(), mark_id),
    )


def mark_of(tx: Snapshot, conversation_id: int) -> Mark | None:
    row = tx.first(
        "SELECT id, seq, operator_id, before FROM spam_mark WHERE conversation_id = ? AND lifted_at IS NULL",
        (conversation_id,),
    )
    if row is None:
        return None
    return Mark(row["id"], row["seq"], row["operator_id"], msgspec.json.decode(row["before"], type=Before))


def lift(tx: Transaction, conversation_id: int, mark: Mark, operator_id: int) -> None:
    tx.run("UPDATE conversation SET spam = 0 WHERE id = ?", (conversation_id,))
    tx.run("UPDATE spam_mark SET lifted_at = ?, lifted_by = ? WHERE id = ?", (tx.now, operator_id, mark.id))


def senders(tx: Snapshot, conversation_id: int) -> list[int]:
    """Addresses from which the conversation's own customer wrote in it."""
    return [
        row["address_id"]
        for row in tx.all(
            "SELECT DISTINCT m.address_id FROM message m WHERE m.conversation_id = ? AND m.kind = 'in'"
            " AND m.stranger = 0 AND m.address_id IS NOT NULL ORDER BY m.address_id",
            (conversation_id,),
        )
    ]


def bar(tx: Transaction, mark_id: int, address_ids: Sequence[int]) -> list[int]:
    """The mark wants these addresses barred; those that were not before."""
    for address_id in address_ids:
        tx.run(
            "INSERT INTO spam_address (address_id, mark_id) VALUES (?, ?) ON CONFLICT DO NOTHING",
            (address_id, mark_id),
        )
    return _set(tx, address_ids, barred=True)


def named_by(tx: Snapshot, mark_id: int) -> list[int]:
    rows = tx.all("SELECT address_id FROM spam_address WHERE mark_id = ? ORDER BY address_id", (mark_id,))
    return [row["address_id"] for row in rows]


def let_in(tx: Transaction, address_ids: Sequence[int], *, whatever: bool = False) -> list[int]:
    """Take the bar from those that no mark wants barred any more, or `whatever`; those it was taken from."""
    wanted = [] if whatever else _still_wanted(tx, address_ids)
    return _set(tx, [address_id for address_id in address_ids if address_id not in wanted], barred=False)


def _still_wanted(tx: Snapshot, address_ids: Sequence[int]) -> list[int]:
    rows = tx.all(
        "SELECT DISTINCT s.address_id FROM spam_address s JOIN spam_mark k ON k.id = s.mark_id"
        " WHERE k.lifted_at IS NULL AND s.address_id IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(list(address_ids)).decode(),),
    )
    return [row["address_id"] for row in rows]


def _set(tx: Transaction, address_ids: Sequence[int], *, barred: bool) -> list[int]:
    rows = tx.all(
        "UPDATE address SET barred = :barred WHERE barred != :barred"
        " AND id IN (SELECT value FROM json_each(:ids)) RETURNING id",
        {"barred": int(barred), "ids": msgspec.json.encode(list(address_ids)).decode()},
    )
    return sorted(row["id"] for row in rows)


def heard_since(tx: Snapshot, conversation_id: int, seq: int) -> int | None:
    """When the customer's first message after this event came; None where none came."""
    value = tx.value(
        "SELECT min(received_at) FROM message WHERE conversation_id = ? AND seq > ? AND kind = 'in'"
        " AND automatic = 0 AND visible_seq IS NOT NULL",
        (conversation_id, seq),
    )
    return None if value is None else int(value)
