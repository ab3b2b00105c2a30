"""From one operator to another, or to another team: with a note, to be declined for a while, and on the
customer's clock.

Inside `fn(tx)` only.
"""

from __future__ import annotations

from server import lifecycle
from server.cases import casework
from server.cases.casework import save_assignee
from server.cases.notes import write_note
from server.cases.refused import RefusedError
from server.operators import authorise
from server.protocol import AssignCommand, ClaimCommand, DeclineCommand, OperatorInfo
from server.queue.assigning import Desks
from server.store import conversations, operators, presence, queue, transfers
from server.store.conversations import Held, NotFoundError
from server.store.transaction import Transaction
from server.store.transfers import Side


def take(
    tx: Transaction, conversation_id: int, operator: OperatorInfo, command: ClaimCommand, desks: Desks
) -> None:
    """From the queue, or from whoever has it. Raises TakenError, IllegalMoveError, NotFoundError."""
    before = conversations.held(tx, conversation_id)
    casework.claim(tx, conversation_id, operator, command.expect)
    _note(tx, before, operator, operator, desks)


def assign(
    tx: Transaction, conversation_id: int, operator: OperatorInfo, command: AssignCommand, desks: Desks
) -> None:
    """Hand it to a colleague or to a team, who may decline it for `desks.decline_ms`. Since when the customer
    waits stays. Raises NotFoundError, RefusedError, IllegalMoveError."""
    conversation = conversations.held(tx, conversation_id)
    if command.team:
        _to_team(tx, conversation, operator, command, desks)
        return
    if command.operator_id is None:
        raise RefusedError("to whom?", "name an operator or a team")
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
    transfer_id = _note(tx, conversation, operator, receiver, desks)
    if receiver.id != operator.id and desks.decline_ms:
        until = tx.now + desks.decline_ms
        queue.note_given(tx, conversation.id, conversation.life.assignee_id, until, transfer_id)


def decline(
    tx: Transaction, conversation_id: int, operator: OperatorInfo, command: DeclineCommand, desks: Desks
) -> None:
    """Back to who had it, or to the queue where that is nobody, or nobody who is there; and to the team whose
    work it was. Raises NotFoundError, RefusedError, IllegalMoveError."""
    conversation = conversations.held(tx, conversation_id)
    given = queue.given(tx, conversation.id)
    if not _is_given_to(conversation, operator, desks) or given.decline_until is None:
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
    # Nobody had it, and nobody has it now: the event is told all the same.
    team = conversation.team if life == conversation.life else ""
    save_assignee(tx, conversation, life, operator, "declined", team=team)
    if given.transfer_id is not None:
        transfers.declined(tx, given.transfer_id)
    if life.assignee_id is None:
        queue.note_given(tx, conversation.id, None, None)
    queue.note_why(tx, conversation.id, "declined")


def _to_team(
    tx: Transaction, conversation: Held, operator: OperatorInfo, command: AssignCommand, desks: Desks
) -> None:
    if command.team not in desks.teams.handed:
        raise NotFoundError("team", command.team)
    before = desks.team_of(conversation)
    if before == command.team:
        raise RefusedError("it is this team's already", "give it back to the queue, and they have it")
    if not command.note.strip():
        raise RefusedError("a hand-over needs a note", "say in a line what the other team must know")
    life = lifecycle.release(conversation.life)
    write_note(tx, conversation, operator, command.note, None)
    why = f"handed to a team by {operator.id}"
    save_assignee(tx, conversation, life, operator, why, team=command.team)
    had_it = conversation.life.assignee_id
    sides = Side(had_it, before), Side(None, command.team)
    transfer_id = transfers.note(tx, conversation.id, operator.id, *sides, conversation.team)
    queue.note_given(tx, conversation.id, had_it, tx.now + desks.decline_ms, transfer_id)
    queue.note_why(tx, conversation.id, f"team {command.team}")


def _note(
    tx: Transaction, before: Held, by: OperatorInfo, receiver: OperatorInfo, desks: Desks
) -> int | None:
    """Count it, where somebody else had it, or another team. Taken from the own queue it is no hand-over."""
    team = desks.team_of(before)
    member = desks.teams.members.get(receiver.login)
    theirs = team if member is None or team in member.teams else min(member.teams)
    had_it = before.life.assignee_id
    if had_it == receiver.id or (had_it is None and theirs == team):
        return None
    if theirs != team:
        # It is his team's work now: when he is gone, it waits in their queue.
        own = desks.teams.served.get(before.channel_id)
        queue.save_team(tx, before.id, "" if own is not None and own.team == theirs else theirs)
    return transfers.note(tx, before.id, by.id, Side(had_it, team), Side(receiver.id, theirs), before.team)


def _is_given_to(conversation: Held, operator: OperatorInfo, desks: Desks) -> bool:
    """To him, or to his team, of whom nobody has it yet."""
    if conversation.life.assignee_id is not None:
        return conversation.life.assignee_id == operator.id
    member = desks.teams.members.get(operator.login)
    return bool(conversation.team) and member is not None and conversation.team in member.teams
