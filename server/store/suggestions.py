"""The identity inbox: pairs of cards that may be one person, and what an operator said of them.

A pair is stored as the cards were when it was first seen. Who they are today is asked through
`merges.root_of`, so that merges and their undoing change nothing here.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from typing import Literal

import msgspec

from server.people.suggesting import Judged, Why
from server.protocol import Reason
from server.store.conversations import NotFoundError
from server.store.merges import cards_of, root_of, were_parted
from server.store.transaction import Snapshot, Transaction

State = Literal["open", "accepted", "refused"]


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """A suggestion; `one` and `other` are today's cards, the older first."""

    id: int
    one: int
    other: int
    state: State
    reasons: tuple[Why, ...]
    score: int
    created_at: int
    merge_id: int | None
    decided_by: str


_SELECT = """
SELECT s.*, o.name AS operator, coalesce(a.root_id, a.id) AS one_now, coalesce(b.root_id, b.id) AS other_now
FROM suggestion s JOIN customer a ON a.id = s.one_customer JOIN customer b ON b.id = s.other_customer
LEFT JOIN operator o ON o.id = s.decided_by
"""


def _pair(row: sqlite3.Row) -> Pair:
    return Pair(
        id=row["id"],
        one=min(row["one_now"], row["other_now"]),
        other=max(row["one_now"], row["other_now"]),
        state=row["state"],
        reasons=msgspec.json.decode(row["reasons"], type=tuple[Why, ...]),
        score=row["score"],
        created_at=row["created_at"],
        merge_id=row["merge_id"],
        decided_by=row["operator"] or "",
    )


def one(tx: Snapshot, suggestion_id: int) -> Pair:
    """Raises NotFoundError."""
    row = tx.first(f"{_SELECT} WHERE s.id = ?", (suggestion_id,))
    if row is None:
        raise NotFoundError("suggestion", suggestion_id)
    return _pair(row)


def page(
    tx: Snapshot, state: State, customer_id: int | None, after: tuple[int, int] | None, limit: int
) -> tuple[list[Pair], tuple[int, int] | None]:
    """The surest first, by key (score, id). Of open ones only those that are still two."""
    where = "s.state = :state"
    values: dict[str, object] = {"state": state, "limit": limit + 1}
    if state == "open":
        where += " AND one_now != other_now"
    if customer_id is not None:
        where += (
            " AND (s.one_customer IN (SELECT value FROM json_each(:cards))"
            " OR s.other_customer IN (SELECT value FROM json_each(:cards)))"
        )
        values["cards"] = _json(cards_of(tx, root_of(tx, customer_id)))
    if after is not None:
        where += " AND (s.score, s.id) < (:score, :id)"
        values |= {"score": after[0], "id": after[1]}
    rows = tx.all(f"{_SELECT} WHERE {where} ORDER BY s.score DESC, s.id DESC LIMIT :limit", values)
    more = len(rows) > limit
    rows = rows[:limit]
    return [_pair(row) for row in rows], (rows[-1]["score"], rows[-1]["id"]) if more else None


def count_open(tx: Snapshot) -> int:
    return int(tx.value("SELECT count(*) FROM suggestion WHERE state = 'open'"))


def _json(values: Sequence[int]) -> str:
    return msgspec.json.encode(list(values)).decode()


def about(tx: Snapshot, one_customer: int, other_customer: int) -> list[Pair]:
    """What was ever suggested of these two, whoever is part of them today."""
    rows = tx.all(
        f"{_SELECT} WHERE s.one_customer IN (SELECT value FROM json_each(:one))"
        " AND s.other_customer IN (SELECT value FROM json_each(:other))"
        " OR s.one_customer IN (SELECT value FROM json_each(:other))"
        " AND s.other_customer IN (SELECT value FROM json_each(:one)) ORDER BY s.id",
        {"one": _json(cards_of(tx, one_customer)), "other": _json(cards_of(tx, other_customer))},
    )
    return [_pair(row) for row in rows]


