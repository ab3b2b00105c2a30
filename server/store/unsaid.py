"""Messages that are not said yet, or never were: lines that wait, leave, or come back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from server.store import messages, search
from server.store.messages import Place, Posted
from server.store.transaction import Transaction


def unsay(tx: Transaction, message_id: int, event_kind: str, why: str) -> None:
    """It never left: "withdrawn" by somebody of us, or "cancelled" because of `why`. Its words stay, and no
    search finds them."""
    tx.run(
        "UPDATE message SET kind = 'system', event_kind = ?, status = 'withdrawn', error = ?, deleted = 1"
        " WHERE id = ?",
        (event_kind, why, message_id),
    )


def place_now(tx: Transaction, message_id: int) -> None:
    """It stands in the river where it is now."""
    search.forget(tx, message_id)
    tx.run(
        "UPDATE message SET at = ?, search_id = ? WHERE id = ?",
        (tx.now, messages.free_search_id(tx, message_id, tx.now), message_id),
    )
    search.remember(tx, message_id)


def say(tx: Transaction, message_id: int, seq: int) -> None:
    """What was scheduled is said now; `seq`: of the event that tells so."""
    place_now(tx, message_id)
    tx.run(
        "UPDATE message SET kind = 'out', event_kind = 'message', status = 'queued', seq = ? WHERE id = ?",
        (seq, message_id),
    )


def begin_with(
    tx: Transaction,
    message_id: int,
    place: Place,
    operator_id: int,
    *,
    data: dict[str, Any],
    name: Callable[[int], str | None],
) -> Posted:
    """What waited as a line of another conversation is said now, and is the first of this one."""
    seq = tx.emit(
        "message.queued",
        conversation_id=place.conversation_id,
        customer_id=place.customer_id,
        message_id=message_id,
        operator_id=operator_id,
        data=data,
    )
    tx.run(
        "UPDATE message SET conversation_id = ?, customer_id = ?, remote_id = ?, detail = NULL WHERE id = ?",
        (place.conversation_id, place.customer_id, name(message_id), message_id),
    )
    say(tx, message_id, seq)
    return Posted(message_id, seq)


def drop_client_id(tx: Transaction, message_id: int) -> None:
    """It is another message's from now on."""
    tx.run("UPDATE message SET client_id = NULL WHERE id = ?", (message_id,))


def become_note(tx: Transaction, message_id: int, text: str, seq: int) -> None:
    """A line that waited says now what became of it."""
    search.forget(tx, message_id)
    tx.run(
        "UPDATE message SET kind = 'note', event_kind = 'message', status = 'received', channel_id = '',"
        " thread = '', address_id = NULL, subject = NULL, detail = NULL, folds = NULL,"
        " text = ?, at = ?, seq = ?, search_id = ? WHERE id = ?",
        (text, tx.now, seq, messages.free_search_id(tx, message_id, tx.now), message_id),
    )
    search.remember(tx, message_id)
