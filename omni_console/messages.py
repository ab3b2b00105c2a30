"""What workers tell the screen. Workers talk to the server; only handlers of these change widgets."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Literal, dataclass_transform

import msgspec
from textual.message import Message

from omni_console.client import Link
from omni_console.drafts import ComposeKind
from omni_console.short_code import ShortCode
from omni_console.subject import Subject
from server import protocol as wire


@dataclass_transform()
class Report(Message):
    """Declared like a dataclass; without the code that each of those compiles whenever the console starts."""

    names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls, **more: Any) -> None:
        super().__init_subclass__(**more)
        cls.names = tuple(cls.__annotations__)

    def __init__(self, *values: object, **named: object) -> None:
        super().__init__()
        given = dict(zip(self.names, values, strict=False), **named)
        for name in self.names:
            # What is not given must have a default, which stands in the class.
            setattr(self, name, given[name] if name in given else getattr(type(self), name))


class Heard(Report):
    """A frame of the event stream."""

    envelope: wire.Envelope


class LinkChanged(Report):
    link: Link


class Greeted(Report):
    hello: wire.Hello


class PageCame(Report):
    """`place`: which list; `asked`: with which filter."""

    place: str
    page: wire.ConversationPage
    first: bool
    asked: str = ""


class ViewsCame(Report):
    """Saved views."""

    views: list[wire.SavedView]


class DetailCame(Report):
    detail: wire.ConversationDetail


class OlderCame(Report):
    customer_id: int
    page: wire.HistoryPage


class CountsCame(Report):
    counts: wire.Counts


class CustomerCame(Report):
    customer: wire.Customer


class PeopleCame(Report):
    channels: list[wire.ChannelInfo]
    operators: list[wire.OperatorInfo]


class PresenceCame(Report):
    me: wire.OperatorInfo


class OverviewCame(Report):
    overview: wire.Overview


class BehindCame(Report):
    """The conversations behind a figure of the lead's screen."""

    subject: Subject
    found: wire.OverviewList


class ProposalCame(Report):
    proposal: wire.Proposal


class UrgencyCame(Report):
    """`taken`: the server gave this conversation to the operator; otherwise he asked why."""

    urgency: wire.Urgency
    taken: bool


class DraftsCame(Report):
    drafts: list[wire.Draft]


class DraftSaved(Report):
    draft: wire.Draft
    ticket: int


class Repeat(msgspec.Struct, frozen=True):
    """What was done, so that it can be done again: an action, with what was given to it (command_line.py)."""

    action_id: str
    words: tuple[str, ...] = ()


class RowCame(Report):
    """A conversation after it was told what was seen of it."""

    row: wire.Conversation


class TakeBack(msgspec.Struct, frozen=True):
    """How to undo one deed: asked of the server when the operator wants it."""

    label: str  # "Иван Петров is two people again"
    ask: Callable[[], Awaitable[Done]]
    conversation_id: int = 0  # 0: it is about none, or about several


class Done(Report):
    """The server did what was asked. `said` is what to tell the operator, `back` how to undo it.

    `conversations` (where they are in a pane) and `customers` are those to ask for anew; `open` is a
    conversation to go to.
    """

    said: str = ""
    rows: Sequence[wire.Conversation] = ()
    card: wire.Customer | None = None
    conversations: Sequence[int] = ()
    customers: Sequence[int] = ()
    lists: bool = False  # rows came, went or changed places in a way that no event tells row by row
    open: int = 0
    back: TakeBack | None = None
    repeat: Repeat | None = None


class SuggestionsCame(Report):
    """`customer_id` None: the whole inbox, of which only the number is wanted."""

    customer_id: int | None
    page: wire.SuggestionPage


class Outreached(Report):
    """What a message to many came to, or would come to; no `message`: nobody is meant."""

    message: wire.BulkMessage | None
    done: wire.BulkDone
    people: Sequence[wire.Customer]


class NeverSpoke(Report):
    """There is no conversation with this person yet."""

    customer: wire.Customer


class PeopleFound(Report):
    words: str
    page: wire.CustomerPage


class FilesCame(Report):
    page: wire.CustomerFiles


class NotesCame(Report):
    page: wire.MessagePage


class InboxCame(Report):
    page: wire.SuggestionPage


class MentionsCame(Report):
    page: wire.MentionPage


class MentionSeen(Report):
    mention: wire.Mention


class FieldsCame(Report):
    fields: list[wire.FieldSpec]


class Sent(Report):
    """The server has taken a reply or a note."""

    conversation_id: int
    kind: Literal["reply", "note", "first"]
    message: wire.Message
    go_on: bool  # to where the operator is needed next


class Forwarded(Report):
    """The server has taken a forward; `draft`: what was filled in."""

    draft: wire.Draft
    message: wire.Message


class HeldCame(Report):
    """What I wrote and the server holds for a moment, the oldest first."""

    messages: list[wire.Message]


class LeftAt(Report):
    """A reply that has not left yet leaves now, or at another time."""

    message: wire.Message


class TakenBack(Report):
    """A reply did not leave."""

    withdrawn: wire.Withdrawn


class TemplatesCame(Report):
    """Texts kept ready, for what is being written in a conversation; `code` is to be replaced by one."""

    conversation_id: int
    kind: ComposeKind
    code: ShortCode | None
    found: list[wire.FilledTemplate]
    named: str = ""  # the code that was named on the command line


class CodesCame(Report):
    """The short codes of all templates, for the command line to complete."""

    codes: list[str]


class SearchCame(Report):
    q: str
    page: wire.SearchPage
    customer_id: int | None = None
    more: bool = False  # the page behind those that came before


class MoreHits(Report):
    """Behind the last hit that one went to."""

    asked: str
    page: wire.SearchPage


class OutboxCame(Report):
    items: list[wire.OutboxItem]


class Settled(Report):
    settled: wire.Settled


class Refused(Report):
    """The server said no to an errand. `conversation_id` 0: it was about no conversation."""

    what: str
    conversation_id: int
    problem: wire.ErrorBody


class Unanswered(Report):
    what: str
    conversation_id: int
    why: str
    maybe_done: bool