def suggest(tx: Transaction, one_customer: int, other_customer: int, judged: Judged) -> int | None:
    """Put two cards into the inbox, or what more is known of them; None where there is nothing to ask.

    Not again what was decided, and not what an operator has taken apart.
    """
    low, high = sorted((root_of(tx, one_customer), root_of(tx, other_customer)))
    if low == high:
        return None
    earlier = about(tx, low, high)
    if any(pair.state != "open" for pair in earlier) or were_parted(tx, low, high):
        return None
    reasons = msgspec.json.encode(judged.reasons).decode()
    if earlier:
        if judged.score <= earlier[0].score:
            return None
        suggestion_id = earlier[0].id
        tx.run(
            "UPDATE suggestion SET reasons = ?, score = ? WHERE id = ?",
            (reasons, judged.score, suggestion_id),
        )
    else:
        suggestion_id = tx.insert(
            "INSERT INTO suggestion (one_customer, other_customer, state, reasons, score, created_at)"
            " VALUES (?, ?, 'open', ?, ?, ?)",
            (low, high, reasons, judged.score, tx.now),
        )
    _tell(tx, "identity.suggested", suggestion_id, low, None)
    return suggestion_id


def _tell(tx: Transaction, kind: str, suggestion_id: int, customer_id: int, operator_id: int | None) -> None:
    tx.emit(kind, customer_id=customer_id, operator_id=operator_id, data={"suggestion": suggestion_id})


def accepted(tx: Transaction, pair: Pair, merge_id: int | None, operator_id: int | None) -> None:
    _decide(tx, pair, "accepted", merge_id, operator_id)


def refused(tx: Transaction, pair: Pair, operator_id: int | None) -> None:
    _decide(tx, pair, "refused", None, operator_id)


def reopened(tx: Transaction, pair: Pair, operator_id: int) -> None:
    tx.run(
        "UPDATE suggestion SET state = 'open', decided_at = NULL, decided_by = NULL WHERE id = ?", (pair.id,)
    )
    _tell(tx, "identity.suggested", pair.id, pair.one, operator_id)


def _decide(tx: Transaction, pair: Pair, state: State, merge_id: int | None, operator_id: int | None) -> None:
    tx.run(
        "UPDATE suggestion SET state = ?, decided_at = ?, decided_by = ?, merge_id = ? WHERE id = ?",
        (state, tx.now, operator_id, merge_id, pair.id),
    )
    _tell(tx, f"identity.{state}", pair.id, pair.one, operator_id)


def merge_undone(tx: Transaction, merge_id: int, operator_id: int | None) -> None:
    """The two are two after all: whatever suggested this merge is refused, and not asked again."""
    for row in tx.all(f"{_SELECT} WHERE s.merge_id = ? AND s.state = 'accepted'", (merge_id,)):
        refused(tx, _pair(row), operator_id)


def settle_united(tx: Transaction, customer_id: int) -> int:
    """Open suggestions whose two cards have become one otherwise are accepted; how many."""
    cards = _json(cards_of(tx, customer_id))
    rows = tx.all(
        f"{_SELECT} WHERE s.state = 'open' AND s.one_customer IN (SELECT value FROM json_each(:cards))"
        " AND s.other_customer IN (SELECT value FROM json_each(:cards))",
        {"cards": cards},
    )
    newest = tx.value(
        "SELECT max(id) FROM merge WHERE undone_at IS NULL"
        " AND into_customer IN (SELECT value FROM json_each(?))",
        (cards,),
    )
    for row in rows:
        accepted(tx, _pair(row), newest, None)
    return len(rows)


def words(tx: Snapshot, reasons: Sequence[Why]) -> list[Reason]:
    """Reasons as they are shown; what is there no more says nothing."""
    shown = []
    for why in reasons:
        text = _text(tx, why)
        if text is not None:
            shown.append(Reason(kind=why.kind, text=text, weight=why.weight))
    return shown


def _text(tx: Snapshot, why: Why) -> str | None:
    found: str | None
    if why.address:
        found = tx.value("SELECT external_id FROM address WHERE id = ?", (why.address,))
    elif why.record:
        found = tx.value("SELECT external_id FROM record WHERE id = ?", (why.record,))
    else:
        found = tx.value("SELECT name FROM customer WHERE id = ?", (why.card,))
    return found
