"""What operators do to a conversation: transaction functions, each whole in itself."""

from __future__ import annotations

from typing import Any

from server import lifecycle
from server.cases.refused import RefusedError
from server.lifecycle import Lifecycle
from server.protocol import (
    CloseCommand,
    OperatorInfo,
)
from server.store import (
    cases,
    conversations,
    events,
    messages,
    queue,
    spoken,
)
from server.store.conversations import NORMAL, Held
from server.store.messages import NewMessage
from server.store.transaction import Transaction


def _save(
    tx: Transaction,
    conversation: Held,
    life: Lifecycle,
    operator: OperatorInfo,
    kind: str,
    data: dict[str, Any],
    acted: str,
) -> None:
    if life == conversation.life and "team" not in data:
        return
    cases.acted(tx, conversation.id, acted, operator.id)
    seq = tx.emit(
        kind,
        conversation_id=conversation.id,
        customer_id=conversation.customer_id,
        operator_id=operator.id,
        data=data,
    )
    conversations.save_life(tx, conversation.id, life, seq)


def save_assignee(
    tx: Transaction,
    conversation: Held,
    life: Lifecycle,
    operator: OperatorInfo,
    why: str,
    *,
    team: str = "",
) -> None:
    """`team`: whose queue it goes into, where that is another one."""
    data: dict[str, Any] = {"from": conversation.life.assignee_id, "to": life.assignee_id, "why": why}
    if team:
        data["team"] = team
        queue.save_team(tx, conversation.id, team)
    acted = why if why in ("claimed", "released", "replied", "declined") else "assigned"
    _save(tx, conversation, life, operator, "conversation.assigned", data, acted)


def save_state(
    tx: Transaction, conversation: Held, life: Lifecycle, operator: OperatorInfo, acted: str
) -> None:
    data = {"from": conversation.life.state, "to": life.state}
    _save(tx, conversation, life, operator, "conversation.state", data, acted)


def claim(tx: Transaction, conversation_id: int, operator: OperatorInfo, expect: int | None) -> None:
    """Raises TakenError, IllegalMoveError, NotFoundError."""
    conversation = conversations.held(tx, conversation_id)
    life = lifecycle.claim(conversation.life, operator.id, expect)
    save_assignee(tx, conversation, life, operator, "claimed")


def release(tx: Transaction, conversation_id: int, operator: OperatorInfo) -> None:
    conversation = conversations.held(tx, conversation_id)
    save_assignee(tx, conversation, lifecycle.release(conversation.life), operator, "released")
    had_it = conversation.life.assignee_id
    if had_it not in (None, operator.id):
        queue.note_given(tx, conversation.id, had_it, None)  # a lead took it from him: the rules respect that


def close(tx: Transaction, conversation_id: int, operator: OperatorInfo, command: CloseCommand) -> None:
    conversation = conversations.held(tx, conversation_id)
    life = lifecycle.close(conversation.life, command.topic, command.result, tx.now)
    save_state(tx, conversation, life, operator, "closed")


def reopen(tx: Transaction, conversation_id: int, operator: OperatorInfo) -> None:
    conversation = conversations.held(tx, conversation_id)
    no_spam(conversation)
    life = lifecycle.reopen(conversation.life, operator.id, tx.now)
    keep_closing(tx, conversation)
    save_state(tx, conversation, life, operator, "reopened")


def no_spam(conversation: Held) -> None:
    if conversation.spam:
        raise RefusedError("this conversation is kept apart as spam", "say that it is no spam first")


def keep_closing(tx: Transaction, conversation: Held) -> None:
    """Before a conversation is reopened: what it was closed with stays in the river, at its place.

    Summary and promise stay fields of the conversation too, until somebody changes them.
    """
    if conversation.life.closed_why == lifecycle.SILENCE:
        line = spoken.newest_id(tx, conversation.id)  # it was written when the term was over
    else:
        line = write_closing(tx, conversation, conversation.life)
    cases.begin_spell(tx, conversation.id, line)
    if conversation.priority_by is None and conversation.priority != NORMAL:
        # What a rule found urgent was said in the time that is over.
        cases.save_priority(tx, conversation.id, NORMAL)


def write_closing(tx: Transaction, conversation: Held, life: Lifecycle, **detail: str) -> int:
    """The line of the river that says how it ended; the message's id."""
    noted = cases.facts(tx, conversation.id)
    if noted.due_at is not None:
        detail["due_at"] = str(noted.due_at)
    closing = NewMessage(
        kind="system",
        event_kind="closed",
        text="\n".join(filter(None, (f"{life.topic}: {life.result}", noted.summary, noted.next_step))),
        status="received",
        at=life.closed_at or tx.now,
        detail=detail,
    )
    posted = messages.post(tx, conversation.id, conversation.customer_id, "note.added", closing)
    conversations.touch(tx, conversation.id, posted.seq)
    return posted.id


def snooze(tx: Transaction, conversation_id: int, operator: OperatorInfo, until: int) -> None:
    conversation = conversations.held(tx, conversation_id)
    life = lifecycle.snooze(conversation.life, operator.id, until, tx.now)
    save_state(tx, conversation, life, operator, "snoozed")


def wake(tx: Transaction, conversation_id: int, operator: OperatorInfo) -> None:
    """End a snooze before its time. What is to be said then leaves all the same."""
    conversation = conversations.held(tx, conversation_id)
    save_state(tx, conversation, lifecycle.wake_early(conversation.life, tx.now), operator, "woken")


def wake_due(tx: Transaction) -> int:
    """Wake every conversation whose snooze is over; how many."""
    due = conversations.due_snoozes(tx, tx.now)
    for conversation_id in due:
        conversation = conversations.held(tx, conversation_id)
        life = lifecycle.wake(conversation.life, tx.now)
        seq = tx.emit(
            "conversation.state",
            conversation_id=conversation.id,
            customer_id=conversation.customer_id,
            data={"from": "snoozed", "to": "open"},
        )
        conversations.save_life(tx, conversation.id, life, seq)
    return len(due)


def seen(tx: Transaction, conversation_id: int, operator: OperatorInfo, seq: int) -> None:
    conversation = conversations.held(tx, conversation_id)
    seq = min(seq, events.newest(tx))  # what has not happened yet cannot have been seen
    conversations.mark_seen(tx, operator.id, conversation_id, seq)
    tx.emit(
        "conversation.seen",
        conversation_id=conversation_id,
        customer_id=conversation.customer_id,
        operator_id=operator.id,
        data={"seq": seq},
    )
