"""Private notes, and whom they call. Transaction functions."""

from __future__ import annotations

from server.cases import sharing
from server.cases.mentions import mentioned
from server.cases.refused import RefusedError
from server.cases.replying import written_already
from server.protocol import NoteCommand, OperatorInfo
from server.store import cases, conversations, mentions, messages
from server.store import operators as accounts
from server.store.conversations import Held
from server.store.messages import NewMessage
from server.store.transaction import Snapshot, Transaction


def write_note(
    tx: Transaction, conversation: Held, operator: OperatorInfo, text: str, client_id: str | None
) -> int:
    note = NewMessage(
        kind="note", operator_id=operator.id, text=text, status="received", at=tx.now, client_id=client_id
    )
    called = _called(tx, conversation, operator, text)
    posted = messages.post(tx, conversation.id, conversation.customer_id, "note.added", note)
    conversations.touch(tx, conversation.id, posted.seq)
    cases.acted(tx, conversation.id, "noted", operator.id)
    for colleague in called:
        mentions.add(tx, colleague.id, posted.id, by=operator.id)
    return posted.id


def _called(tx: Snapshot, conversation: Held, operator: OperatorInfo, text: str) -> list[OperatorInfo]:
    """The colleagues whom a note names. Raises RefusedError where one of them could not read it."""
    called = [one for one in mentioned(text, accounts.everybody(tx)) if one.id != operator.id]
    for colleague in called:
        if not sharing.may_see(tx, conversation.id, colleague):
            raise RefusedError(
                f"{colleague.name} may not see this conversation, and would not hear of the note",
                f"share it with {colleague.login} first, or write {colleague.login} without @",
            )
    return called


def note(tx: Transaction, conversation_id: int, operator: OperatorInfo, command: NoteCommand) -> int:
    """Write a private note; the message id. Notes move nothing and hold nobody's reply."""
    known = written_already(tx, operator, command.client_id, conversation_id, "note")
    if known is not None:
        return known
    if not command.text.strip():
        raise RefusedError("the note is empty", "write something first")
    conversation = conversations.held(tx, conversation_id)
    return write_note(tx, conversation, operator, command.text, command.client_id)
