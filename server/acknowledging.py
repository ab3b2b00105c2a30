"""The answer that a channel may give by itself to whoever begins a conversation: "we have your letter".

Two machines that thank each other fill disks and get addresses blocked, and headers that say "I am a
machine" may be missing. So there are caps that depend on no header at all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from channels.base import InboundEvent
from server.people.authors import Author, ChannelFacts
from server.protocol import Recipient
from server.store import auto_answers, conversations, messages, outbox, recipients
from server.store.auto_answers import Said
from server.store.messages import NewMessage
from server.store.transaction import Transaction

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
MINUTES_MS = 10 * 60_000

ADDRESS_A_DAY = 1
CONVERSATION_MAX = 3
ALL_AN_HOUR = 30
HEARD_MAX = 5  # whoever writes more than this in ten minutes is answered by people only


class Acknowledging(msgspec.Struct, frozen=True, kw_only=True):
    """What is said, by channel, and what must be known of the channels for it."""

    texts: Mapping[str, str] = {}
    several: frozenset[str] = frozenset()  # channels whose messages name their recipients
    name_message: Callable[[str, int, int], str | None] = lambda channel_id, conversation_id, message_id: None


def too_much(said: Said) -> str:
    """Why nothing may be said by itself now, or "". Pure."""
    if said.to_address >= ADDRESS_A_DAY:
        return "this address had one today"
    if said.in_conversation >= CONVERSATION_MAX:
        return "this conversation had its share"
    if said.at_all >= ALL_AN_HOUR:
        return "there were too many in this hour"
    if said.heard > HEARD_MAX:
        return "this address writes too fast for a person"
    return ""


def acknowledge(
    tx: Transaction,
    channel: ChannelFacts,
    event: InboundEvent,
    author: Author,
    conversation_id: int,
    how: Acknowledging,
) -> int | None:
    """Say it, if the channel has something to say and it was not said too often; the message's id.

    The customer still waits for us: nothing of the conversation's state changes.
    """
    text = how.texts.get(channel.id, "").strip()
    if not text or event.automatic or event.history or not event.sender.reachable or not event.sender.proven:
        return None
    now = tx.now
    said = auto_answers.said(
        tx, author.address_id, conversation_id, day=now - DAY_MS, hour=now - HOUR_MS, minutes=now - MINUTES_MS
    )
    if too_much(said):
        return None
    conversation = conversations.held(tx, conversation_id)
    thread = event.thread or event.sender.external_id
    posted = messages.post(
        tx,
        conversation.id,
        conversation.customer_id,
        "message.queued",
        NewMessage(
            kind="out",
            channel_id=channel.id,
            thread=thread,
            address_id=author.address_id,
            text=text,
            subject=event.subject,
            status="queued",
            at=now,
            reason="said by itself",
            automatic=True,
        ),
        data={"channel": channel.id, "automatic": True},
        name=lambda message_id: how.name_message(channel.id, conversation.id, message_id),
    )
    if channel.id in how.several:
        recipients.add(tx, posted.id, [Recipient(role="to", address=event.sender.external_id)])
    auto_answers.note(tx, posted.id, conversation.id, author.address_id)
    outbox.enqueue(tx, posted.id, channel.id, thread)
    conversations.touch(tx, conversation.id, posted.seq)
    return posted.id
