"""Cards that became part of other cards, and are taken out again.

Every row remembers in `card_id` the card it was given to; `customer_id` is the card which that one is part
of today. So a merge writes `customer_id` only, and taking one back asks no more than where each card
belongs now: in whatever order merges are made and undone, what is left is what their absence would be.
"""

from __future__ import annotations

import msgspec

from server.protocol import MergeInfo
from server.store.conversations import NotFoundError
from server.store.transaction import Snapshot, Transaction

# What moves by itself. Messages follow their conversation. Tags, links, suggestions, codes and the journal
# name the card they speak of, and ask `root_of` or `cards_of` who that is today.
_OWNED = ("address", "conversation", "field", "record", "origin")


class Merge(msgspec.Struct, frozen=True, kw_only=True):
    """`renamed`: the card had only an address for a name, and got one from the card it took in."""

    id: int
    at: int
    source: int
    target: int
    undone: bool
    renamed: bool


def root_of(tx: Snapshot, customer_id: int) -> int:
    """The card that this one is part of today; itself where it is nobody's part."""
    return int(tx.value("SELECT coalesce(root_id, id) FROM customer WHERE id = ?", (customer_id,)) or 0)


def cards_of(tx: Snapshot, customer_id: int) -> list[int]:
    """The card and all that are part of it."""
    parts = tx.all("SELECT id FROM customer WHERE root_id = ? ORDER BY id", (customer_id,))
    return [customer_id, *(row["id"] for row in parts)]


def one(tx: Snapshot, merge_id: int) -> Merge:
    """Raises NotFoundError."""
    row = tx.first("SELECT * FROM merge WHERE id = ?", (merge_id,))
    if row is None:
        raise NotFoundError("merge", merge_id)
    moved = msgspec.json.decode(row["moved"])
    return Merge(
        id=row["id"],
        at=row["at"],
        source=row["from_customer"],
        target=row["into_customer"],
        undone=row["undone_at"] is not None,
        renamed=moved.get("renamed", False),
    )


def write_down(
    tx: Transaction,
    source: int,
    target: int,
    *,
    evidence: str,
    operator_id: int | None,
    renamed: bool,
) -> int:
    """The journal row that can take the merge back; its id."""
    moved = msgspec.json.encode({"renamed": renamed}).decode()
    return tx.insert(
        "INSERT INTO merge (at, from_customer, into_customer, evidence, moved, operator_id)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        (tx.now, source, target, evidence, moved, operator_id),
    )


def take_into(tx: Transaction, source: int, target: int) -> None:
    """Make the card `source`, with its parts, part of `target`. Neither may be part of another."""
    tx.run("UPDATE customer SET merged_into = ? WHERE id = ?", (target, source))
    tx.run("UPDATE customer SET root_id = ? WHERE id = ? OR root_id = ?", (target, source, source))
    for table in _OWNED:
        tx.run(
            f"UPDATE {table} SET card_id = coalesce(card_id, customer_id), customer_id = :target"
            " WHERE customer_id = :source",
            {"source": source, "target": target},
        )
    tx.run("UPDATE message SET customer_id = ? WHERE customer_id = ?", (target, source))


def were_parted(tx: Snapshot, one: int, other: int) -> bool:
    """Whether an operator took back a merge of these two, or of cards that are part of them."""
    pair = [msgspec.json.encode(cards_of(tx, card)).decode() for card in (one, other)]
    return (
        tx.value(
            "SELECT 1 FROM merge WHERE undone_by IS NOT NULL AND ("
            "from_customer IN (SELECT value FROM json_each(:one))"
            " AND into_customer IN (SELECT value FROM json_each(:other))"
            " OR from_customer IN (SELECT value FROM json_each(:other))"
            " AND into_customer IN (SELECT value FROM json_each(:one))) LIMIT 1",
            {"one": pair[0], "other": pair[1]},
        )
        is not None
    )


def part_of(tx: Snapshot, card_id: int) -> list[int]:
    """The card and what was part of it before it became part of another itself."""
    rows = tx.all(
        "WITH RECURSIVE part (id) AS (VALUES (:card) UNION ALL"
        " SELECT k.id FROM customer k JOIN part ON k.merged_into = part.id) SELECT id FROM part",
        {"card": card_id},
    )
    return [row["id"] for row in rows]


def take_out(tx: Transaction, merge: Merge, operator_id: int | None) -> tuple[int, int, list[int]]:
    """Make the card a card again, with what was part of it before; (the card it was part of, the card,
    conversations that went with it)."""
    whole, part = root_of(tx, merge.source), merge.source
    cards = msgspec.json.encode(part_of(tx, part)).decode()
    tx.run(
        "UPDATE customer SET root_id = nullif(:part, id) WHERE id IN (SELECT value FROM json_each(:cards))",
        {"part": part, "cards": cards},
    )
    tx.run("UPDATE customer SET merged_into = NULL WHERE id = ?", (part,))
    tx.run("UPDATE merge SET undone_at = ?, undone_by = ? WHERE id = ?", (tx.now, operator_id, merge.id))
    for table in _OWNED:
        tx.run(
            f"UPDATE {table} SET customer_id = :part"
            " WHERE customer_id = :whole AND card_id IN (SELECT value FROM json_each(:cards))",
            {"whole": whole, "part": part, "cards": cards},
        )
    returned = [
        row["id"] for row in tx.all("SELECT id FROM conversation WHERE customer_id = ? ORDER BY id", (part,))
    ]
    tx.run(
        "UPDATE message SET customer_id = :part WHERE customer_id = :whole"
        " AND conversation_id IN (SELECT id FROM conversation WHERE customer_id = :part)",
        {"whole": whole, "part": part},
    )
    return whole, part, returned


def strays(tx: Snapshot, whole: int, part: int) -> list[tuple[int, int, list[int]]]:
    """(conversation, whose these messages are, message ids): what one of the two said, or was told, in a
    conversation that is the other's, and not as a stranger."""
    found: dict[tuple[int, int], list[int]] = {}
    for row in tx.all(
        "SELECT m.id, m.conversation_id, a.customer_id AS owner FROM message m"
        " JOIN address a ON a.id = m.address_id"
        " WHERE m.customer_id IN (:whole, :part) AND m.kind IN ('in', 'out')"
        " AND m.stranger = 0 AND a.customer_id IN (:whole, :part) AND a.customer_id != m.customer_id"
        " ORDER BY m.id",
        {"whole": whole, "part": part},
    ):
        found.setdefault((row["conversation_id"], row["owner"]), []).append(row["id"])
    return [(conversation, owner, ids) for (conversation, owner), ids in found.items()]


def into(tx: Snapshot, customer_id: int) -> list[MergeInfo]:
    """What is part of this card and can be taken out, newest first."""
    return [
        MergeInfo(
            id=row["id"], at=row["at"], name=row["name"], evidence=row["evidence"], by=row["operator"] or ""
        )
        for row in tx.all(
            "SELECT m.id, m.at, k.name, m.evidence, o.name AS operator FROM merge m"
            " JOIN customer k ON k.id = m.from_customer LEFT JOIN operator o ON o.id = m.operator_id"
            " WHERE k.root_id = ? AND m.undone_at IS NULL ORDER BY m.id DESC",
            (customer_id,),
        )
    ]
