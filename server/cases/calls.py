"""Telephone calls that a telephone system tells of: a line of the conversation. Inside `fn(tx)` only.

The number that a caller shows proves nobody: it is noted as a claim. So an incoming call goes to the
conversation that the telephone system names, else to the card of whoever calls from this number, which is
nobody else's until an operator says so. Whom we called is who has that number verified.

`InboundEvent.detail` of a call: `direction` ("in", "out"), `result` ("answered", "missed", "busy",
"voicemail", "failed"), `duration_s`, `recording` (a link), `number`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from channels.base import InboundEvent
from server import lifecycle
from server.cases import casework, spam
from server.cases.locate import locate
from server.outcome import Outcome
from server.people.authors import CALLED, Author, ChannelFacts, recognise
from server.store import conversations, customers, messages
from server.store import spam as apart
from server.store.conversations import Held
from server.store.files import NewFile
from server.store.messages import NewMessage
from server.store.transaction import Transaction


def somebody_waits(detail: Mapping[str, str]) -> bool:
    """Whether a call leaves somebody waiting for us: he called, and nobody spoke with him."""
    return detail.get("direction") != "out" and detail.get("result") != "answered"


def words(detail: Mapping[str, str]) -> str:
    """The call as one line."""
    parts = ["outgoing call" if detail.get("direction") == "out" else "incoming call"]
    if detail.get("result"):
        parts.append(detail["result"])
    seconds = detail.get("duration_s", "")
    if seconds.isascii() and seconds.isdigit() and int(seconds[:9]):
        minutes, rest = divmod(int(seconds[:9]), 60)
        parts.append(f"{minutes}:{rest:02} min")
    return ", ".join(parts)


def take(
    tx: Transaction,
    channel: ChannelFacts,
    event: InboundEvent,
    files: Sequence[NewFile],
    at: int,
    reopen_ms: int,
    is_online: Callable[[int], bool],
) -> Outcome:
    author, conversation, reason = _place(tx, channel, event, reopen_ms)
    waits = somebody_waits(event.detail)
    ours = event.detail.get("direction") == "out"
    if conversation is None:
        life = lifecycle.opened(tx.now)
        conversation_id = conversations.create(tx, author.customer_id, life, event.subject)
        tx.emit("conversation.opened", conversation_id=conversation_id, customer_id=author.customer_id)
        conversation = conversations.held(tx, conversation_id)
    else:
        wakes = waits and not conversation.spam
        life = lifecycle.customer_wrote(conversation.life, tx.now, is_online) if wakes else conversation.life
        if conversation.life.state != life.state:
            if conversation.life.state == "closed":
                casework.keep_closing(tx, conversation)
            tx.emit(
                "conversation.state",
                conversation_id=conversation.id,
                customer_id=conversation.customer_id,
                data={"from": conversation.life.state, "to": life.state},
            )
    text = event.text or words(event.detail)
    posted = messages.post(
        tx,
        conversation.id,
        conversation.customer_id,
        "message.received",
        NewMessage(
            kind="out" if ours else "in",
            event_kind="call",
            channel_id=channel.id,
            thread=event.thread,
            address_id=author.address_id or None,
            author=author.name,
            text=text,
            subject=event.subject,
            status="sent" if ours else "received",
            at=at,
            remote_id=event.remote_message_id,
            reason=reason,
            stranger=conversation.customer_id != author.customer_id,
            files=tuple(files),
            detail=dict(event.detail),
        ),
        data={"channel": channel.id},
    )
    conversations.note_message(
        tx,
        conversation,
        life,
        seq=posted.seq,
        kind="out" if ours else "in",
        text=text,
        files=len(files),
        channel_id=channel.id,
        subject=event.subject,
        from_customer=waits,
        to_customer=ours and event.detail.get("result") == "answered",
    )
    return Outcome(conversation.customer_id, posted.id, conversation.id, posted.seq)


def _place(
    tx: Transaction, channel: ChannelFacts, event: InboundEvent, reopen_ms: int
) -> tuple[Author, Held | None, str]:
    """Who it was with, in which conversation, and why there."""
    number = next((one.external_id for one in event.sender.contacts if one.scheme == "phone"), "")
    name = event.sender.name or ""
    for reference in event.references:
        named = reference.conversation_id
        if reference.trusted and named is not None and conversations.exists(tx, named):
            conversation = conversations.held(tx, named)
            address_id = _claimed(tx, conversation.customer_id, number) if number else 0
            return Author(conversation.customer_id, address_id, name), conversation, reference.how
    owner = customers.owner_of(tx, "phone", "", number) if number else None
    if owner is not None and event.detail.get("direction") == "out":
        author = Author(owner.customer_id, owner.address_id, name)
    else:
        author = recognise(tx, channel, event)
    if apart.is_barred(tx, author.address_id):
        placement, kept = spam.place(tx, author.customer_id, author.address_id)
        return author, kept, placement.reason
    placement, found = locate(tx, channel, event, author, reopen_ms)
    return author, found, placement.reason


def _claimed(tx: Transaction, customer_id: int, number: str) -> int:
    """The number on the card of whom the telephone system names, noted where it is not there yet."""
    return customers.add_address(
        tx,
        customer_id,
        scheme="phone",
        account="",
        external_id=number,
        name="",
        verified=False,
        evidence=CALLED,
    )
