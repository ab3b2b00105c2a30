"""What is kept apart as spam, and put back as it was. Inside `fn(tx)` only.

Nothing of it is refused or lost: what barred addresses bring is stored, goes to the conversation that is
kept apart, wakes nobody, and can be read there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec.structs import replace

from server import lifecycle
from server.cases import casework, leaving
from server.cases.placement import Placement
from server.lifecycle import Lifecycle
from server.protocol import OperatorInfo, SpamCommand, SpamDone
from server.store import cases, conversations, operators, spam
from server.store.conversations import Held
from server.store.transaction import Transaction

BARRED = "the sender is barred"


def judge(
    tx: Transaction, operator: OperatorInfo, command: SpamCommand, is_online: Callable[[int], bool]
) -> SpamDone:
    """Set the conversations apart, or put them back; what is so already stays. Raises NotFoundError."""
    chosen = {found.id: found for found in (conversations.held(tx, one) for one in command.conversation_ids)}
    changed = 0
    for conversation in chosen.values():
        if command.spam:
            changed += _set_apart(tx, operator, conversation, bar=command.bar)
        elif conversation.spam:
            changed += _put_back(tx, operator, conversation, is_online)
    return SpamDone(conversation_ids=sorted(chosen), addresses_barred=changed)


def _set_apart(tx: Transaction, operator: OperatorInfo, conversation: Held, *, bar: bool) -> int:
    mark = spam.mark_of(tx, conversation.id)
    mark_id = mark.id if mark is not None else _close_apart(tx, operator, conversation)
    if not bar:
        return 0
    barred = spam.bar(tx, mark_id, spam.senders(tx, conversation.id))
    return _tell_of_bar(tx, operator, conversation, barred, True)


def _close_apart(tx: Transaction, operator: OperatorInfo, conversation: Held) -> int:
    before = conversation.life
    life = Lifecycle(
        state="closed",
        assignee_id=before.assignee_id,
        sort_at=tx.now,
        closed_at=tx.now,
        topic=before.topic,
        result=before.result,
    )
    seq = _tell(tx, conversation, operator, before.state, "closed", apart=True)
    conversations.save_life(tx, conversation.id, life, seq)
    leaving.ended(tx, conversation.id, leaving.SPAM)
    cases.acted(tx, conversation.id, "spam", operator.id)
    return spam.set_apart(tx, conversation.id, before, seq, operator.id)


def _put_back(
    tx: Transaction, operator: OperatorInfo, conversation: Held, is_online: Callable[[int], bool]
) -> int:
    mark = spam.mark_of(tx, conversation.id)
    if mark is None:
        return 0
    before = mark.before.life(conversation.life.topic, conversation.life.result)
    assignee = None if before.assignee_id is None else operators.by_id(tx, before.assignee_id)
    if assignee is None or assignee.disabled:
        before = replace(before, assignee_id=None)
    life = before
    heard_at = spam.heard_since(tx, conversation.id, mark.seq)
    if heard_at is not None:
        # What came meanwhile waits for an answer, as it would have.
        life = lifecycle.customer_wrote(before, heard_at, is_online)
        if before.state == "closed":
            casework.keep_closing(tx, replace(conversation, life=before))
    seq = _tell(tx, conversation, operator, "closed", life.state, apart=False)
    conversations.save_life(tx, conversation.id, life, seq)
    cases.acted(tx, conversation.id, "not_spam", operator.id)
    spam.lift(tx, conversation.id, mark, operator.id)
    if mark.operator_id is None:
        let_in = spam.let_in(tx, spam.senders(tx, conversation.id), whatever=True)
    else:
        let_in = spam.let_in(tx, spam.named_by(tx, mark.id))
    return _tell_of_bar(tx, operator, conversation, let_in, False)


def place(tx: Transaction, customer_id: int, address_id: int) -> tuple[Placement, Held]:
    """Where a message from this barred address goes: it is made where there is none."""
    known = spam.place_of(tx, customer_id)
    if known is not None:
        return Placement(known, BARRED), conversations.held(tx, known)
    life = Lifecycle(state="closed", sort_at=tx.now, closed_at=tx.now)
    conversation_id = conversations.create(tx, customer_id, life, None, begun_by=address_id)
    seq = tx.emit(
        "conversation.opened", conversation_id=conversation_id, customer_id=customer_id, data={"spam": True}
    )
    spam.set_apart(tx, conversation_id, lifecycle.opened(tx.now), seq, None)
    return Placement(conversation_id, BARRED), conversations.held(tx, conversation_id)


def life_of_heard(life: Lifecycle, now: int) -> Lifecycle:
    """Barred mail wakes nobody; it only brings its conversation to the top of those apart."""
    return replace(life, sort_at=now)


def _tell(
    tx: Transaction, conversation: Held, operator: OperatorInfo, old: str, new: str, *, apart: bool
) -> int:
    return tx.emit(
        "conversation.state",
        conversation_id=conversation.id,
        customer_id=conversation.customer_id,
        operator_id=operator.id,
        data={"from": old, "to": new, "spam": apart},
    )


def _tell_of_bar(
    tx: Transaction, operator: OperatorInfo, conversation: Held, addresses: Iterable[int], barred: bool
) -> int:
    ids = list(addresses)
    if ids:
        tx.emit(
            "customer.barred",
            customer_id=conversation.customer_id,
            operator_id=operator.id,
            data={"addresses": ids, "barred": barred},
        )
    return len(ids)
