"""What several resources make up together: a conversation with everything, a river, search."""

from __future__ import annotations

import msgspec

from server.protocol.conversations import Conversation, Draft, Message, Stopped
from server.protocol.people import Customer, ReplyWay


class HistoryPage(msgspec.Struct, kw_only=True):
    """The customer's river over all channels and conversations, oldest first within the page.

    `before` is the opaque key for the page of older messages, None at the beginning of time. `after` that of
    newer ones, where the page was asked for around a message or after one; None: it ends with the newest.
    `conversations` holds every conversation that a message of the page belongs to.
    """

    messages: list[Message]
    conversations: list[Conversation]
    before: str | None
    seq: int
    after: str | None = None


class ConversationDetail(msgspec.Struct, kw_only=True):
    conversation: Conversation
    customer: Customer
    ways: list[ReplyWay]
    drafts: list[Draft]
    history: HistoryPage
    stopped: Stopped = msgspec.field(default_factory=Stopped)


class SearchHit(msgspec.Struct, kw_only=True):
    message: Message
    conversation: Conversation


class SearchPage(msgspec.Struct, kw_only=True):
    """`reached`: the page is not full, though there may be more: so far back was looked (UTC ms), and `next`
    goes on from there."""

    hits: list[SearchHit]
    next: str | None
    reached: int | None = None
