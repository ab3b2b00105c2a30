"""Where an inbound event goes: the candidates that `placement` chooses from. Inside `fn(tx)` only."""

from __future__ import annotations

import msgspec

from channels.base import InboundEvent, Reference
from server.cases.placement import Candidate, Placement, Suggestion, place, plain_subject
from server.people.authors import Author, ChannelFacts
from server.store import conversations, messages, recipients, spoken, state, threads
from server.store.conversations import Held
from server.store.transaction import Transaction

Found = tuple[Held | None, Candidate | None]

SUGGEST_DAYS = 14
DAY_MS = 86_400_000


def _candidate(found: Held | None, why: str) -> Candidate | None:
    if found is None:
        return None
    return Candidate(found.id, found.life.state, found.life.closed_at, why)


def takes_part(tx: Transaction, channel: ChannelFacts, conversation: Held, author: Author) -> bool:
    """He is its customer, wrote in it before, or was named in it by the customer or by us."""
    return (
        conversation.customer_id == author.customer_id
        or spoken.takes_part(tx, conversation.id, author.customer_id)
        or recipients.is_named(tx, conversation.id, channel.scheme, author.customer_id)
    )


def _led_to(tx: Transaction, channel: ChannelFacts, reference: Reference) -> list[int]:
    """Conversations of this channel to which a reference leads, the likeliest first."""
    if reference.conversation_id is not None:
        return [reference.conversation_id] if conversations.exists(tx, reference.conversation_id) else []
    if reference.message_id is not None:
        named = threads.our_message(tx, channel.id, reference.message_id)
        return [] if named is None else [named.conversation_id]
    if reference.trusted:
        # What bears our MAC speaks of a message of ours, whoever else took that id for his own.
        row = messages.by_remote_id(tx, channel.id, reference.remote_id, ours=True)
        return [] if row is None else [row["conversation_id"]]
    rows = threads.by_remote_id(tx, channel.id, reference.remote_id)
    return list(dict.fromkeys(row.conversation_id for row in rows))


def _by_reference(
    tx: Transaction, channel: ChannelFacts, event: InboundEvent, author: Author
) -> tuple[Held | None, Candidate | None, Suggestion | None]:
    """The conversation of the first message of the channel that this one answers.

    A reference that anybody could have made up or copied counts only where the author already takes part;
    otherwise it is a suggestion.
    """
    suggestion: Suggestion | None = None
    for reference in event.references:
        for conversation_id in _led_to(tx, channel, reference):
            conversation = conversations.held(tx, conversation_id)
            if conversation.spam:
                continue  # what is no spam does not go where spam is kept
            if reference.trusted or takes_part(tx, channel, conversation, author):
                return conversation, _candidate(conversation, reference.how), None
            suggestion = suggestion or Suggestion(conversation_id, "it refers to that conversation")
    return None, None, suggestion


def _by_thread(tx: Transaction, channel: ChannelFacts, event: InboundEvent, author: Author) -> Found:
    thread = event.thread or event.sender.external_id
    why = "same thread"
    if thread != event.sender.external_id:
        conversation_id = state.thread_conversation(tx, channel.id, thread)
    else:
        # The thread is the sender himself (a mail address): it says nothing, unless he was led here.
        conversation_id = state.led_thread(tx, channel.id, thread)
        why = "continued here"
    if conversation_id is not None:
        conversation = conversations.held(tx, conversation_id)
        if conversation.customer_id == author.customer_id and not conversation.spam:
            return conversation, _candidate(conversation, why)
    return None, None


def _suggested(
    tx: Transaction, event: InboundEvent, author: Author, active: Held | None
) -> Suggestion | None:
    """Of the author's own conversations: one with the same subject, else the one that is open."""
    subject = plain_subject(event.subject)
    if subject:
        since = tx.now - SUGGEST_DAYS * DAY_MS
        for conversation_id, other in conversations.subjects_since(tx, author.customer_id, since):
            if plain_subject(other) == subject:
                return Suggestion(conversation_id, "same subject")
    return None if active is None else Suggestion(active.id, "the customer's open conversation")


def locate(
    tx: Transaction, channel: ChannelFacts, event: InboundEvent, author: Author, reopen_ms: int
) -> tuple[Placement, Held | None]:
    """Where the event goes, and that conversation; looks no further than it must."""
    reopen_after = tx.now - reopen_ms
    active: Held | None = None
    closed: Held | None = None
    by_thread: Found = None, None
    referred, by_reference, suggestion = _by_reference(tx, channel, event, author)
    if referred is None and not event.automatic:
        by_thread = _by_thread(tx, channel, event, author)
        if by_thread[0] is None or by_thread[0].life.state == "closed":
            active = conversations.active_of(tx, author.customer_id)
            if active is None and not channel.begins_anew:
                closed = conversations.closed_since(tx, author.customer_id, reopen_after)
    # Who writes a new mail begins a new matter, unless he goes on by mail with what began elsewhere.
    anew = channel.begins_anew and active is not None and channel.id in active.channels.split()
    placement = place(
        by_reference=by_reference,
        by_thread=by_thread[1],
        active=None if anew else _candidate(active, "the customer's open conversation"),
        lately_closed=_candidate(closed, "closed a short while ago"),
        reopen_after=reopen_after,
        automatic=event.automatic,
    )
    for found in (referred, by_thread[0], active, closed):
        if found is not None and found.id == placement.conversation_id:
            return placement, found
    if channel.begins_anew and not event.automatic:
        suggestion = suggestion or _suggested(tx, event, author, active)
        placement = msgspec.structs.replace(placement, suggestion=suggestion)
    return placement, None
