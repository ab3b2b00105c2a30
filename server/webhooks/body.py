"""What a receiver is told: ids and facts, never what anybody wrote or is called. Pure.

Whoever needs a customer's words or addresses asks the operator API with a token of his own: so they go
nowhere but to whom an administrator gave one, and no queue or log on the way holds them after an erasure.
"""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec

from server.protocol import Conversation
from server.store.transaction import Event

T = TypeVar("T")


class ConversationFacts(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation as it is when the request is made; the fields are those of the operator API."""

    id: int
    seq: int  # of its newest event: an older copy never replaces a newer one
    customer_id: int
    state: str
    assignee_id: int | None
    assignee: str  # the operator's name
    team: str
    channel_id: str
    topic: str
    tags: list[str]
    priority: str
    spam: bool
    opened_at: int
    closed_at: int | None


class EventFacts(msgspec.Struct, frozen=True, kw_only=True):
    """`data` of an event: the ids in its row, and the row's own small facts (`detail`)."""

    seq: int
    conversation_id: int | None
    customer_id: int | None
    message_id: int | None
    operator_id: int | None  # who did it; None: the customer or the server
    detail: dict[str, Any]
    conversation: ConversationFacts | None


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """`data` of "gap": events above `after` and below `before` were never taken, and are told no more."""

    after: int
    before: int


class Ping(msgspec.Struct, frozen=True, kw_only=True):
    """`data` of "ping": somebody tries the receiver of this webhook."""

    webhook: str


class Body(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """`id` is the webhook-id, `at` when it happened: UTC milliseconds."""

    id: str
    type: str
    at: int
    data: T

    def encoded(self) -> bytes:
        return msgspec.json.encode(self)


def event_id(installation: str, seq: int) -> str:
    """The same at each attempt and after each restart: by it a receiver knows a repeat.

    `installation` tells this one from every other. No full stops: the specification forbids them.
    """
    return f"evt_{installation}_{seq}"


def gap_id(installation: str, after: int) -> str:
    return f"gap_{installation}_{after}"


def of_event(event: Event, conversation: Conversation | None, installation: str) -> Body[EventFacts]:
    return Body(
        id=event_id(installation, event.seq),
        type=event.kind,
        at=event.at,
        data=EventFacts(
            seq=event.seq,
            conversation_id=event.conversation_id,
            customer_id=event.customer_id,
            message_id=event.message_id,
            operator_id=event.operator_id,
            detail=event.data,
            conversation=None if conversation is None else facts(conversation),
        ),
    )


def facts(conversation: Conversation) -> ConversationFacts:
    return ConversationFacts(
        **{name: getattr(conversation, name) for name in ConversationFacts.__struct_fields__}
    )
