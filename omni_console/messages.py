"""What workers tell the screen. Workers talk to the server; only handlers of these change widgets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from textual.message import Message

from omni_console.client import Link
from server import protocol as wire


@dataclass
class Heard(Message):
    """A frame of the event stream."""

    envelope: wire.Envelope


@dataclass
class LinkChanged(Message):
    link: Link


@dataclass
class Greeted(Message):
    hello: wire.Hello


@dataclass
class PageCame(Message):
    view: wire.View
    page: wire.ConversationPage
    first: bool


@dataclass
class DetailCame(Message):
    detail: wire.ConversationDetail


@dataclass
class OlderCame(Message):
    customer_id: int
    page: wire.HistoryPage


@dataclass
class CountsCame(Message):
    counts: wire.Counts


@dataclass
class CustomerCame(Message):
    customer: wire.Customer


@dataclass
class PeopleCame(Message):
    channels: list[wire.ChannelInfo]
    operators: list[wire.OperatorInfo]


@dataclass
class DraftsCame(Message):
    drafts: list[wire.Draft]


@dataclass
class DraftSaved(Message):
    draft: wire.Draft
    ticket: int


@dataclass
class RowCame(Message):
    """The answer to a command on a conversation; `said` is what to tell the operator."""

    row: wire.Conversation
    said: str = ""


@dataclass
class Sent(Message):
    """The server has taken a reply or a note."""

    conversation_id: int
    kind: Literal["reply", "note"]
    message: wire.Message
    go_on: bool  # to where the operator is needed next


@dataclass
class SearchCame(Message):
    q: str
    page: wire.SearchPage


@dataclass
class OutboxCame(Message):
    items: list[wire.OutboxItem]


@dataclass
class Settled(Message):
    settled: wire.Settled


@dataclass
class Refused(Message):
    """The server said no to an errand. `conversation_id` 0: it was about no conversation."""

    what: str
    conversation_id: int
    problem: wire.ErrorBody


@dataclass
class Unanswered(Message):
    what: str
    conversation_id: int
    why: str
    maybe_done: bool
