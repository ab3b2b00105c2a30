"""Where an inbound event goes: the candidates that `placement` chooses from. Inside `fn(tx)` only."""

from __future__ import annotations

from channels.base import InboundEvent
from server.authors import Author, ChannelFacts
from server.placement import Candidate, Placement, place
from server.store import conversations, messages, state
from server.store.conversations import Held
from server.store.transaction import Transaction

Found = tuple[Held | None, Candidate | None]


def _candidate(found: Held | None, why: str) -> Candidate | None:
    if found is None:
        return None
    return Candidate(found.id, found.life.state, found.life.closed_at, why)


def _by_reference(tx: Transaction, channel: ChannelFacts, event: InboundEvent, author: Author) -> Found:
    """The conversation of the first message of the channel that this one answers.

    A reference that anybody could have made up or copied counts only where the author already takes part.
    """
    for reference in event.references:
        # What bears our MAC speaks of a message of ours, whoever else took that id for his own.
        row = messages.by_remote_id(tx, channel.id, reference.remote_id, ours=reference.trusted)
        if row is None:
            continue
        conversation = conversations.held(tx, row["conversation_id"])
        known = conversation.customer_id == author.customer_id or messages.takes_part(
            tx, conversation.id, author.customer_id
        )
        if known or reference.trusted:
            return conversation, _candidate(conversation, reference.how)
    return None, None


def _by_thread(tx: Transaction, channel: ChannelFacts, event: InboundEvent, author: Author) -> Found:
    # Where the thread is the sender himself (a mail address), it says nothing about the conversation.
    if event.thread and event.thread != event.sender.external_id:
        conversation_id = state.thread_conversation(tx, channel.id, event.thread)
        if conversation_id is not None:
            conversation = conversations.held(tx, conversation_id)
            if conversation.customer_id == author.customer_id:
                return conversation, _candidate(conversation, "same thread")
    return None, None


def locate(
    tx: Transaction, channel: ChannelFacts, event: InboundEvent, author: Author, reopen_ms: int
) -> tuple[Placement, Held | None]:
    """Where the event goes, and that conversation; looks no further than it must."""
    reopen_after = tx.now - reopen_ms
    active: Held | None = None
    closed: Held | None = None
    by_thread: Found = None, None
    by_reference = _by_reference(tx, channel, event, author)
    if by_reference[0] is None and not event.automatic:
        by_thread = _by_thread(tx, channel, event, author)
        if by_thread[0] is None or by_thread[0].life.state == "closed":
            active = conversations.active_of(tx, author.customer_id)
            if active is None:
                closed = conversations.closed_since(tx, author.customer_id, reopen_after)
    placement = place(
        by_reference=by_reference[1],
        by_thread=by_thread[1],
        active=_candidate(active, "the customer's open conversation"),
        lately_closed=_candidate(closed, "closed a short while ago"),
        reopen_after=reopen_after,
        automatic=event.automatic,
    )
    for found in (by_reference[0], by_thread[0], active, closed):
        if found is not None and found.id == placement.conversation_id:
            return placement, found
    return placement, None
