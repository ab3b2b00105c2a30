"""What our side wrote elsewhere (a phone, a web mailer, the provider's own app): shown as ours, once.

It has been sent already, so it has no outbox row. Inside `fn(tx)` only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

import msgspec

from channels.base import InboundEvent, Sender
from channels.folds import sound, unfolded
from server import fates, lifecycle
from server.cases import leaving
from server.outcome import Outcome, happened_at
from server.people.authors import ChannelFacts, recognise
from server.store import conversations, messages, recipients, spoken, state, threads
from server.store.conversations import Held
from server.store.files import NewFile
from server.store.messages import NewMessage
from server.store.transaction import Transaction

REASON = "written outside of the console"


def take_echo(
    tx: Transaction, channel: ChannelFacts, event: InboundEvent, files: Sequence[NewFile]
) -> Outcome:
    """Ours already, or shown as ours. One that only claims to be ours stays in quarantine."""
    known = known_as(tx, channel, event)
    if known is not None:
        if known["kind"] == "out" and known["status"] == "unknown":
            # Our own message, found where the provider keeps what was sent: it did go out.
            fates.declare_sent(tx, known["id"], known["conversation_id"], known["customer_id"])
        if relay_id := event.detail.get("relay_id"):
            threads.remember(tx, channel.id, known["id"], [relay_id])
        return Outcome(known["customer_id"], known["id"], known["conversation_id"])
    if event.quarantine:
        return Outcome(aside=event.quarantine)
    conversation = _conversation(tx, channel, event)
    if conversation is None:
        return Outcome()
    if not event.automatic:
        leaving.answered(tx, conversation.id, None)
        conversation = conversations.held(tx, conversation.id)
    at = happened_at(event, tx.now)
    life = conversation.life
    # Who wrote after this answer waits for another one.
    if not event.automatic and at >= spoken.newest_inbound_at(tx, conversation.id):
        life = lifecycle.answered_elsewhere(life, tx.now)
    if life.state != conversation.life.state:
        tx.emit(
            "conversation.state",
            conversation_id=conversation.id,
            customer_id=conversation.customer_id,
            data={"from": conversation.life.state, "to": life.state},
        )
    return show(tx, channel, event, files, conversation, life, at=at, kind="message.received")


def known_as(tx: Transaction, channel: ChannelFacts, event: InboundEvent) -> sqlite3.Row | None:
    """The message of the channel that bears this event's id."""
    if event.remote_message_id is None:
        return None
    return messages.by_remote_id(tx, channel.id, event.remote_message_id)


def show(
    tx: Transaction,
    channel: ChannelFacts,
    event: InboundEvent,
    files: Sequence[NewFile],
    conversation: Held,
    life: lifecycle.Lifecycle | None,
    *,
    at: int,
    kind: str,
) -> Outcome:
    """Write it into the conversation as a message of ours that was sent; `life` None: its row in the lists
    stays as it is."""
    folds = sound(event.folds, event.text)
    posted = messages.post(
        tx,
        conversation.id,
        conversation.customer_id,
        kind,
        NewMessage(
            kind="out",
            channel_id=channel.id,
            thread=event.thread,
            author=event.sender.name or event.sender.external_id,
            text=event.text,
            folds=folds,
            subject=event.subject,
            status="sent",
            at=at,
            visible=True,
            remote_id=event.remote_message_id,
            reason=REASON,
            automatic=event.automatic,
            files=tuple(files),
            detail=event.detail,
        ),
        data={"channel": channel.id, "echo": True},
    )
    recipients.add(tx, posted.id, event.correspondents)
    threads.remember(
        tx, channel.id, posted.id, [one.remote_id for one in event.references if one.kind == "id"]
    )
    if life is None:
        conversations.touch(tx, conversation.id, posted.seq)
        return Outcome(conversation.customer_id, posted.id, conversation.id, posted.seq)
    conversations.note_message(
        tx,
        conversation,
        life,
        seq=posted.seq,
        kind="out",
        text=unfolded(event.text, folds),
        files=len(files),
        channel_id=channel.id,
        subject=event.subject,
        from_customer=False,
        to_customer=not event.automatic,
    )
    return Outcome(conversation.customer_id, posted.id, conversation.id, posted.seq)


def _conversation(tx: Transaction, channel: ChannelFacts, event: InboundEvent) -> Held | None:
    """Where it answers, else where its thread went on; one of its own where it names a new recipient."""
    found = referred(tx, channel, event)
    if found is not None:
        return found
    conversation_id = state.thread_conversation(tx, channel.id, event.thread)
    if conversation_id is not None:
        return conversations.held(tx, conversation_id)
    to = next((one for one in event.correspondents if one.address == event.thread), None)
    if to is None:
        return None
    person = msgspec.structs.replace(event, sender=Sender(external_id=to.address, name=to.name or None))
    author = recognise(tx, channel, person)
    active = conversations.active_of(tx, author.customer_id)
    if active is not None and not channel.begins_anew:
        return active
    life = lifecycle.begun_by_us(tx.now)
    conversation_id = conversations.create(
        tx, author.customer_id, life, event.subject, begun_by=author.address_id
    )
    tx.emit(
        "conversation.opened",
        conversation_id=conversation_id,
        customer_id=author.customer_id,
        data={"state": life.state},
    )
    state.put_thread(tx, channel.id, event.thread, conversation_id, author.address_id)
    return conversations.held(tx, conversation_id)


def referred(tx: Transaction, channel: ChannelFacts, event: InboundEvent) -> Held | None:
    """The conversation of a message that it refers to, or of one that refers to it."""
    ids = [one.remote_id for one in event.references if one.kind == "id"]
    for remote_id in (*ids, event.remote_message_id or ""):
        for found in threads.by_remote_id(tx, channel.id, remote_id) if remote_id else ():
            return conversations.held(tx, found.conversation_id)
    return None
