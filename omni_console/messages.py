"""What workers tell the screen. Workers talk to the server; only handlers of these change widgets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from textual.message import Message

from omni_console.client import Link
from omni_console.drafts import ComposeKind
from omni_console.short_code import ShortCode
from omni_console.subject import Subject
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
    """`place`: which list; `asked`: with which filter."""

    place: str
    page: wire.ConversationPage
    first: bool
    asked: str = ""


@dataclass
class ViewsCame(Message):
    """Saved views."""

    views: list[wire.SavedView]


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
class PresenceCame(Message):
    me: wire.OperatorInfo


@dataclass
class OverviewCame(Message):
    overview: wire.Overview


@dataclass
class BehindCame(Message):
    """The conversations behind a figure of the lead's screen."""

    subject: Subject
    found: wire.OverviewList


@dataclass
class ProposalCame(Message):
    proposal: wire.Proposal


@dataclass
class UrgencyCame(Message):
    """`taken`: the server gave this conversation to the operator; otherwise he asked why."""

    urgency: wire.Urgency
    taken: bool


@dataclass
class DraftsCame(Message):
    drafts: list[wire.Draft]


@dataclass
class DraftSaved(Message):
    draft: wire.Draft
    ticket: int


@dataclass(frozen=True)
class Repeat:
    """What was done, so that it can be done again: an action, with what was given to it (command_line.py)."""

    action_id: str
    words: tuple[str, ...] = ()


@dataclass
class RowCame(Message):
    """A conversation after it was told what was seen of it."""

    row: wire.Conversation


@dataclass(frozen=True)
class TakeBack:
    """How to undo one deed: asked of the server when the operator wants it."""

    label: str  # "Иван Петров is two people again"
    ask: Callable[[], Awaitable[Done]]
    conversation_id: int = 0  # 0: it is about none, or about several


@dataclass
class Done(Message):
    """The server did what was asked. `said` is what to tell the operator, `back` how to undo it.

    `conversations` (where they are in a pane) and `customers` are those to ask for anew; `open` is a
    conversation to go to.
    """

    said: str = ""
    rows: list[wire.Conversation] = field(default_factory=list)
    card: wire.Customer | None = None
    conversations: list[int] = field(default_factory=list)
    customers: list[int] = field(default_factory=list)
    lists: bool = False  # rows came, went or changed places in a way that no event tells row by row
    open: int = 0
    back: TakeBack | None = None
    repeat: Repeat | None = None


@dataclass
class SuggestionsCame(Message):
    """`customer_id` None: the whole inbox, of which only the number is wanted."""

    customer_id: int | None
    page: wire.SuggestionPage


@dataclass
class Outreached(Message):
    """What a message to many came to, or would come to; no `message`: nobody is meant."""

    message: wire.BulkMessage | None
    done: wire.BulkDone
    people: Sequence[wire.Customer]


@dataclass
class NeverSpoke(Message):
    """There is no conversation with this person yet."""

    customer: wire.Customer


@dataclass
class PeopleFound(Message):
    words: str
    page: wire.CustomerPage


@dataclass
class FilesCame(Message):
    page: wire.CustomerFiles


@dataclass
class NotesCame(Message):
    page: wire.MessagePage


@dataclass
class InboxCame(Message):
    page: wire.SuggestionPage


@dataclass
class MentionsCame(Message):
    page: wire.MentionPage


@dataclass
class MentionSeen(Message):
    mention: wire.Mention


@dataclass
class FieldsCame(Message):
    fields: list[wire.FieldSpec]


@dataclass
class Sent(Message):
    """The server has taken a reply or a note."""

    conversation_id: int
    kind: Literal["reply", "note", "first"]
    message: wire.Message
    go_on: bool  # to where the operator is needed next


@dataclass
class Forwarded(Message):
    """The server has taken a forward; `draft`: what was filled in."""

    draft: wire.Draft
    message: wire.Message


@dataclass
class HeldCame(Message):
    """What I wrote and the server holds for a moment, the oldest first."""

    messages: list[wire.Message]


@dataclass
class LeftAt(Message):
    """A reply that has not left yet leaves now, or at another time."""

    message: wire.Message


@dataclass
class TakenBack(Message):
    """A reply did not leave."""

    withdrawn: wire.Withdrawn


@dataclass
class TemplatesCame(Message):
    """Texts kept ready, for what is being written in a conversation; `code` is to be replaced by one."""

    conversation_id: int
    kind: ComposeKind
    code: ShortCode | None
    found: list[wire.FilledTemplate]
    named: str = ""  # the code that was named on the command line


@dataclass
class CodesCame(Message):
    """The short codes of all templates, for the command line to complete."""

    codes: list[str]


@dataclass
class SearchCame(Message):
    q: str
    page: wire.SearchPage
    customer_id: int | None = None
    more: bool = False  # the page behind those that came before


@dataclass
class MoreHits(Message):
    """Behind the last hit that one went to."""

    asked: str
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
