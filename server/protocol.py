"""Wire types of the operator API, shared by the server and the console.

Times are UTC milliseconds. Unknown fields are ignored by both sides, so that either may be newer;
what both must agree on is `PROTOCOL`, exchanged in `Hello` and in the first frame of the event stream.
The routes themselves are listed in docs/api.md.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

PROTOCOL = 1

HEARTBEAT_S = 2.0  # the server says something at least this often
OFFLINE_AFTER_S = 4.5  # a console that heard nothing for this long is offline

View = Literal["mine", "queue", "waiting", "all", "closed"]
State = Literal["open", "waiting", "snoozed", "closed"]
MessageKind = Literal["in", "out", "note", "system"]
# Inbound messages are "received". Outbound ones go queued -> sending -> sent -> delivered -> read, or end
# in failed, or in unknown ("maybe delivered": only an operator decides), or wait in "retrying".
Status = Literal[
    "received", "queued", "sending", "retrying", "sent", "delivered", "read", "failed", "unknown"
]
Role = Literal["admin", "lead", "operator", "reader"]
Scope = Literal["read", "write", "admin"]  # how far a token goes, within its operator's role

# What comes in is bounded by what the store can hold.
Number = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
Login = Annotated[str, msgspec.Meta(pattern=r"^[a-z0-9][a-z0-9._-]{0,31}$")]


class File(msgspec.Struct, kw_only=True):
    id: int
    name: str  # the sender's: text to show, never a path
    content_type: str
    size: int
    kind: str = "file"
    problem: str = ""


class Message(msgspec.Struct, kw_only=True):
    id: int
    seq: int  # of the event that brought it: unread marks and staleness go by this
    conversation_id: int
    customer_id: int
    kind: MessageKind
    channel_id: str = ""
    mark: str = ""  # the channel's one-cell mark, "#" for a note, "" for a system line
    address_id: int | None = None
    author_id: int | None = None  # operator
    author: str = ""  # who to show: the customer's or the operator's name
    text: str = ""
    subject: str | None = None
    status: Status = "received"
    error: str = ""  # why it failed, is unknown or waits
    at: int = 0  # sorts the river, with id
    received_at: int = 0
    reason: str = ""  # why an inbound message landed in this conversation
    stranger: bool = False  # written by somebody who is not this conversation's customer
    automatic: bool = False
    kind_of_event: str = "message"  # "unsupported", "call", … shown as such
    edited_at: int | None = None
    deleted: bool = False
    files: list[File] = []


class Conversation(msgspec.Struct, kw_only=True):
    """A row of the list; the event stream carries it whole after every change."""

    id: int
    seq: int  # newest event of this conversation: an older copy never replaces a newer one
    customer_id: int
    customer: str  # name to show
    state: State
    assignee_id: int | None = None
    assignee: str = ""
    channel_id: str = ""  # of the customer's latest message
    mark: str = ""
    marks: list[str] = []  # all channels of this conversation
    subject: str | None = None
    preview: str = ""  # beginning of the latest message, one line
    preview_kind: MessageKind = "in"
    preview_files: int = 0
    last_at: int = 0
    waiting_since: int | None = None  # since when the customer waits for us
    customer_seq: int = 0  # seq of the customer's latest message: unread where > seen_seq
    reply_seq: int = 0  # seq of our latest reply
    snooze_until: int | None = None
    opened_at: int = 0
    closed_at: int | None = None
    topic: str = ""
    result: str = ""
    unsettled: int = 0  # replies that failed or whose result is unknown
    seen_seq: int = 0  # of the asking operator; filled in lists and details, 0 in event frames
    sort_at: int = 0  # its place in the lists, which page by (sort_at, id)


class Counts(msgspec.Struct, kw_only=True):
    mine: int = 0
    queue: int = 0
    waiting: int = 0  # mine, the ball being with the customer (snoozed ones too)
    unsettled: int = 0
    oldest_queued_at: int | None = None  # waiting_since of the longest-waiting queued conversation


class ConversationPage(msgspec.Struct, kw_only=True):
    items: list[Conversation]
    next: str | None  # opaque key of the next page
    seq: int  # newest event the page reflects
    counts: Counts


class Address(msgspec.Struct, kw_only=True):
    id: int
    scheme: str
    external_id: str
    label: str  # what to show: "ivan@example.org", "site chat"
    account: str = ""  # the channel whose own address it is; "" for e-mail, phones and the like
    verified: bool
    evidence: str = ""  # how we know: "writes from it", "signed by the site"
    blocked: bool = False
    last_in_at: int | None = None


class ReplyWay(msgspec.Struct, kw_only=True):
    """One way to answer this customer; the first of a list is the default."""

    channel_id: str
    channel_title: str
    mark: str
    address_id: int
    label: str
    why: str  # "wrote last here", "verified address"
    text_max: int = 4096
    subject: bool = False
    files_max: int = 0


class Customer(msgspec.Struct, kw_only=True):
    id: int
    name: str
    created_at: int
    addresses: list[Address] = []
    conversations: list[Conversation] = []  # newest first, at most 50


class Draft(msgspec.Struct, kw_only=True):
    conversation_id: Number
    kind: Literal["reply", "note"] = "reply"
    text: str = ""
    channel_id: str = ""
    address_id: Number | None = None
    updated_at: Number = 0


class ConversationDetail(msgspec.Struct, kw_only=True):
    conversation: Conversation
    customer: Customer
    ways: list[ReplyWay]
    drafts: list[Draft]
    history: HistoryPage


class HistoryPage(msgspec.Struct, kw_only=True):
    """The customer's river over all channels and conversations, oldest first within the page.

    `before` is the opaque key for the page of older messages, None at the beginning of time.
    `conversations` holds every conversation that a message of the page belongs to.
    """

    messages: list[Message]
    conversations: list[Conversation]
    before: str | None
    seq: int


class SearchHit(msgspec.Struct, kw_only=True):
    message: Message
    conversation: Conversation


class SearchPage(msgspec.Struct, kw_only=True):
    hits: list[SearchHit]
    next: str | None


class OperatorInfo(msgspec.Struct, kw_only=True):
    id: int
    login: str
    name: str
    role: Role
    disabled: bool = False
    online: bool = False
    uid: int | None = None  # the local Unix account that signs in by the socket


class ChannelInfo(msgspec.Struct, kw_only=True):
    id: str
    kind: str
    title: str
    mark: str
    owner: str = ""
    hours: str = ""
    state: str = "starting"  # starting | connected | retrying | bad_credentials | stopped | failed
    detail: str = ""  # last error
    last_in_at: int | None = None
    last_out_at: int | None = None
    refused: int = 0  # requests with a wrong signature since the start


class Hello(msgspec.Struct, kw_only=True):
    protocol: int
    version: str
    site: str
    operator: OperatorInfo
    seq: int
    now: int
    channels: list[ChannelInfo] = []
    operators: list[OperatorInfo] = []
    trouble: str = ""  # what operators must know: "cannot write: disk full"


class OutboxItem(msgspec.Struct, kw_only=True):
    """A reply that is not settled: waiting, failed, or with an unknown result."""

    message: Message
    customer: str
    state: str  # queued | sending | retrying | failed | unknown
    attempts: int
    due_at: int
    error: str = ""


class JournalItem(msgspec.Struct, kw_only=True):
    id: int
    channel_id: str
    dedupe_key: str
    state: str  # received | taken | quarantined
    received_at: int
    size: int
    error: str = ""


# --- commands -------------------------------------------------------------------------------------


class ClaimCommand(msgspec.Struct, kw_only=True):
    expect: Number | None = None  # the assignee that the caller sees; anybody else there: 409 "taken"


class AssignCommand(msgspec.Struct, kw_only=True):
    operator_id: Number
    note: str = ""


class ReplyCommand(msgspec.Struct, kw_only=True):
    """`client_id` (a UUID made once per reply) makes a repeat harmless: the same answer comes again.

    `after_seq`: newest event painted in the writer's pane. What came to this conversation after it may
    hold the reply (409 "stale" with what is new); sending again with the new `after_seq` is the consent.
    """

    client_id: str
    text: str
    channel_id: str
    address_id: Number
    after_seq: Number
    subject: str | None = None
    file_ids: list[Number] = []


class NoteCommand(msgspec.Struct, kw_only=True):
    client_id: str
    text: str


class CloseCommand(msgspec.Struct, kw_only=True):
    topic: str
    result: str


class SnoozeCommand(msgspec.Struct, kw_only=True):
    until: Number


class SeenCommand(msgspec.Struct, kw_only=True):
    seq: Number


class SettleCommand(msgspec.Struct, kw_only=True):
    """What to do with replies that failed or whose result is unknown; `all` instead of ids: every one."""

    verdict: Literal["arrived", "again", "drop"]
    message_ids: list[Number] = []
    all: bool = False


class Settled(msgspec.Struct, kw_only=True):
    message_ids: list[int]


class NewOperator(msgspec.Struct, kw_only=True):
    login: Login
    name: Annotated[str, msgspec.Meta(pattern=r"\S")]  # customers see it
    role: Role = "operator"
    uid: Number | None = None


class NewToken(msgspec.Struct, kw_only=True):
    """`expires_in_s`: seconds from now; None: it never expires."""

    name: Annotated[str, msgspec.Meta(max_length=100)] = ""  # what it is for
    scope: Scope = "write"
    expires_in_s: Annotated[int, msgspec.Meta(ge=1, le=100 * 366 * 86_400)] | None = None


class TokenInfo(msgspec.Struct, kw_only=True):
    id: int
    login: str  # the operator it speaks for
    name: str
    scope: Scope
    created_at: int
    expires_at: int | None = None
    last_used_at: int | None = None  # to the minute


class TokenMade(msgspec.Struct, kw_only=True):
    """`token` is shown this once: the server keeps only its SHA-256."""

    token: str
    info: TokenInfo


class ErrorBody(msgspec.Struct, kw_only=True):
    """Body of every answer that is not 2xx.

    Codes: bad_request, unauthenticated, forbidden, not_found, taken (holder says who), stale (news says
    what came), illegal_state, too_large, version, limited, unavailable.
    """

    code: str
    message: str
    hint: str = ""
    holder: str = ""
    news: list[Message] = []
    seq: int = 0  # for stale: the after_seq that gives consent


class ErrorAnswer(msgspec.Struct, kw_only=True):
    error: ErrorBody


# --- the event stream (WebSocket, JSON text frames) ------------------------------------------------


class Subscribe(msgspec.Struct, kw_only=True):
    """First frame of the client. `resume`: newest seq it has seen, None for "from now"."""

    protocol: int = PROTOCOL
    resume: int | None = None


class Envelope(msgspec.Struct, kw_only=True):
    """Every frame of the server.

    type "welcome": seq is the newest event of the log. "reset": the log no longer reaches back to
    `resume`; load everything anew, then go on from seq. "event": one event of the log. "heartbeat": seq
    is the newest event examined for this client. "trouble": `text` is what operators must know, empty
    when it is over. "bye": the server closes, `text` says why; seq is where to resume.
    """

    type: str
    seq: int = 0
    kind: str = ""
    at: int = 0
    text: str = ""
    body: msgspec.Raw = msgspec.Raw(b"null")


class EventBody(msgspec.Struct, kw_only=True):
    """Body of an "event" frame: ids as in the log, and the rows as they are now.

    Kinds: message.received, message.queued, message.status, message.changed, note.added,
    conversation.opened, conversation.state (reopened, closed, waiting, snoozed), conversation.assigned,
    conversation.seen and draft.saved (only to their own operator), customer.changed, channel.state,
    operator.changed, journal.quarantined.
    """

    conversation_id: int | None = None
    customer_id: int | None = None
    message_id: int | None = None
    operator_id: int | None = None  # who did it; None: the customer or the server
    data: dict[str, Any] = {}
    conversation: Conversation | None = None
    message: Message | None = None
