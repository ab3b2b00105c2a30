"""First messages and forwards in their hold: a line of the conversation beside which they were written.

Until they leave there is no conversation of theirs and no card of a recipient: taken back, they leave nothing
behind that would have to be taken apart. Transaction functions."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from channels.base import Fold
from server import failpoints
from server.cases import forwarding, outreach, replying
from server.cases.outreach import Rules
from server.cases.refused import RefusedError
from server.cases.replying import Outgoing
from server.protocol import Draft, FirstMessage, ForwardCommand, Forwarded, OperatorInfo, Recipient
from server.store import conversations, messages, recipients, scheduled
from server.store import operators as accounts
from server.store.conversations import Held
from server.store.messages import NewMessage
from server.store.scheduled import Scheduled
from server.store.transaction import Transaction


class First(msgspec.Struct, frozen=True, tag="first"):
    command: FirstMessage


class Forward(msgspec.Struct, frozen=True, tag="forward"):
    message_id: int
    command: ForwardCommand


Becomes = First | Forward


def first(
    tx: Transaction,
    customer_id: int,
    operator: OperatorInfo,
    command: FirstMessage,
    outgoing: Outgoing,
    rules: Rules,
) -> int:
    """Write to a person who did not just write to us, now or after the hold; the message id.

    Raises what `outreach.first` raises.
    """
    root = outreach.person(tx, customer_id)
    known = outreach.written_already(tx, operator, command.client_id, root)
    if known is not None:
        return known
    way = outreach.look(tx, root, operator, command, outgoing, rules)
    if command.beside is None:
        return outreach.write(tx, root, operator, command, way, outgoing)
    beside = conversations.held(tx, command.beside)
    if beside.customer_id != root:
        raise RefusedError(
            "the conversation beside which it is written is another person's", "leave `beside` out"
        )
    offer = outgoing.offers[command.channel_id]
    leaves_at = replying.end_of_hold(tx.now, offer.hold_ms, way.shown.window_until)
    if leaves_at <= tx.now:
        return outreach.write(tx, root, operator, command, way, outgoing)
    line = _line(
        operator,
        command.client_id,
        tx.now,
        text=command.text,
        subject=command.subject if offer.capabilities.subject else None,
        channel_id=offer.id,
        thread=way.thread,
        address_id=command.address_id,
        detail={"becomes": "first"},
    )
    return _wait(tx, beside, line, First(command), leaves_at)


def forward(
    tx: Transaction, message_id: int, operator: OperatorInfo, command: ForwardCommand, outgoing: Outgoing
) -> int:
    """Send a message on to somebody else, now or after the hold; the message id.

    Raises what `forwarding.forward` raises.
    """
    known = replying.forwarded_already(tx, operator, command.client_id)
    if known is not None:
        return known
    looked_at = forwarding.look(tx, message_id, command, outgoing)
    leaves_at = tx.now + looked_at.offer.hold_ms if command.hold else tx.now
    if leaves_at <= tx.now:
        made = forwarding.write(tx, looked_at, operator, command.client_id, outgoing)
    else:
        line = _line(
            operator,
            command.client_id,
            tx.now,
            text=looked_at.text,
            subject=looked_at.subject,
            channel_id=looked_at.offer.id,
            thread=looked_at.to[0].address,
            address_id=None,
            detail={"becomes": "forward", **looked_at.detail},
            folds=(Fold(kind="quoted", start=len(looked_at.comment), end=len(looked_at.text)),),
        )
        made = _wait(tx, looked_at.origin, line, Forward(message_id, command), leaves_at, looked_at.to)
    _forget_draft(tx, operator.id, looked_at.origin.id, message_id)
    return made


def leave(tx: Transaction, one: Scheduled, author: OperatorInfo, outgoing: Outgoing, rules: Rules) -> None:
    """Its hold is over: it is looked at once more, and goes. Nothing is written where this raises: HeldError,
    RefusedError, MissingError, NotFoundError."""
    becomes = _decoded(one)
    if isinstance(becomes, First):
        root = outreach.person(tx, one.customer_id)
        way = outreach.look(tx, root, author, becomes.command, outgoing, rules)
        scheduled.remove(tx, one.message_id)
        outreach.write(tx, root, author, becomes.command, way, outgoing, one.message_id)
    else:
        looked_at = forwarding.look(tx, becomes.message_id, becomes.command, outgoing)
        scheduled.remove(tx, one.message_id)
        forwarding.write(tx, looked_at, author, becomes.command.client_id, outgoing, one.message_id)


def back_to_draft(tx: Transaction, one: Scheduled) -> Draft:
    """Its words, before whatever its author has begun there since; saved."""
    becomes = _decoded(one)
    command = becomes.command
    if isinstance(becomes, First):
        begun = accounts.draft(tx, one.author_id, one.conversation_id, "first")
        draft = replace(begun, address_id=becomes.command.address_id, subject=becomes.command.subject)
    else:
        begun = accounts.draft(tx, one.author_id, one.conversation_id, "forward")
        whole = becomes.command
        of = Forwarded(message_id=becomes.message_id, file_ids=whole.file_ids)
        draft = replace(begun, to=whole.to, cc=whole.cc, bcc=whole.bcc, forwards=of)
    text = "\n\n".join(filter(None, (command.text, begun.text)))
    return accounts.save_draft(tx, one.author_id, replace(draft, text=text, channel_id=command.channel_id))


def _decoded(one: Scheduled) -> Becomes:
    becomes: Becomes = msgspec.json.decode(one.becomes, type=First | Forward)
    return becomes


def _line(
    operator: OperatorInfo,
    client_id: str,
    now: int,
    *,
    text: str,
    subject: str | None,
    channel_id: str,
    thread: str,
    address_id: int | None,
    detail: Mapping[str, str],
    folds: tuple[Fold, ...] = (),
) -> NewMessage:
    return NewMessage(
        kind="system",
        event_kind="scheduled",
        channel_id=channel_id,
        thread=thread,
        address_id=address_id,
        operator_id=operator.id,
        text=text,
        subject=subject,
        status="scheduled",
        at=now,
        client_id=client_id,
        detail=detail,
        folds=folds,
    )


def _wait(
    tx: Transaction,
    beside: Held,
    line: NewMessage,
    becomes: Becomes,
    leaves_at: int,
    to: list[Recipient] | None = None,
) -> int:
    posted = messages.post(
        tx, beside.id, beside.customer_id, "message.scheduled", line, data={"channel": line.channel_id}
    )
    recipients.add(tx, posted.id, to or [])
    scheduled.add(
        tx,
        posted.id,
        line.channel_id,
        line.thread,
        leaves_at,
        keep=True,
        becomes=msgspec.json.encode(becomes).decode(),
    )
    conversations.touch(tx, beside.id, posted.seq)
    failpoints.hit("later.written")
    return posted.id


def _forget_draft(tx: Transaction, operator_id: int, conversation_id: int, message_id: int) -> None:
    """It is sent. One of another message stays begun."""
    begun = accounts.draft(tx, operator_id, conversation_id, "forward").forwards
    if begun is not None and begun.message_id == message_id:
        accounts.save_draft(tx, operator_id, Draft(conversation_id=conversation_id, kind="forward"))
