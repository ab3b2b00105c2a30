"""Mail and chats brought in from an archive: in their place in the history, and otherwise as if they had
always been there. They reopen nothing, tell nobody, and nobody waits for an answer. Inside `fn(tx)` only.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from channels.base import InboundEvent, Sender
from channels.folds import sound, unfolded
from server import lifecycle
from server.echoes import known_as, referred, show
from server.outcome import Outcome, happened_at
from server.people.authors import ChannelFacts, recognise
from server.store import conversations, messages, recipients, state, threads
from server.store.conversations import Held
from server.store.files import NewFile
from server.store.messages import NewMessage
from server.store.transaction import Transaction

EVENT = "message.imported"
REASON = "imported"


def take_history(
    tx: Transaction, channel: ChannelFacts, event: InboundEvent, files: Sequence[NewFile]
) -> Outcome:
    """One message of an archive; what is here already stays as it is."""
    at = happened_at(event, tx.now)
    if event.is_echo:
        known = known_as(tx, channel, event)
        if known is not None:
            return Outcome(known["customer_id"], known["id"], known["conversation_id"])
        to = next((one for one in event.correspondents if one.address == event.thread), None)
        if to is None:
            return Outcome(aside="it names no recipient but ourselves")
        person = msgspec.structs.replace(event, sender=Sender(external_id=to.address, name=to.name or None))
        conversation, _ = _conversation(tx, channel, event, person, at)
        life = _life(conversation, at)
        shown = show(tx, channel, event, files, conversation, life, at=at, kind=EVENT)
        if life is not None:
            conversations.spoken_at(tx, conversation.id, life.sort_at)
        return shown
    conversation, address_id = _conversation(tx, channel, event, event, at)
    author = recognise(tx, channel, event)
    folds = sound(event.folds, event.text)
    posted = messages.post(
        tx,
        conversation.id,
        conversation.customer_id,
        EVENT,
        NewMessage(
            kind="in",
            event_kind=event.kind,
            channel_id=channel.id,
            thread=event.thread or event.sender.external_id,
            address_id=address_id,
            author=author.name,
            text=event.text,
            folds=folds,
            subject=event.subject,
            status="received",
            at=at,
            visible=True,
            remote_id=event.remote_message_id,
            reason=REASON,
            stranger=conversation.customer_id != author.customer_id,
            automatic=event.automatic,
            files=tuple(files),
            detail=event.detail,
        ),
        data={"channel": channel.id},
    )
    recipients.add(tx, posted.id, event.correspondents)
    threads.remember(
        tx, channel.id, posted.id, [one.remote_id for one in event.references if one.kind == "id"]
    )
    life = _life(conversation, at)
    if life is None:
        conversations.touch(tx, conversation.id, posted.seq)
    else:
        conversations.note_message(
            tx,
            conversation,
            life,
            seq=posted.seq,
            kind="in",
            text=unfolded(event.text, folds),
            files=len(files),
            channel_id=channel.id,
            subject=event.subject,
            from_customer=not event.automatic,
            to_customer=False,
        )
        conversations.spoken_at(tx, conversation.id, life.sort_at)
    return Outcome(conversation.customer_id, posted.id, conversation.id, posted.seq)


def _life(conversation: Held, at: int) -> lifecycle.Lifecycle | None:
    """Of a conversation that is all archive, the row shows its latest message; others stay as they are."""
    now = conversation.life
    if now.state != "closed" or now.topic != lifecycle.ARCHIVED:
        return None
    return lifecycle.archived(max(at, now.closed_at or 0))


def _conversation(
    tx: Transaction, channel: ChannelFacts, event: InboundEvent, person: InboundEvent, at: int
) -> tuple[Held, int]:
    """Where it refers to, else a closed one of its own; and the customer's address."""
    author = recognise(tx, channel, person)
    found = referred(tx, channel, event)
    if found is not None:
        return found, author.address_id
    life = lifecycle.archived(at)
    conversation_id = conversations.create(
        tx, author.customer_id, life, event.subject, begun_by=author.address_id
    )
    conversations.save_life(tx, conversation_id, life, 0)
    thread = person.sender.external_id
    if state.thread_conversation(tx, channel.id, thread) is None:
        state.put_thread(tx, channel.id, thread, conversation_id, author.address_id)
    return conversations.held(tx, conversation_id), author.address_id
