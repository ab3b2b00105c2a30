"""An operator takes back what he did with a conversation: it is what it was, if nothing moved it since.

Whoever had it has it again, it sleeps as long as it did, and to whoever counts time or hand-overs the deed
never was. Inside `fn(tx)` only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from server import lifecycle
from server.cases.refused import RefusedError
from server.lifecycle import UNDONE, Lifecycle, TakenError
from server.protocol import Message, OperatorInfo, UndoCommand
from server.store import (
    conversations,
    deeds,
    operators,
    outbox,
    overview,
    spam,
    spoken,
    transfers,
    unsaid,
)
from server.store.conversations import Held
from server.store.deeds import Condition, Deed
from server.store.transaction import Snapshot, Transaction

KEPT_MS = 86_400_000

LOOK = "look at the conversation as it is"


@contextmanager
def noted(tx: Transaction, conversation_id: int, operator: OperatorInfo) -> Iterator[None]:
    """What is done to the conversation meanwhile is a deed of the operator's, which he can take back."""
    before = deeds.condition(tx, conversation_id)
    yield
    after = deeds.condition(tx, conversation_id)
    if not _same(before, after):
        deeds.note(tx, conversation_id, operator.id, before, after)


def undo(tx: Transaction, conversation_id: int, operator: OperatorInfo, command: UndoCommand) -> None:
    """Asked again, nothing happens. Raises TakenError, RefusedError, NotFoundError."""
    conversation = conversations.held(tx, conversation_id)
    deed = deeds.one(tx, conversation.id, command.seq)
    if deed is None:
        raise RefusedError("there is nothing to take back", "it changed nothing, or is longer ago than a day")
    if deed.operator_id != operator.id:
        raise RefusedError("a colleague did this", "do what is right now")
    now = deeds.condition(tx, conversation.id)
    life = _possible(tx, deed.before.life)
    if _same(now, replace(deed.before, life=life)):
        return
    if not _same(now, deed.after):
        raise _moved_since(tx, conversation, now, deed, command.seq, operator)
    if life.state != now.life.state and conversation.customer_seq > command.seq:
        raise RefusedError("the customer wrote meanwhile", LOOK)
    had_it = now.life.assignee_id
    begun = had_it not in (None, operator.id) and not overview.is_untouched(tx, conversation.id)
    if begun and life.assignee_id != had_it:
        raise RefusedError("whoever has it has begun", "take it over, or ask him")
    if deed.after.rest["transfers"] != deed.before.rest["transfers"]:
        transfers.undone(tx, conversation.id, operator.id, deed.before.life.assignee_id)
    if (deed.before.life.state, now.life.state) == ("closed", "open"):
        _forget_closing(tx, conversation, deed, operator)
    deeds.put_back(tx, conversation.id, life, deed, _tell(tx, conversation, life, operator))
    deeds.forget_after(tx, command.seq)


def reply_undone(tx: Transaction, message: Message, deed: Deed, operator_id: int) -> None:
    """A reply was taken back: its conversation is what it would be without it, and so is what was done there
    since, when that is taken back later. Where he was answered again meanwhile, that answer stands."""
    key = message.conversation_id

    def without(condition: Condition) -> Condition:
        if key != deed.conversation_id:  # its messages were regrouped since
            return replace(condition, life=lifecycle.reply_failed(condition.life, tx.now))
        return deeds.without_reply(deed, condition, tx.now)

    again = spoken.next_reply(tx, key, message.id)
    deeds.rewrite(tx, key, message.seq, None if again is None else again.seq, without)
    if again is not None:
        outbox.change_deed(tx, again.id, lambda made: replace(made, before=without(made.before)))
        return
    now = deeds.condition(tx, key)
    mark = spam.mark_of(tx, key)
    if mark is not None:  # it stays apart, and comes back without the answer
        apart = without(replace(now, life=mark.before.life()))
        spam.change_before(tx, mark.id, apart.life)
        return
    then = without(now)
    if then == now:
        return
    seq = 0
    for kind, was, becomes, why in (
        ("conversation.assigned", now.life.assignee_id, then.life.assignee_id, "withdrawn"),
        # To whoever counts time, this answer never was one.
        ("conversation.state", now.life.state, then.life.state, "failed"),
    ):
        if was != becomes:
            seq = tx.emit(
                kind,
                conversation_id=key,
                customer_id=message.customer_id,
                operator_id=operator_id,
                data={"from": was, "to": becomes, "why": why},
            )
    deeds.put(tx, key, then, seq or spoken.newest_seq(tx, key))


def _same(one: Condition, other: Condition) -> bool:
    """Nobody moved it in between, not even there and back again. A note, or an urgent word, moves nothing."""
    beside = deeds.BESIDE
    return one.life == other.life and all(
        one.rest[name] == other.rest[name] for name in one.rest if name not in beside
    )


def _possible(tx: Snapshot, before: Lifecycle) -> Lifecycle:
    """Nobody is given what he could not answer any more."""
    holder = None if before.assignee_id is None else operators.by_id(tx, before.assignee_id)
    if before.assignee_id is not None and (holder is None or holder.disabled):
        return replace(before, assignee_id=None)
    return before


def _moved_since(
    tx: Snapshot, conversation: Held, now: Condition, deed: Deed, seq: int, operator: OperatorInfo
) -> Exception:
    holder = now.life.assignee_id
    if holder not in (None, operator.id, deed.after.life.assignee_id):
        return TakenError(holder)
    if conversation.customer_seq > seq and now.life.state == "open":
        return RefusedError("the customer wrote meanwhile", LOOK)
    acted_by = now.rest["acted_by"]
    if isinstance(acted_by, int) and acted_by != operator.id:
        who = operators.by_id(tx, acted_by)
        if who is not None:
            return RefusedError(f"{who.name} did something there meanwhile", LOOK)
    return RefusedError("it was moved since", LOOK)


def _forget_closing(tx: Transaction, conversation: Held, deed: Deed, operator: OperatorInfo) -> None:
    """The line that told how it had ended was written when it was opened: it is not over, so far."""
    line = deed.after.rest["spell_from"]
    if deed.before.life.closed_why == lifecycle.SILENCE or not isinstance(line, int):
        return
    unsaid.unsay(tx, line, "withdrawn", "")
    tx.emit(
        "message.withdrawn",
        conversation_id=conversation.id,
        customer_id=conversation.customer_id,
        message_id=line,
        operator_id=operator.id,
    )


def _tell(tx: Transaction, conversation: Held, life: Lifecycle, operator: OperatorInfo) -> int:
    """The seq of the last event that says so."""
    now, seq = conversation.life, 0

    def emit(kind: str, **data: Any) -> int:
        return tx.emit(
            kind,
            conversation_id=conversation.id,
            customer_id=conversation.customer_id,
            operator_id=operator.id,
            data={**data, "why": UNDONE},
        )

    moved = (life.state, life.snooze_until) != (now.state, now.snooze_until)
    if life.assignee_id != now.assignee_id or not moved:  # neither: it is another team's
        seq = emit("conversation.assigned", **{"from": now.assignee_id, "to": life.assignee_id})
    if moved:
        seq = emit("conversation.state", **{"from": now.state, "to": life.state})
    return seq
