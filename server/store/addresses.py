"""Claimed addresses that are taken off a card again."""

from __future__ import annotations

from server.store.transaction import Transaction


def forget(tx: Transaction, address_id: int) -> bool:
    """Remove a claim, and its twins on parts of the same card; False where something came from it.

    The address must exist.
    """
    [row] = tx.all(
        "SELECT customer_id, scheme, account, external_id FROM address WHERE id = ?", (address_id,)
    )
    twins = [
        twin["id"]
        for twin in tx.all(
            "SELECT id FROM address WHERE customer_id = ? AND scheme = ? AND account = ? AND external_id = ?"
            " AND verified = 0",
            tuple(row),
        )
    ]
    for twin in twins:
        used = tx.value(
            "SELECT EXISTS (SELECT 1 FROM thread WHERE address_id = :id)"
            " OR EXISTS (SELECT 1 FROM message WHERE address_id = :id)"
            " OR EXISTS (SELECT 1 FROM code WHERE address_id = :id)",
            {"id": twin},
        )
        if used:
            return False
    for twin in twins:
        tx.run("DELETE FROM skeleton WHERE address_id = ?", (twin,))
        tx.run("DELETE FROM address WHERE id = ?", (twin,))
    return True
