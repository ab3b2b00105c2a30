"""What taking in an event led to."""

from __future__ import annotations

import msgspec

from channels.base import InboundEvent


class Outcome(msgspec.Struct, frozen=True):
    """A customer alone where it added no message; `aside`: why the raw item stays in quarantine."""

    customer_id: int | None = None
    message_id: int | None = None
    conversation_id: int | None = None
    seq: int = 0
    aside: str = ""


def happened_at(event: InboundEvent, now: int) -> int:
    """The provider's time, clamped to our receipt: nobody writes from the future."""
    return now if event.occurred_at is None else max(0, min(event.occurred_at, now))
