"""What collaborators of other departments may see: single conversations, shared with them by name.

Inside `fn(tx)` only.
"""

from __future__ import annotations

from server.cases.refused import RefusedError
from server.operators import authorise, limited_to
from server.protocol import OperatorInfo, ShareCommand
from server.store import conversations, operators, shares
from server.store.conversations import NotFoundError
from server.store.transaction import Event, Snapshot, Transaction


def may_see(tx: Snapshot, conversation_id: int, operator: OperatorInfo) -> bool:
    """Asked like an event of the conversation, so that nobody hears of what he may not see."""
    if limited_to(operator) is None:
        return authorise(operator, "look")
    probe = Event(seq=0, at=0, kind="conversation.changed", conversation_id=conversation_id)
    shared_with = shares.readers(tx, [conversation_id]).get(conversation_id, frozenset())
    return authorise(operator, "look", probe, shared_with=shared_with)


def check(tx: Snapshot, conversation_id: int, operator: OperatorInfo) -> int:
    """The conversation, or the one in which it goes on. Raises NotFoundError, also where he may not see it:
    what is not his to see is not there."""
    found = conversations.held(tx, conversation_id).id
    if not may_see(tx, found, operator):
        raise NotFoundError("conversation", conversation_id)
    return found


def share(tx: Transaction, conversation_id: int, operator: OperatorInfo, command: ShareCommand) -> None:
    """Raises NotFoundError, RefusedError. Again: it stays as it is."""
    conversation = conversations.held(tx, conversation_id)
    colleague = operators.by_id(tx, command.operator_id)
    if colleague is None or colleague.disabled:
        raise NotFoundError("operator", command.operator_id)
    if limited_to(colleague) is None:
        raise RefusedError(f"{colleague.name} sees everything", "call him in a note: @" + colleague.login)
    if shares.add(tx, conversation.id, colleague.id, by=operator.id):
        seq = tx.emit(
            "conversation.shared",
            conversation_id=conversation.id,
            customer_id=conversation.customer_id,
            operator_id=operator.id,
            data={"with": colleague.id},
        )
        conversations.touch(tx, conversation.id, seq)


def end(tx: Transaction, conversation_id: int, operator: OperatorInfo, colleague_id: int) -> None:
    """Raises NotFoundError. He is told by an event that holds nothing but the conversation's number."""
    conversation = conversations.held(tx, conversation_id)
    if not shares.end(tx, conversation.id, colleague_id):
        return
    seq = tx.emit(
        "conversation.unshared",
        conversation_id=conversation.id,
        customer_id=conversation.customer_id,
        operator_id=operator.id,
        data={"with": colleague_id},
    )
    conversations.touch(tx, conversation.id, seq)
    tx.emit("share.ended", operator_id=colleague_id, data={"conversation": conversation.id})
