"""Operators who are there, pause, or are gone: chosen by themselves, or told by the end of their console.

Inside `fn(tx)` only. What waits for somebody who is gone, `assigning` gives back to the queue.
"""

from __future__ import annotations

from server.protocol import Presence
from server.store import presence
from server.store.transaction import Snapshot, Transaction


def choose(tx: Transaction, operator_id: int, state: Presence) -> None:
    """The operator says how he is."""
    _save(tx, operator_id, state, None, "chosen")


def console_came(tx: Transaction, operator_id: int) -> None:
    """A console of his is there. He is as he was when the last one was lost, the first time available; what
    he chose himself stays."""
    known = presence.everybody(tx).get(operator_id)
    if known is None:
        _save(tx, operator_id, "available", None, "came")
    elif known.back_to is not None:
        _save(tx, operator_id, known.back_to, None, "came")


def console_lost(tx: Transaction, operator_id: int) -> None:
    """He has had no console for the time of grace."""
    known = presence.everybody(tx).get(operator_id)
    if known is None or known.back_to is not None or known.state == "away":
        return
    if known.state == "offline":
        # He went, and closed his console: the next time he opens it, he comes to work.
        presence.come_back_to(tx, operator_id, "available")
    else:
        _save(tx, operator_id, "away", known.state, "lost")


def _save(tx: Transaction, operator_id: int, state: Presence, back_to: Presence | None, why: str) -> None:
    seq = tx.emit(
        "operator.changed",
        operator_id=operator_id,
        data={"fields": ["presence"], "presence": state, "why": why},
    )
    presence.save(tx, operator_id, state, back_to, seq)


def with_console(tx: Snapshot) -> list[int]:
    """Who has a console, as far as was told: whose loss would have to be told."""
    return [one.operator_id for one in presence.everybody(tx).values() if one.back_to is None]
