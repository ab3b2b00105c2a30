"""Does a sender's address only look like one that we know? Inside `fn(tx)` only."""

from __future__ import annotations

from channels.base import InboundEvent
from server.people.authors import Author
from server.store import skeletons
from server.store.transaction import Transaction


def known_twin(tx: Transaction, event: InboundEvent, author: Author) -> str:
    """An address of somebody else that looks the same, if this one is newer; "" where there is none."""
    if not event.skeleton:
        return ""
    skeletons.remember(tx, author.address_id, event.skeleton)
    return skeletons.older_twin(tx, author.address_id, event.skeleton)
