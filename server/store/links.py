"""People who belong together and are not one. A link names cards; who they are today is asked for."""

from __future__ import annotations

import msgspec

from server.protocol import LinkedPerson
from server.store import merges
from server.store.transaction import Snapshot, Transaction


class Link(msgspec.Struct, frozen=True):
    id: int
    one: int  # who they are today
    other: int
    relation: str


def put(tx: Transaction, one: int, other: int, relation: str, operator_id: int | None) -> int:
    """Its id; a link between the same two gets the new relation."""
    known = next((link for link in _of(tx, one) if other in (link.one, link.other)), None)
    if known is not None:
        tx.run(
            "UPDATE link SET relation = ?, operator_id = ?, at = ? WHERE id = ?",
            (relation, operator_id, tx.now, known.id),
        )
        return known.id
    return tx.insert(
        "INSERT INTO link (one_customer, other_customer, relation, operator_id, at) VALUES (?, ?, ?, ?, ?)",
        (min(one, other), max(one, other), relation, operator_id, tx.now),
    )


def find(tx: Snapshot, link_id: int) -> Link | None:
    row = tx.first("SELECT * FROM link WHERE id = ?", (link_id,))
    if row is None:
        return None
    one, other = merges.root_of(tx, row["one_customer"]), merges.root_of(tx, row["other_customer"])
    return Link(row["id"], one, other, row["relation"])


def drop(tx: Transaction, link_id: int) -> None:
    tx.run("DELETE FROM link WHERE id = ?", (link_id,))


def _of(tx: Snapshot, customer_id: int) -> list[Link]:
    cards = msgspec.json.encode(merges.cards_of(tx, customer_id)).decode()
    rows = tx.all(
        "SELECT id FROM link WHERE one_customer IN (SELECT value FROM json_each(:cards))"
        " UNION SELECT id FROM link WHERE other_customer IN (SELECT value FROM json_each(:cards))"
        " ORDER BY id",
        {"cards": cards},
    )
    found = [find(tx, row["id"]) for row in rows]
    # Both ends may have become one person since.
    return [link for link in found if link is not None and link.one != link.other]


def of(tx: Snapshot, customer_id: int) -> list[LinkedPerson]:
    linked = []
    for link in _of(tx, customer_id):
        other = link.other if link.one == customer_id else link.one
        name = tx.value("SELECT name FROM customer WHERE id = ?", (other,))
        linked.append(LinkedPerson(id=link.id, customer_id=other, name=name, relation=link.relation))
    return linked
