"""Addresses by what they look like."""

from __future__ import annotations

from server.store.transaction import Snapshot, Transaction


def remember(tx: Transaction, address_id: int, skeleton: str) -> None:
    tx.run(
        "INSERT INTO skeleton (address_id, skeleton) VALUES (?, ?)"
        " ON CONFLICT (address_id) DO UPDATE SET skeleton = excluded.skeleton"
        " WHERE skeleton.skeleton != excluded.skeleton",
        (address_id, skeleton),
    )


def older_twin(tx: Snapshot, address_id: int, skeleton: str) -> str:
    """The oldest address of another customer with this skeleton, if it is older than this address."""
    row = tx.first(
        "SELECT a.external_id FROM skeleton s JOIN address a ON a.id = s.address_id"
        " JOIN address mine ON mine.id = :mine WHERE s.skeleton = :skeleton AND a.id < :mine"
        " AND a.customer_id != mine.customer_id AND a.external_id != mine.external_id ORDER BY a.id LIMIT 1",
        {"mine": address_id, "skeleton": skeleton},
    )
    return "" if row is None else str(row["external_id"])
