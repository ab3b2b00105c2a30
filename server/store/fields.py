"""What is known of a person, and was: the newest row of a name is how it is now."""

from __future__ import annotations

import sqlite3

from server.protocol import Consent, Field
from server.protocol.people import Source
from server.store.transaction import Snapshot, Transaction

CONSENT = "consent."
IMPORT = "import."  # what an import must remember of a person
HISTORY_MAX = 500

_SELECT = """
SELECT f.id, f.name, f.value, f.source, f.at, f.message_id, o.name AS operator
FROM field f LEFT JOIN operator o ON o.id = f.operator_id
"""


def _from_row(row: sqlite3.Row) -> Field:
    return Field(
        id=row["id"],
        name=row["name"],
        value=row["value"],
        source=row["source"],
        at=row["at"],
        by=row["operator"] or "",
        message_id=row["message_id"],
    )


def current(tx: Snapshot, customer_id: int) -> dict[str, Field]:
    """By name, those that have a value; consents among them."""
    rows = tx.all(
        f"{_SELECT} WHERE f.id IN (SELECT max(id) FROM field WHERE customer_id = ? GROUP BY name)"
        " AND f.value IS NOT NULL ORDER BY f.name",
        (customer_id,),
    )
    return {row["name"]: _from_row(row) for row in rows}


def one(tx: Snapshot, customer_id: int, name: str) -> Field | None:
    """How it is now, also where it was removed; None where it never was."""
    row = tx.first(
        f"{_SELECT} WHERE f.customer_id = ? AND f.name = ? ORDER BY f.id DESC LIMIT 1", (customer_id, name)
    )
    return None if row is None else _from_row(row)


def history(tx: Snapshot, customer_id: int, name: str) -> list[Field]:
    """Newest first."""
    rows = tx.all(
        f"{_SELECT} WHERE f.customer_id = ? AND f.name = ? ORDER BY f.id DESC LIMIT ?",
        (customer_id, name, HISTORY_MAX),
    )
    return [_from_row(row) for row in rows]


def whole_history(tx: Snapshot, customer_id: int) -> list[Field]:
    """Of every name, in the order in which it was learned; for the export of a person."""
    return [
        _from_row(row) for row in tx.all(f"{_SELECT} WHERE f.customer_id = ? ORDER BY f.id", (customer_id,))
    ]


def last_from(tx: Snapshot, customer_id: int, name: str, source: Source) -> str | None:
    """What this source said last, whatever was put there since."""
    value = tx.value(
        "SELECT value FROM field WHERE customer_id = ? AND name = ? AND source = ? ORDER BY id DESC LIMIT 1",
        (customer_id, name, source),
    )
    return None if value is None else str(value)


def put(
    tx: Transaction,
    customer_id: int,
    name: str,
    value: str | None,
    source: Source,
    *,
    operator_id: int | None = None,
    message_id: int | None = None,
    at: int | None = None,
) -> bool:
    """Whether it is another value than before; only then is it written."""
    before = one(tx, customer_id, name)
    if (before.value if before is not None else None) == value:
        return False
    tx.run(
        "INSERT INTO field (customer_id, name, value, source, operator_id, message_id, at)"
        " VALUES (?, ?, ?, ?, ?, ?, ?)",
        (customer_id, name, value, source, operator_id, message_id, tx.now if at is None else at),
    )
    return True


def learn(tx: Transaction, customer_id: int, name: str, value: str) -> bool:
    """What a channel brings never replaces what a person put there, or took away; whether it is news."""
    before = one(tx, customer_id, name)
    if before is not None and before.source != "channel":
        return False
    return put(tx, customer_id, name, value, "channel")


# --- consents: fields named consent.PURPOSE.SCHEME ------------------------------------------------


def consent_name(purpose: str, scheme: str) -> str:
    """A purpose may hold dots, a scheme holds none."""
    return f"{CONSENT}{purpose}.{scheme}"


def consents(found: dict[str, Field]) -> list[Consent]:
    listed = []
    for name, field in found.items():
        if name.startswith(CONSENT):
            purpose, _, scheme = name.removeprefix(CONSENT).rpartition(".")
            listed.append(
                Consent(
                    purpose=purpose,
                    scheme=scheme,
                    granted=field.value == "yes",
                    source=field.source,
                    at=field.at,
                    by=field.by,
                )
            )
    return listed
