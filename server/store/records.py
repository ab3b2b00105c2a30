"""Orders, payments and whatever else the company's own systems know of a person.

A record belongs to the card that it names, or else to whoever has verified the address that it names: as
long as nobody has, it is nobody's.
"""

from __future__ import annotations

import sqlite3
from typing import Any

import msgspec

from channels.base.score import SCALES, SCORE
from server.protocol import Record, Score
from server.store.transaction import Snapshot, Transaction


class Fact(msgspec.Struct, frozen=True, kw_only=True):
    """A record as its source tells it."""

    kind: str
    external_id: str
    customer_id: int | None = None
    scheme: str = ""
    account: str = ""
    address: str = ""
    title: str = ""
    state: str = ""
    amount: str = ""
    currency: str = ""
    at: int | None = None
    url: str = ""
    details: dict[str, str] = {}
    version: int = 0


class Kept(msgspec.Struct, frozen=True):
    """`fields`: what is another value now. Empty: nothing changed, the same or an older word of it."""

    id: int
    customer_id: int | None  # whose it is
    fields: list[str]


_COLUMNS = (
    "customer_id",
    "scheme",
    "account",
    "address",
    "title",
    "state",
    "amount",
    "currency",
    "at",
    "url",
    "details",
)


def put(tx: Transaction, fact: Fact) -> Kept:
    """Write what its source says now; an older version never replaces a newer one."""
    row = tx.first("SELECT * FROM record WHERE kind = ? AND external_id = ?", (fact.kind, fact.external_id))
    values: dict[str, Any] = {name: getattr(fact, name) for name in _COLUMNS}
    values["details"] = msgspec.json.encode(dict(sorted(fact.details.items()))).decode()
    if fact.at is None:
        values["at"] = tx.now if row is None else row["at"]
    if row is None:
        names = ", ".join(values)
        record_id = tx.insert(
            f"INSERT INTO record (kind, external_id, version, updated_at, {names})"
            f" VALUES (?, ?, ?, ?, {', '.join('?' * len(values))})",
            (fact.kind, fact.external_id, fact.version, tx.now, *values.values()),
        )
        return Kept(record_id, owner(tx, record_id), [name for name, value in values.items() if value])
    if fact.version < row["version"] or fact.kind == SCORE:
        # What a customer gave once, he gave: told again, it changes nothing.
        return Kept(row["id"], owner(tx, row["id"]), [])
    if fact.customer_id is None and not fact.address:
        # It says nothing of whose it is: that stays.
        values |= {name: row[name] for name in ("customer_id", "scheme", "account", "address")}
    changed = [name for name in values if row[name] != values[name]]
    if changed:
        moved = ", card_id = NULL" if "customer_id" in changed else ""
        tx.run(
            f"UPDATE record SET version = ?, updated_at = ?{moved},"
            f" {', '.join(f'{name} = ?' for name in changed)} WHERE id = ?",
            (fact.version, tx.now, *(values[name] for name in changed), row["id"]),
        )
    elif fact.version != row["version"]:
        tx.run("UPDATE record SET version = ? WHERE id = ?", (fact.version, row["id"]))
    return Kept(row["id"], owner(tx, row["id"]), changed)


def owner(tx: Snapshot, record_id: int) -> int | None:
    """Whose it is today, if anybody's."""
    value = tx.value(
        "SELECT coalesce(r.customer_id, a.customer_id) FROM record r LEFT JOIN address a ON a.verified = 1"
        " AND a.scheme = r.scheme AND a.account = r.account AND a.external_id = r.address AND r.address != ''"
        " WHERE r.id = ?",
        (record_id,),
    )
    return None if value is None else int(value)


def _from_row(row: sqlite3.Row) -> Record:
    return Record(
        id=row["id"],
        kind=row["kind"],
        external_id=row["external_id"],
        title=row["title"],
        state=row["state"],
        amount=row["amount"],
        currency=row["currency"],
        at=row["at"],
        url=row["url"],
        details=msgspec.json.decode(row["details"], type=dict[str, str]),
        updated_at=row["updated_at"],
    )


def one(tx: Snapshot, record_id: int) -> Record:
    """The record must exist."""
    [row] = tx.all("SELECT * FROM record WHERE id = ?", (record_id,))
    return _from_row(row)


# Two questions, each with an index of its own; the second names nobody's record that is somebody's.
_OF_CUSTOMER = """
SELECT * FROM (SELECT r.* FROM record r WHERE r.customer_id = :customer AND (r.at, r.id) < (:at, :id)
  {kind} ORDER BY r.at DESC, r.id DESC LIMIT :limit)
UNION ALL
SELECT r.* FROM address a JOIN record r ON r.scheme = a.scheme AND r.account = a.account
  AND r.address = a.external_id AND r.address != ''
  WHERE a.customer_id = :customer AND a.verified = 1 AND r.customer_id IS NULL
  AND (r.at, r.id) < (:at, :id) {kind}
ORDER BY at DESC, id DESC LIMIT :limit
"""


# Beside a person's orders his scores are a few, and have a place of their own.
_NO_SCORES = f"AND r.kind != '{SCORE}'"


def scores(tx: Snapshot, customer_id: int, limit: int = 5) -> list[Score]:
    """The newest ones first."""
    return [
        Score(
            id=record.id,
            kind=record.title,
            value=record.amount,
            scale=record.details.get("scale") or str(SCALES.get(record.title, "")),
            comment=record.details.get("comment", ""),
            source=record.details.get("source", ""),
            conversation_id=int(record.details.get("conversation") or 0) or None,
            at=record.at,
        )
        for record in of_customer(tx, customer_id, kind=SCORE, limit=limit)[0]
    ]


def of_customer(
    tx: Snapshot,
    customer_id: int,
    *,
    kind: str = "",
    after: tuple[int, int] | None = None,
    limit: int = 20,
    with_scores: bool = True,
) -> tuple[list[Record], tuple[int, int] | None]:
    """Newest first; the second value is the key of the next page."""
    at, record_id = after or (1 << 62, 0)
    rows = tx.all(
        _OF_CUSTOMER.format(kind="AND r.kind = :kind" if kind else "" if with_scores else _NO_SCORES),
        {"customer": customer_id, "kind": kind, "at": at, "id": record_id, "limit": limit + 1},
    )
    more = len(rows) > limit
    rows = rows[:limit]
    return [_from_row(row) for row in rows], (rows[-1]["at"], rows[-1]["id"]) if more else None
