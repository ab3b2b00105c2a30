"""Sending a message on to somebody else. What he answers gets a conversation of its own, beside the
customer's: he is another person, and what he says is not for the customer by itself."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime

import msgspec

from server import lifecycle
from server.cases import replying
from server.cases.addressing import AddressingError, addressed
from server.cases.refused import RefusedError
from server.cases.replying import Outgoing
from server.cases.ways import ChannelOffer
from server.protocol import ForwardCommand, Message, OperatorInfo, Recipient
from server.store import conversations, customers, messages, outbox, recipients, unsaid
from server.store import files as attachments
from server.store.conversations import Held, NotFoundError
from server.store.files import NewFile
from server.store.messages import NewMessage
from server.store.transaction import Snapshot, Transaction

SUBJECT_MAX = 300


class Forwarding(msgspec.Struct, frozen=True):
    """A forward that was looked at: nothing speaks against it."""

    original: Message
    origin: Held
    offer: ChannelOffer
    to: list[Recipient]
    files: list[NewFile]
    comment: str

    @property
    def text(self) -> str:
        return self.comment + quoted(self.original)

    @property
    def subject(self) -> str:
        return f"Fwd: {self.original.subject or self.origin.subject or ''}".strip()[:SUBJECT_MAX]

    @property
    def detail(self) -> dict[str, str]:
        return {"forwarded": str(self.original.id), "quote_at": str(len(self.comment))}


def write(
    tx: Transaction,
    looked_at: Forwarding,
    operator: OperatorInfo,
    client_id: str,
    outgoing: Outgoing,
    line: int | None = None,
) -> int:
    """A conversation with the recipient, the message, an outbox row; the message id. `line`: the message as
    which it waited beside the original: it becomes the note about the forward."""
    if line is not None:
        unsaid.drop_client_id(tx, line)
    original, origin, offer, to = looked_at.original, looked_at.origin, looked_at.offer, looked_at.to
    customer_id, address_id = _person(tx, to[0], offer)
    subject = looked_at.subject
    life = lifecycle.Lifecycle(state="waiting", assignee_id=operator.id, sort_at=tx.now)
    child_id = conversations.create(tx, customer_id, life, subject, parent_id=origin.id)
    tx.emit(
        "conversation.opened",
        conversation_id=child_id,
        customer_id=customer_id,
        operator_id=operator.id,
        data={"state": life.state},
    )
    child = conversations.held(tx, child_id)
    text = looked_at.text
    posted = messages.post(
        tx,
        child_id,
        customer_id,
        "message.queued",
        NewMessage(
            kind="out",
            event_kind="message",
            channel_id=offer.id,
            thread=to[0].address,
            address_id=address_id,
            operator_id=operator.id,
            text=text,
            subject=subject,
            status="queued",
            at=tx.now,
            client_id=client_id,
            reason=f"forwarded from #{origin.id}",
            files=tuple(looked_at.files),
            detail=looked_at.detail,
        ),
        data={"channel": offer.id, "forwarded": original.id},
        name=lambda new_id: outgoing.name_message(offer.id, child_id, new_id),
    )
    recipients.add(tx, posted.id, to)
    outbox.enqueue(tx, posted.id, offer.id, to[0].address)
    conversations.note_message(
        tx,
        child,
        life,
        seq=posted.seq,
        kind="out",
        text=text,
        files=len(looked_at.files),
        channel_id=offer.id,
        subject=subject,
        from_customer=False,
        to_customer=True,
    )
    _note(tx, origin, operator, f"forwarded to {to[0].address}: #{child_id}", line)
    return posted.id


def look(tx: Snapshot, message_id: int, command: ForwardCommand, outgoing: Outgoing) -> Forwarding:
    """Raises RefusedError, MissingError, NotFoundError."""
    original = messages.many(tx, [message_id]).get(message_id)
    if original is None or original.kind not in ("in", "out") or original.deleted:
        raise NotFoundError("message", message_id)
    offer = outgoing.offers.get(command.channel_id)
    if offer is None or offer.capabilities.recipients_max < 2:
        raise RefusedError("messages cannot be forwarded by this channel", "choose an e-mail channel")
    to = _to_whom(tx, command, offer, outgoing)
    origin = conversations.held(tx, original.conversation_id)
    wanted = [file.id for file in original.files] if command.file_ids is None else command.file_ids
    if not set(wanted) <= {file.id for file in original.files}:
        raise RefusedError("a file to send is not one of this message", "choose the files again")
    files = attachments.by_id(tx, wanted, original.customer_id)
    replying.check_filled(tx, command.text)
    comment = command.text.strip("\n")
    return Forwarding(original, origin, offer, to, files, comment + "\n\n" if comment else "")


def _to_whom(
    tx: Snapshot, command: ForwardCommand, offer: ChannelOffer, outgoing: Outgoing
) -> list[Recipient]:
    try:
        to = addressed(
            {"to": command.to, "cc": command.cc, "bcc": command.bcc},
            known={},  # nobody is suggested: who gets a customer's words is written down by a person
            own=outgoing.own_addresses,
            most=offer.capabilities.recipients_max,
            check=lambda address: outgoing.check_address(offer.id, address),
        )
    except AddressingError as error:
        raise RefusedError(str(error), error.hint) from error
    if not to or to[0].role != "to":
        raise RefusedError("a forward needs somebody to go to", "write an address after To")
    return to


def _person(tx: Transaction, to: Recipient, offer: ChannelOffer) -> tuple[int, int]:
    """Customer and address of the recipient: the card that has this address, or a new one."""
    owner = customers.owner_of(tx, offer.scheme, offer.account, to.address)
    if owner is not None:
        return owner.customer_id, owner.address_id
    customer_id = customers.create(tx, to.name or to.address)
    address_id = customers.add_address(
        tx,
        customer_id,
        scheme=offer.scheme,
        account=offer.account,
        external_id=to.address,
        name=to.name,
        verified=True,
        evidence="a colleague wrote it down",
        proof="colleague",
    )
    return customer_id, address_id


def quoted(original: Message) -> str:
    """The message as it is shown below a forward; every mail program knows this form."""
    moment = format_datetime(datetime.fromtimestamp(original.at / 1000, UTC))
    lines = ["---------- Forwarded message ----------", f"From: {original.author}", f"Date: {moment}"]
    if original.subject:
        lines.append(f"Subject: {original.subject}")
    named = [one.address for one in original.recipients if one.role in ("to", "cc")]
    if named:
        lines.append(f"To: {', '.join(named)}")
    return "\n".join(lines) + "\n\n" + original.text


def _note(tx: Transaction, origin: Held, operator: OperatorInfo, text: str, line: int | None) -> None:
    """A line in the customer's own conversation, so that everybody knows who was asked."""
    if line is None:
        note = NewMessage(kind="note", operator_id=operator.id, text=text, status="received", at=tx.now)
        seq = messages.post(tx, origin.id, origin.customer_id, "note.added", note).seq
    else:
        seq = tx.emit(
            "note.added",
            conversation_id=origin.id,
            customer_id=origin.customer_id,
            message_id=line,
            operator_id=operator.id,
        )
        unsaid.become_note(tx, line, text, seq)
        recipients.forget(tx, line)
    conversations.touch(tx, origin.id, seq)
