"""Cards by the words of names, addresses and tags, and by the numbers of records. Newest cards first.

SQLite FTS5, as in `search`: the one other module that another engine would replace. Triggers note which
cards changed; their rows follow the commit by a moment, and whoever looks for somebody catches up first.
"""

from __future__ import annotations

import re

from channels.contacts import phone_number
from server.store.search import folded
from server.store.transaction import Snapshot, Transaction

WORDS_MAX = 8
_WORD = re.compile(r"[^\W_]+")
_NUMBER = re.compile(r"[\s()+.\d-]+")


def is_behind(tx: Snapshot) -> bool:
    return tx.value("SELECT 1 FROM card_changed LIMIT 1") is not None


def index_some(tx: Transaction, limit: int = 500) -> int:
    """Write anew the rows of cards that changed; how many."""
    rows = tx.all(
        "SELECT card_changed.customer_id AS id, k.root_id, k.id IS NULL AS gone FROM card_changed"
        " LEFT JOIN customer k ON k.id = card_changed.customer_id LIMIT ?",
        (limit,),
    )
    for row in rows:
        tx.run("DELETE FROM card_text WHERE rowid = ?", (row["id"],))
        if not row["gone"] and row["root_id"] is None:
            tx.run("INSERT INTO card_text (rowid, words) VALUES (?, ?)", (row["id"], _words(tx, row["id"])))
        tx.run("DELETE FROM card_changed WHERE customer_id = ?", (row["id"],))
    return len(rows)


def _words(tx: Snapshot, customer_id: int) -> str:
    rows = tx.all(
        "SELECT k.name AS word FROM customer k WHERE k.id = :id OR k.root_id = :id"
        " UNION SELECT external_id FROM address WHERE customer_id = :id"
        " UNION SELECT name FROM address WHERE customer_id = :id"
        " UNION SELECT tag FROM customer_tag WHERE customer_id = :id OR customer_id IN"
        " (SELECT id FROM customer WHERE root_id = :id)",
        {"id": customer_id},
    )
    return folded(" ".join(row["word"] for row in rows if row["word"]))


def match_expression(query: str, country: str) -> str | None:
    """The FTS5 expression for what somebody typed: every word, in any order, as a beginning."""
    query = query.strip()
    digits = re.sub(r"\D", "", query)
    if _NUMBER.fullmatch(query) and digits and (len(digits) >= 5 or query.startswith("+")):
        return f'"{_telephone(query, country)}" *'
    words = _WORD.findall(folded(query.lower()))[:WORDS_MAX]
    return " AND ".join(f'"{word}" *' for word in words) if words else None


def _telephone(query: str, country: str) -> str:
    """The digits of a number as they are indexed, without the plus; also of one typed half."""
    whole = phone_number(query, country)
    digits = re.sub(r"\D", "", query)
    if whole is not None and len(digits) >= 10:
        return whole.removeprefix("+")
    if country == "RU" and digits.startswith("8") and not query.startswith("+"):
        return "7" + digits[1:]
    return digits


def find(
    tx: Snapshot,
    query: str,
    country: str,
    *,
    before: int | None,
    limit: int,
    within: str = "",
    parameters: dict[str, object] | None = None,
) -> list[int]:
    """At most `limit` ids of people below `before`, the newest first.

    `within`: an SQL condition on the card `k`, from `segments`; `parameters` are its own.
    """
    bound = {"before": 1 << 62 if before is None else before, "limit": limit, **(parameters or {})}
    condition = f" AND {within}" if within else ""
    found: set[int] = set()
    expression = match_expression(query, country)
    if expression is not None:
        # The plus keeps SQLite from asking the index once for every card of the condition.
        rows = tx.all(
            "SELECT t.rowid AS id FROM card_text t JOIN customer k ON k.id = +t.rowid"
            f" WHERE card_text MATCH :expression AND t.rowid < :before{condition}"
            " ORDER BY t.rowid DESC LIMIT :limit",
            {**bound, "expression": expression},
        )
        found = {row["id"] for row in rows}
    number = query.strip().lstrip("#№").strip()
    if number and len(number) <= 200:
        rows = tx.all(
            "SELECT DISTINCT k.id FROM (SELECT coalesce(r.customer_id, a.customer_id) AS owner FROM record r"
            " LEFT JOIN address a ON a.verified = 1 AND a.scheme = r.scheme AND a.account = r.account"
            " AND a.external_id = r.address AND r.address != ''"
            " WHERE r.external_id = :number) JOIN customer k ON k.id = owner"
            f" WHERE k.id < :before{condition} ORDER BY k.id DESC LIMIT :limit",
            {**bound, "number": number},
        )
        found |= {row["id"] for row in rows}
    return sorted(found, reverse=True)[:limit]


def listed(
    tx: Snapshot,
    *,
    before: int | None,
    limit: int,
    within: str = "",
    parameters: dict[str, object] | None = None,
) -> list[int]:
    """The same without words: every person, or those whom the condition names."""
    condition = f" AND {within}" if within else ""
    rows = tx.all(
        f"SELECT k.id FROM customer k WHERE k.id < :before AND k.root_id IS NULL{condition}"
        " ORDER BY k.id DESC LIMIT :limit",
        {"before": 1 << 62 if before is None else before, "limit": limit, **(parameters or {})},
    )
    return [row["id"] for row in rows]
