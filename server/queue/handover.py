"""From one operator to another: with a note, for as long as it may be declined, and on the customer's clock.

Inside `fn(tx)` only.
"""

from __future__ import annotations

from server import lifecycle
from server.cases.casework import save_assignee
from server.cases.refused import RefusedError
from server.cases.replying import write_note
from server.operators import authorise
from server.protocol import AssignCommand, DeclineCommand, OperatorInfo
from server.store import conversations, operators, presence, queue
from server.store.conversations import NotFoundError
from server.store.transaction import Transaction


def assign(
    tx: Transaction, conversation_id: int, operator: OperatorInfo, command: AssignCommand, decline_ms: int
) -> None:
    """Hand it to a colleague, who may decline it for `decline_ms`. Since when the customer waits stays.

    Raises NotFoundError, RefusedError, IllegalMoveError.
    """
    conversation = conversations.held(tx, conversation_id)
    receiver = operators.by_id(tx, command.operator_id)
    if receiver is None or receiver.disabled:
        raise NotFoundError("operator", command.operator_id)
    if not authorise(receiver, "write"):
        raise RefusedError(f"{receiver.name} may not answer customers", "hand it to somebody who may")
    if presence.is_gone(tx, receiver.id) and receiver.id != operator.id:
        raise RefusedError(f"{receiver.name} is not there", "hand it to somebody who is, or give it back")
    if receiver.id == conversation.life.assignee_id:
        return
    if receiver.id != operator.id and not command.note.strip():
        raise RefusedError("a hand-over needs a note", "say in a line what your colleague must know")
    life = lifecycle.assign(conversation.life, receiver.id)
    if command.note.strip():
        write_note(tx, conversation, operator, command.note, None)
    save_assignee(tx, conversation, life, operator, f"handed over by {operator.id}")
    if receiver.id != operator.id and decline_ms:
        queue.note_given(tx, conversation.id, conversation.life.assignee_id, tx.now + decline_ms)


def decline(tx: Transaction, conversation_id: int, operator: OperatorInfo, command: DeclineCommand) -> None:
    """Back to who had it, or to the queue where that is nobody, or nobody who is there.

    Raises NotFoundError, RefusedError, IllegalMoveError.
    """
    conversation = conversations.held(tx, conversation_id)
    given = queue.given(tx, conversation.id)
    if conversation.life.assignee_id != operator.id or given.decline_until is None:
        raise RefusedError("it was not handed to you", "give it back to the queue instead")
    if given.decline_until < tx.now:
        raise RefusedError("the time to decline it is over", "hand it on, or give it back to the queue")
    back_to = None if given.given_from is None else operators.by_id(tx, given.given_from)
    if back_to is None or back_to.disabled or presence.is_gone(tx, back_to.id):
        life = lifecycle.release(conversation.life)
    else:
        life = lifecycle.assign(conversation.life, back_to.id)
    if command.reason.strip():
        write_note(tx, conversation, operator, command.reason, None)
    save_assignee(tx, conversation, life, operator, "declined")
    queue.note_why(tx, conversation.id, "declined")
