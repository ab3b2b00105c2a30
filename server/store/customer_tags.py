"""Tags of people. They stay with the card they were given to; a person has those of all his cards."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from server.store import merges
from server.store.transaction import Snapshot, Transaction


def of(tx: Snapshot, customer_id: int) -> list[str]:
    return of_many(tx, [customer_id]).get(customer_id, [])


def of_many(tx: Snapshot, customer_ids: Iterable[int]) -> dict[int, list[str]]:
    """By person (not by part), in alphabetical order."""
    found: dict[int, list[str]] = {}
    for row in tx.all(
        "WITH card (id, person) AS (SELECT value, value FROM json_each(:ids)"
        " UNION ALL SELECT k.id, k.root_id FROM customer k"
        " WHERE k.root_id IN (SELECT value FROM json_each(:ids)))"
        " SELECT DISTINCT card.person, t.tag FROM card JOIN customer_tag t ON t.customer_id = card.id"
        " ORDER BY t.tag",
        {"ids": msgspec.json.encode(list(customer_ids)).decode()},
    ):
        found.setdefault(row["person"], []).append(row["tag"])
    return found


def put(tx: Transaction, customer_id: int, tags: Iterable[str], operator_id: int | None) -> bool:
    """The person has exactly these tags from now on; whether that is another set."""
    wanted, have = set(tags), set(of(tx, customer_id))
    for card in merges.cards_of(tx, customer_id):
        for tag in have - wanted:
            tx.run("DELETE FROM customer_tag WHERE customer_id = ? AND tag = ?", (card, tag))
    for tag in sorted(wanted - have):
        add(tx, customer_id, tag, operator_id)
    return wanted != have


def add(tx: Transaction, customer_id: int, tag: str, operator_id: int | None) -> None:
    tx.run(
        "INSERT INTO customer_tag (customer_id, tag, at, operator_id) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (customer_id, tag) DO NOTHING",
        (customer_id, tag, tx.now, operator_id),
    )
