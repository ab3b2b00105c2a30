"""Texts kept ready, and their wordings."""

from __future__ import annotations

import sqlite3

import msgspec

from server.cases.variables import variables
from server.protocol import Template, Variant
from server.store.transaction import Snapshot, Transaction

_SELECT = """
SELECT t.id, t.code, t.title, t.asks, t.updated_at, o.name AS operator
FROM template t LEFT JOIN operator o ON o.id = t.operator_id
"""


def everything(tx: Snapshot) -> list[Template]:
    """In the order of their codes."""
    found = {row["id"]: _from_row(row) for row in tx.all(f"{_SELECT} ORDER BY t.code")}
    for row in tx.all("SELECT * FROM template_variant ORDER BY template_id, position"):
        found[row["template_id"]].variants.append(
            Variant(text=row["text"], language=row["language"], on=row["on_channel"])
        )
    return list(found.values())


def one(tx: Snapshot, code: str) -> Template | None:
    row = tx.first(f"{_SELECT} WHERE t.code = ?", (code,))
    if row is None:
        return None
    found = _from_row(row)
    found.variants = [
        Variant(text=variant["text"], language=variant["language"], on=variant["on_channel"])
        for variant in tx.all(
            "SELECT * FROM template_variant WHERE template_id = ? ORDER BY position", (row["id"],)
        )
    ]
    return found


def count(tx: Snapshot) -> int:
    return int(tx.value("SELECT count(*) FROM template"))


def put(
    tx: Transaction, code: str, title: str, variants: list[Variant], asks: list[str], operator_id: int
) -> None:
    """The template of this code is exactly this from now on."""
    number = tx.value(
        "INSERT INTO template (code, title, asks, updated_at, operator_id) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (code) DO UPDATE SET title = excluded.title, asks = excluded.asks,"
        " updated_at = excluded.updated_at,"
        " operator_id = excluded.operator_id RETURNING id",
        (code, title, msgspec.json.encode(asks).decode(), tx.now, operator_id),
    )
    tx.run("DELETE FROM template_variant WHERE template_id = ?", (number,))
    for position, variant in enumerate(variants):
        tx.run(
            "INSERT INTO template_variant (template_id, position, language, on_channel, text, variables)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (number, position, variant.language, variant.on, variant.text, " ".join(variables(variant.text))),
        )
    tx.emit("template.changed", operator_id=operator_id, data={"template": number})


def remove(tx: Transaction, code: str, operator_id: int) -> bool:
    """Whether there was one."""
    number = tx.value("SELECT id FROM template WHERE code = ?", (code,))
    if number is None:
        return False
    tx.run("DELETE FROM template WHERE id = ?", (number,))
    tx.emit("template.changed", operator_id=operator_id, data={"template": number, "removed": True})
    return True


def variables_in_use(tx: Snapshot) -> set[str]:
    """Names that any wording has filled in."""
    rows = tx.all("SELECT DISTINCT variables FROM template_variant WHERE variables != ''")
    return {name for row in rows for name in row["variables"].split()}


def _from_row(row: sqlite3.Row) -> Template:
    return Template(
        code=row["code"],
        title=row["title"],
        variants=[],
        updated_at=row["updated_at"],
        asks=msgspec.json.decode(row["asks"]),
        by=row["operator"] or "",
    )
