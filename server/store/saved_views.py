"""Filters of lists, kept under a name: one operator's own, and everybody's."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterable

from server.protocol import SavedView, SavedViewCommand
from server.store.transaction import Snapshot, Transaction

WORD_MIN = 3  # letters: of shorter ones nearly every filter has one
OWN_MAX = 100  # of one operator, and of all together those that are shared

_SELECT = "SELECT v.*, o.name AS by_name FROM saved_view v JOIN operator o ON o.id = v.operator_id"


def of_operator(tx: Snapshot, operator_id: int) -> list[SavedView]:
    """His own, then everybody's; by name."""
    rows = tx.all(
        f"{_SELECT} WHERE v.shared = 1 OR v.operator_id = ? ORDER BY v.shared, v.name", (operator_id,)
    )
    return [_from_row(row) for row in rows]


def one(tx: Snapshot, view_id: int) -> SavedView | None:
    row = tx.first(f"{_SELECT} WHERE v.id = ?", (view_id,))
    return None if row is None else _from_row(row)


def count(tx: Snapshot, operator_id: int, *, shared: bool) -> int:
    whose = "shared = 1" if shared else "shared = 0 AND operator_id = :operator"
    return int(tx.value(f"SELECT count(*) FROM saved_view WHERE {whose}", {"operator": operator_id}))


def put(tx: Transaction, operator_id: int, wanted: SavedViewCommand) -> SavedView:
    """Make it, or change the one of this name: his own, or everybody's."""
    conflict = "(name) WHERE shared = 1" if wanted.shared else "(operator_id, name) WHERE shared = 0"
    number = tx.value(
        "INSERT INTO saved_view (operator_id, name, base, filter, shared, updated_at)"
        f" VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT {conflict} DO UPDATE SET operator_id = excluded.operator_id,"
        " base = excluded.base, filter = excluded.filter, updated_at = excluded.updated_at RETURNING id",
        (operator_id, wanted.name, wanted.base, wanted.filter, int(wanted.shared), tx.now),
    )
    tx.emit("view.changed", operator_id=operator_id, data={"view": number, "shared": wanted.shared})
    [row] = tx.all(f"{_SELECT} WHERE v.id = ?", (number,))
    return _from_row(row)


def remove(tx: Transaction, operator_id: int, view: SavedView) -> None:
    tx.run("DELETE FROM saved_view WHERE id = ?", (view.id,))
    tx.emit("view.changed", operator_id=operator_id, data={"view": view.id, "shared": view.shared})


def forget(tx: Transaction, texts: Iterable[str]) -> int:
    """Remove every view in whose name or filter a word of these texts stands; how many.

    Whoever is erased is sought by name no more, even where somebody else bears it too.
    """
    words = {word for text in texts for word in _words(text)}
    gone = 0
    for row in tx.all("SELECT id, operator_id, shared, name, filter FROM saved_view ORDER BY id"):
        if words & {*_words(row["name"]), *_words(row["filter"])}:
            tx.run("DELETE FROM saved_view WHERE id = ?", (row["id"],))
            data = {"view": row["id"], "shared": bool(row["shared"])}
            tx.emit("view.changed", operator_id=row["operator_id"], data=data)
            gone += 1
    return gone


def _words(text: str) -> set[str]:
    return {word for word in re.findall(r"\w+", text.casefold()) if len(word) >= WORD_MIN}


def _from_row(row: sqlite3.Row) -> SavedView:
    return SavedView(
        id=row["id"],
        name=row["name"],
        base=row["base"],
        filter=row["filter"],
        shared=bool(row["shared"]),
        by=row["by_name"],
        by_id=row["operator_id"],
        updated_at=row["updated_at"],
    )
