"""A customer types: in which of his conversations that is to be shown. Nothing of it is kept."""

from __future__ import annotations

from channels.base import InboundEvent
from server.people.authors import ChannelFacts
from server.store import conversations, customers, state
from server.store.transaction import Snapshot

STALE_MS = 30_000  # a channel that delivers late tells of what is over


def typed_in(tx: Snapshot, channel: ChannelFacts, event: InboundEvent) -> int | None:
    """His conversation of this thread, else the one in which he wrote last; None where he has none open, or
    is somebody we have not heard of yet."""
    if event.occurred_at is not None and tx.now - event.occurred_at > STALE_MS:
        return None
    owner = customers.owner_of(tx, channel.scheme, channel.account, event.sender.external_id)
    if owner is None or owner.blocked:
        return None
    known = state.thread_conversation(tx, channel.id, event.thread or event.sender.external_id)
    if known is not None and conversations.exists(tx, known):
        held = conversations.held(tx, known)
        if held.customer_id == owner.customer_id and held.life.state != "closed":
            return held.id
    active = conversations.active_of(tx, owner.customer_id)
    return None if active is None else active.id
