"""Conversations that were shared with collaborators, who see nothing else."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from server.store.transaction import Snapshot, Transaction


def add(tx: Transaction, conversation_id: int, operator_id: int, *, by: int) -> bool:
    """False where it was shared with him already."""
    done = tx.first(
        "INSERT INTO share (conversation_id, operator_id, by_id, at) VALUES (?, ?, ?, ?)"
        " ON CONFLICT DO NOTHING RETURNING operator_id",
        (conversation_id, operator_id, by, tx.now),
    )
    return done is not None


def end(tx: Transaction, conversation_id: int, operator_id: int) -> bool:
    """False where it was not shared with him."""
    done = tx.first(
        "DELETE FROM share WHERE conversation_id = ? AND operator_id = ? RETURNING operator_id",
        (conversation_id, operator_id),
    )
    return done is not None


def readers(tx: Snapshot, conversation_ids: Iterable[int]) -> dict[int, frozenset[int]]:
    """With whom each of these was shared; what was shared with nobody is not in it."""
    found: dict[int, set[int]] = {}
    for row in tx.all(
        "SELECT conversation_id, operator_id FROM share"
        " WHERE conversation_id IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(list(conversation_ids)).decode(),),
    ):
        found.setdefault(row["conversation_id"], set()).add(row["operator_id"])
    return {key: frozenset(value) for key, value in found.items()}


def people(tx: Snapshot, operator_id: int) -> list[int]:
    """Whose conversations were shared with him."""
    rows = tx.all(
        "SELECT DISTINCT c.customer_id FROM share s JOIN conversation c ON c.id = s.conversation_id"
        " WHERE s.operator_id = ?",
        (operator_id,),
    )
    return [row["customer_id"] for row in rows]


def condition(column: str, sees: int | None) -> str:
    """More of a WHERE, for who sees only what was shared with the operator `:sees`; empty for the others."""
    if sees is None:
        return ""
    return f" AND {column} IN (SELECT conversation_id FROM share WHERE operator_id = :sees)"
