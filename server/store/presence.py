"""Who takes new work, as he said himself or as his console's end says."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

import msgspec

from server.protocol import Presence
from server.store.queue import UNTOUCHED
from server.store.transaction import Snapshot, Transaction

GONE: tuple[Presence, ...] = ("away", "offline")  # no work of theirs can wait for them


class Known(msgspec.Struct, frozen=True, kw_only=True):
    operator_id: int
    state: Presence
    back_to: Presence | None  # his console was lost: how he is again when it comes back
    turn: int  # rises with each conversation that a rule gave him


def everybody(tx: Snapshot) -> dict[int, Known]:
    """Of all who ever had a console and are not disabled."""
    return {
        row["operator_id"]: Known(
            operator_id=row["operator_id"],
            state=row["state"],
            back_to=cast("Presence | None", row["back_to"] or None),
            turn=row["turn"],
        )
        for row in tx.all(
            "SELECT p.* FROM presence p JOIN operator o ON o.id = p.operator_id WHERE o.disabled = 0"
        )
    }


def state_of(tx: Snapshot, operator_id: int) -> Presence | None:
    """None: he never had a console."""
    found: Presence | None = tx.value("SELECT state FROM presence WHERE operator_id = ?", (operator_id,))
    return found


def is_gone(tx: Snapshot, operator_id: int) -> bool:
    return state_of(tx, operator_id) in GONE


def save(tx: Transaction, operator_id: int, state: Presence, back_to: Presence | None, seq: int) -> None:
    tx.run(
        "INSERT INTO presence (operator_id, state, back_to, since, seq) VALUES (?, ?, ?, ?, ?)"
        " ON CONFLICT (operator_id) DO UPDATE SET state = excluded.state, back_to = excluded.back_to,"
        " since = excluded.since, seq = excluded.seq",
        (operator_id, state, back_to or "", tx.now, seq),
    )


def come_back_to(tx: Transaction, operator_id: int, back_to: Presence) -> None:
    """How he is when his console comes back; nothing changes until then."""
    tx.run("UPDATE presence SET back_to = ? WHERE operator_id = ?", (back_to, operator_id))


def took_turn(tx: Transaction, operator_id: int, seq: int) -> None:
    tx.run("UPDATE presence SET turn = ? WHERE operator_id = ?", (seq, operator_id))


def untouched_of_gone(tx: Snapshot, operators: Iterable[int]) -> list[tuple[int, int]]:
    """(conversation, operator): work that waits for somebody who is gone and that he had not begun.

    Begun is what he wrote in (a draft, a note, an answer) since it became his. When the customer writes again
    after he went, it waits for nobody who is there either: then that is no reason to keep it.
    """
    return [
        (row["id"], row["assignee_id"])
        for row in tx.all(
            "SELECT c.id, c.assignee_id FROM presence p"
            " JOIN conversation c ON c.assignee_id = p.operator_id AND c.state = 'open'"
            " WHERE p.operator_id IN (SELECT value FROM json_each(?)) AND p.state IN ('away', 'offline')"
            f" AND c.waiting_since IS NOT NULL AND (c.customer_seq > p.seq OR ({UNTOUCHED}))"
            " ORDER BY c.priority, c.sort_at, c.id",
            (msgspec.json.encode(list(operators)).decode(),),
        )
    ]
