"""What a channel is, and the protocol through which it reaches the server.

A channel turns what a provider says into `InboundEvent`s and sends `Outbound` messages. It owns no
storage: journal, identity, ordering, retries, splitting and attachments belong to the server, which
a channel sees only as a `Host`.

All times are UTC milliseconds.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol

import msgspec

if TYPE_CHECKING:
    # Parsers run in processes of their own, which need neither.
    import structlog
    from aiohttp import web


class ChannelError(Exception):
    """A channel cannot be set up or used as configured; `hint` says what to do next."""

    def __init__(self, message: str, *, key: str = "", hint: str = "") -> None:
        super().__init__(message)
        self.key = key
        self.hint = hint


class HostUnavailableError(Exception):
    """The server cannot commit now (disk full, database locked, stopping); nothing was acknowledged."""


# --- what a channel hears -----------------------------------------------------------------------

EventKind = Literal[
    "message",
    "edit",
    "delete",
    "reaction",
    "callback",
    "contact_shared",
    "started",
    "continued",
    "delivery",
    "read",
    "failed",
    "typing",
    "identity_changed",
    "blocked",
    "unblocked",
    "call",
    "record",
    "unsupported",
]


class Contact(msgspec.Struct, frozen=True, kw_only=True):
    """An address of the sender that the channel learned besides the one he writes from.

    `verified` only where the channel itself proved it (a signed user id, the sender's own phone
    shared by the platform). Whatever a person merely typed is not verified.
    """

    scheme: str  # "email" (lower case), "phone" (E.164), or a channel's own scheme
    external_id: str
    verified: bool = False
    evidence: str = ""
    proof: Literal["channel", "signature"] = "channel"  # by which it is verified


class Sender(msgspec.Struct, frozen=True, kw_only=True):
    """Who wrote. `external_id` is the stable id on which identity is keyed, in the channel's scheme."""

    external_id: str
    name: str | None = None
    username: str | None = None
    locale: str | None = None
    reachable: bool = True  # False: nobody can be answered there (an item that could not be read)
    # One person has one such id there (an account, not a visit): two of them are two people.
    is_account: bool = False
    proven: bool = True  # False: the channel's own checks speak against him (a From that may be forged)
    contacts: tuple[Contact, ...] = ()


class Attachment(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it arrived. `name` is the sender's: shown, never used as a path.

    Either `data` holds the bytes, or `problem` says why they are not here. Between `parse()` and
    `complete()` it may have neither: then `ref` names the file at the provider.
    """

    name: str
    content_type: str
    kind: Literal["file", "image", "audio", "voice", "video", "sticker", "message", "calendar"] = "file"
    data: bytes | None = None
    problem: str = ""
    ref: str = ""  # by which `complete()` fetches it; kept and shown nowhere
    size: int | None = None  # bytes, as the provider announced
    inline: bool = False  # meant to be seen inside of the text


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """What says which earlier message, or which conversation, this one answers; the strongest first.

    `trusted`: made by us and carrying our MAC, so that even a stranger who quotes it was given it.
    An untrusted reference finds a conversation only where the sender already takes part in it.

    `kind` "id" is the remote id of an earlier message; the others are marks that we put into what we
    send (a signed address, a line in the text, a token in the subject), `remote_id` being the mark as
    found. The parser, which has no keys, finds them; `Channel.recognise` checks them: it fills in
    `message_id` (our own message's number) or `conversation_id`, and drops those whose check fails.
    """

    remote_id: str
    trusted: bool = False
    how: str = "reference"  # shown to operators: "by In-Reply-To", "by reply button"
    kind: Literal["id", "address", "marker", "subject"] = "id"
    message_id: int | None = None
    conversation_id: int | None = None


Role = Literal["to", "cc", "bcc"]


class Correspondent(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody whom a message names in its address lines. `address` in the channel's canonical form."""

    role: Literal["to", "cc", "bcc", "reply_to"]
    address: str
    name: str = ""


class Fold(msgspec.Struct, frozen=True, kw_only=True):
    """A range of a message's text that says nothing new: shown as one line until somebody opens it."""

    kind: Literal["quoted", "signature"]
    start: int  # characters of the text, start included
    end: int  # end not included


class Bounce(msgspec.Struct, frozen=True, kw_only=True):
    """What a mail system reports of one recipient of a message of ours (RFC 3464), or claims to.

    Whoever can write to us can forge it: `original_message_id` must be looked up among what we sent, and
    `recipient` among those it was sent to.
    """

    action: Literal["failed", "delayed", "delivered", "relayed", "expanded"]
    status: str = ""  # enhanced status code (RFC 3463): "5.1.1"; empty where the report names none
    recipient: str = ""  # address in its canonical form
    original_message_id: str | None = None  # Message-ID of ours that the report quotes, with brackets
    envelope_id: str | None = None  # Original-Envelope-Id (RFC 3461 ENVID)
    diagnostic: str = ""  # what the other server said, one line


class RecordFact(msgspec.Struct, frozen=True, kw_only=True):
    """What another system of the company says of an order, a payment, a contract. `scheme` and `address`
    name whose it is; empty: the event's sender."""

    kind: str
    number: str
    scheme: str = ""
    address: str = ""
    title: str = ""
    state: str = ""
    amount: str = ""  # a decimal number
    currency: str = ""  # ISO 4217
    at: int | None = None
    url: str = ""
    details: Mapping[str, str] = {}
    version: int = 0  # of the source's own; an older one never replaces a newer one


class InboundEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened on a channel.

    `dedupe_key` is equal for a repeated delivery of the same event and different for different events
    about one message. `thread` names the place on the channel to which an answer goes (a chat, a
    visitor, a mail's correspondents). `target` is the remote message that an edit, a deletion, a
    reaction or a receipt speaks of. Messages of one sender and thread that name the same `part_of` are
    one message that came in pieces (an album): the first is the message, the others add to it. `token` is
    what the link held that led him here (`Channel.continue_link`); "continued" is nothing but that.
    """

    kind: EventKind
    dedupe_key: str
    sender: Sender
    thread: str = ""
    remote_message_id: str | None = None
    references: tuple[Reference, ...] = ()
    target: str | None = None
    part_of: str | None = None
    text: str = ""
    token: str = ""
    subject: str | None = None
    attachments: tuple[Attachment, ...] = ()
    occurred_at: int | None = None
    is_echo: bool = False  # written by our side somewhere else (a phone, a web mailer)
    automatic: bool = False  # out-of-office, bounces, lists: attached visibly, never reopens
    folds: tuple[Fold, ...] = ()  # sorted and disjoint ranges of `text`
    bounces: tuple[Bounce, ...] = ()  # what this message reports of our own, one per recipient
    correspondents: tuple[Correspondent, ...] = ()  # of its address lines; our own addresses left out
    skeleton: str = ""  # of the sender's address: equal for addresses that look alike
    # Why the raw item is kept apart, to be opened and imported by hand; an echo is then not shown.
    quarantine: str = ""
    history: bool = False  # from an archive: reopens nothing, tells nobody, and nobody waits for an answer
    detail: Mapping[str, str] = {}  # small facts to show: page, referrer, location, problem
    record: RecordFact | None = None  # of kind "record", which adds no message


class HookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A webhook request as it came. `headers` has lower-case names; repeated headers are joined by ', '."""

    method: str
    headers: Mapping[str, str]
    body: bytes
    received_at: int


class Verified(msgspec.Struct, frozen=True):
    """The request was made by who the channel's secret says."""


class Rejected(msgspec.Struct, frozen=True):
    """The request is refused with 401; `reason` goes to a counter and the log, never to the caller."""

    reason: str


# --- what a channel is told to send ---------------------------------------------------------------


class OutboundFile(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    content_type: str
    size: int
    path: str  # a file of ours, named by its SHA-256


class Recipient(msgspec.Struct, frozen=True, kw_only=True):
    """One recipient of a message to deliver. `done`: has it already, or never will; only named."""

    role: Role
    address: str
    name: str = ""
    done: bool = False


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """One message to deliver.

    `key` never changes between attempts: it is the idempotency key where the channel has one.
    `remote_id` is the id that `Channel.name_message` gave when the reply was written.
    `references` are remote ids of this conversation on this channel, oldest first, the last being the
    message that is answered. `quoted` is what somebody else wrote and we send on; it goes below the text
    and is never read as markup. `recipients` names everybody where the channel takes several recipients
    (empty: `to` alone); those that are `done` must not get it again.
    """

    key: str
    message_id: int
    conversation_id: int
    to: str
    to_name: str | None
    thread: str
    text: str
    subject: str | None
    author: str
    remote_id: str | None = None
    references: tuple[str, ...] = ()
    quoted: str = ""
    addressed_to: str = ""  # which of our own addresses the customer wrote to, where there are several
    recipients: tuple[Recipient, ...] = ()
    files: tuple[OutboundFile, ...] = ()
    automatic: bool = False  # no person wrote it
    written_at: int
    attempt: int = 1


class Fate(msgspec.Struct, frozen=True):
    """What an attempt led to for one recipient of several. "retry": surely not delivered yet."""

    address: str
    state: Literal["sent", "retry", "failed", "unknown"]
    detail: str = ""  # what the other side said


class Sent(msgspec.Struct, frozen=True, tag="sent"):
    """The provider took the message over; `fates` where it took it for some recipients only."""

    remote_id: str | None = None
    fates: tuple[Fate, ...] = ()


class Retry(msgspec.Struct, frozen=True, tag="retry"):
    """Surely not delivered; try again, not before `after` seconds where the provider said so.

    With `fates`: some recipients have it, and only the others are tried again.
    """

    reason: str
    after: float | None = None
    fates: tuple[Fate, ...] = ()


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """Surely not delivered, and trying again would not help. With `fates`: not to some recipients."""

    reason: str
    fates: tuple[Fate, ...] = ()


class Unknown(msgspec.Struct, frozen=True, tag="unknown"):
    """Nobody can say whether it was delivered. Never sent again by itself."""

    reason: str
    fates: tuple[Fate, ...] = ()


class WindowClosed(msgspec.Struct, frozen=True, tag="window_closed"):
    """The channel does not allow us to write now; `reason` says what would."""

    reason: str


class BadCredentials(msgspec.Struct, frozen=True, tag="bad_credentials"):
    """The channel's fault, not the message's: the channel pauses, the message waits."""

    reason: str


class Paused(msgspec.Struct, frozen=True, tag="paused"):
    """The provider takes nothing from this channel for `after` seconds (a sending limit, a full quota).

    Surely not delivered. The channel pauses, the message waits and loses none of its time.
    """

    reason: str
    after: float = 3600.0


SendResult = Sent | Retry | Failed | Unknown | WindowClosed | BadCredentials | Paused


# --- what a channel is ----------------------------------------------------------------------------


# How people talk there, which says how many conversations one operator can hold at once.
Medium = Literal["chat", "messenger", "email", "call"]


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    medium: Medium = "messenger"
    text_max: int = 4096
    text_unit: Literal["chars", "bytes", "utf16"] = "chars"
    files_max: int = 0  # per message; 0: the channel carries no files
    file_bytes_max: int = 0
    subject: bool = False
    edit: bool = False
    delete: bool = False
    reactions: bool = False
    delivery_receipts: bool = False
    read_receipts: bool = False
    start_by_us: bool = False  # we may write first
    reply_window_s: float | None = None  # so long after his last message we may write; None: always
    continue_links: bool = False  # a link can lead a person to it: `Channel.continue_link`
    recipients_max: int = 1  # more than one: To, Cc and Bcc can be chosen, and messages be forwarded
    # What names no earlier message begins a conversation of its own, where the customer's open one has
    # been on this channel already (mail). Otherwise it goes on in the open one, as people chat.
    begins_anew: bool = False
    idempotent: bool = False  # sending the same key twice delivers once: an unknown result may be retried
    give_up_after_s: float = 3600.0  # how long a message that surely was not delivered is tried again
    pace_per_s: float = 20.0  # messages a second that the provider takes from us
    send_timeout_s: float = 60.0  # after which an attempt counts as unknown
    # A customer's newer message on the channel holds a stale reply (for e-mail), besides a colleague's.
    holds_on_customer_message: bool = False


class ChannelSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What every channel's table in omni.toml may hold. A channel's own settings extend this."""

    kind: str
    title: str = ""
    owner: str = ""  # login of the operator who answers for the channel
    hours: str = ""  # as people write it: "Mon-Fri 09:00-18:00"
    enabled: bool = True


class ChannelSpec(msgspec.Struct, frozen=True, kw_only=True):
    """Facts about a kind of channel that need no instance."""

    kind: str
    title: str
    mark: str  # one terminal cell
    scheme: str  # address scheme of `Sender.external_id`
    shared_scheme: bool  # True: one address space for all channels of the scheme (e-mail, phone)
    settings: type[ChannelSettings]
    capabilities: Capabilities
    takes_hooks: bool = False  # POST /hooks/CHANNEL goes to verify() and parse()
    # "module:function" of (raw: bytes, meta: Mapping[str, str]) -> list[InboundEvent], run in the
    # parsing worker process after the raw item is committed. None: parse() before the commit.
    parser: str | None = None


class ChannelHealth(msgspec.Struct, frozen=True, kw_only=True):
    state: Literal["starting", "connected", "retrying", "bad_credentials", "stopped", "failed"]
    detail: str = ""


class ProbeResult(msgspec.Struct, frozen=True, kw_only=True):
    """One line of `omni doctor`."""

    name: str
    ok: bool
    detail: str
    hint: str = ""


# --- the server as a channel sees it ------------------------------------------------------------------


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the provider keeps an item: in mail the folder, its UIDVALIDITY and the UID.

    Within one epoch a number never means another item. `size` and `date` as the provider lists them;
    items of equal `likeness` (not ""), size and date are the same one, as far as a listing can tell.
    """

    box: str
    epoch: int
    number: int
    size: int
    date: int | None  # UTC ms
    likeness: str = ""


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the journal at one of its places."""

    number: int
    size: int
    date: int | None
    state: Literal["received", "taken", "quarantined"]
    why: str = ""  # it is quarantined
    message_id: int | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One raw item for the journal. `event` is None where the parser runs after the commit.

    `meta` is small text the parser needs besides the bytes (folder, UID, internal date). With
    `meta["history"]` the events are taken in as history. `place` is noted for a repeated item too.
    """

    dedupe_key: str
    raw: bytes
    event: InboundEvent | None
    meta: Mapping[str, str] = {}
    place: Place | None = None


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """An item that the provider keeps and that cannot be accounted for."""

    number: int
    why: str


class BoxLedger(msgspec.Struct, frozen=True, kw_only=True):
    """One box of the provider against the journal; every item that is `kept` is counted in one of the
    others, `gone` excepted."""

    box: str
    epoch: int
    kept: int
    taken: int = 0
    waiting: int = 0  # journaled, and not parsed yet
    quarantined: int = 0
    before: int = 0  # lay there before our first contact
    arriving: int = 0  # newer than what was read so far
    gone: int = 0  # in the journal, and no longer at the provider
    unaccounted: tuple[Missing, ...] = ()
    problem: str = ""  # the box cannot be looked at


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a `Delivery`, once committed. `seq` is the place in the thread (0: not yet known)."""

    dedupe_key: str
    duplicate: bool
    message_id: int | None = None
    conversation_id: int | None = None
    seq: int = 0


class ThreadFile(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str
    content_type: str
    size: int


class ThreadMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as the customer may see it. `seq` rises strictly in the order of becoming visible."""

    seq: int
    message_id: int
    mine: bool  # written by the customer
    author: str  # an operator's public name, or empty
    text: str
    at: int
    remote_id: str | None
    files: tuple[ThreadFile, ...] = ()


class ThreadView(msgspec.Struct, frozen=True, kw_only=True):
    messages: tuple[ThreadMessage, ...]
    state: str  # of the thread's conversation; "" where there is none yet
    operator: str  # public name of the assignee, or empty
    more: bool = False


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    content_type: str
    size: int
    path: str


class ThreadWatch(Protocol):
    """Wakes whoever shows a thread; close it when done."""

    async def changed(self) -> None:
        """Return as soon as something was committed to the thread since the last call."""

    def close(self) -> None: ...


class Host(Protocol):
    """The server, as far as one channel may reach it."""

    channel_id: str
    site_name: str
    base_url: str  # public URL of this server, no trailing slash
    log: structlog.typing.FilteringBoundLogger

    def now(self) -> int:
        """UTC milliseconds."""

    def key(self, purpose: str) -> bytes:
        """32 secret bytes of this installation, channel and purpose; the same after a restart."""

    async def submit(
        self, batch: Sequence[Delivery], bookmark: tuple[str, bytes] | None = None
    ) -> list[Receipt]:
        """Journal the batch; return after COMMIT, one receipt per delivery in order.

        `bookmark` (key, value of this channel's state) is written in the same transaction. A raise
        (`HostUnavailableError`) means that nothing was acknowledged: answer with no 2xx, move no bookmark.
        """

    async def places(self, box: str, epoch: int, newest: int | None = None) -> list[Placed]:
        """What the journal has of a box, by rising number; only the `newest` numbers where given."""

    async def found_again(self, places: Sequence[Place]) -> list[Place]:
        """After a renumbering: note the places of items that the journal has, known by their likeness in
        the same box, and give back the places of the others. Returns after COMMIT."""

    async def get(self, key: str) -> bytes | None:
        """A value of this channel's own durable state."""

    async def items(self, prefix: str, after: str = "", limit: int = 500) -> list[tuple[str, bytes]]:
        """Values of this channel's own durable state whose key begins so and comes after `after`, by key."""

    async def put(self, key: str, value: bytes | None) -> None:
        """Write (None: remove) a value of this channel's own durable state; returns after COMMIT."""

    async def thread(self, thread: str, after: int, limit: int = 100) -> ThreadView:
        """Messages of a thread of this channel with seq > after, in order."""

    def watch(self, thread: str) -> ThreadWatch: ...

    async def file(self, thread: str, file_id: int) -> StoredFile | None:
        """A file of the thread, or None where the thread has no such file."""

    def report(self, health: ChannelHealth) -> None:
        """Show the state of the channel to operators."""


# --- the channel itself -----------------------------------------------------------------------------


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A public route that a channel brings; mounted under /CHANNEL-KIND/CHANNEL-ID."""

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    body_max: int = 64 * 1024
    streams: bool = False  # an event stream: long-lived, counted apart
    per_minute: int = 0  # so many a minute from one address, where that is less than what others may


class Channel(ABC):
    """One configured account of one kind of channel.

    The constructor does no I/O and refuses (ChannelError) a configuration with which the channel could
    not tell friend from foe: a missing secret is never "accept everything".
    """

    spec: ClassVar[ChannelSpec]

    def __init__(self, channel_id: str, settings: ChannelSettings) -> None:
        self.id = channel_id
        self.settings = settings

    @classmethod
    def for_reading(cls) -> Channel:
        """A channel with the default settings and secrets made up on the spot: to parse payloads that
        somebody has as files, never to be started. Raises ChannelError where there is no such thing."""
        raise ChannelError(f"payloads of kind {cls.spec.kind!r} are read with a configured channel only")

    async def start(self, host: Host) -> None:
        """Begin to listen. Must not fail for a peer that is away: report it and go on trying."""
        self.host = host

    async def stop(self) -> None:  # noqa: B027 - most channels have nothing to stop
        """Stop listening; return only when no more submit() can come."""

    def verify(self, request: HookRequest) -> Verified | Rejected:
        """Pure. Is this request from whom the secret says? Called before parse(); there is no default yes."""
        return Rejected("this channel takes no webhooks")

    def parse(self, request: HookRequest) -> list[InboundEvent]:
        """Pure and total: one bad item becomes an `unsupported` event and never hides the others."""
        return []

    async def complete(self, events: list[InboundEvent]) -> list[InboundEvent]:
        """Fetch what parse() could only name (`Attachment.ref`), before the commit.

        Never raises for what the peer does: what cannot be had becomes the attachment's `problem`. The
        public door waits for a while only, and then takes the events in without their files.
        """
        return events

    def answer(self, request: HookRequest) -> tuple[int, str]:
        """Status and plain text that the provider expects after the commit."""
        return 200, ""

    def recognise(self, event: InboundEvent) -> InboundEvent:
        """Mark what only this installation can tell (our own MACs) on an event from the parser. Pure."""
        return event

    def check_address(self, address: str) -> str:
        """The canonical form of an address that an operator typed. Pure. Raises ChannelError."""
        return address

    def continue_link(self, token: str) -> str | None:
        """A link that brings whoever follows it to this channel, with `token` in `InboundEvent.token`; None
        where there is no such link (now). Pure. `token`: at most 32 of A-Z a-z 0-9 _ -."""
        return None

    def acknowledgement(self) -> str:
        """What is said by itself to whoever begins a conversation; "": nothing. Pure."""
        return ""

    def own_addresses(self) -> frozenset[str]:
        """Canonical addresses at which this channel itself is written to: nobody to be answered. Pure."""
        return frozenset()

    def name_message(self, conversation_id: int, message_id: int) -> str | None:
        """A remote id made by us before sending, where the channel lets us choose one. Pure."""
        return None

    def routes(self) -> Sequence[Route]:
        return ()

    @abstractmethod
    async def send(self, message: Outbound) -> SendResult:
        """One attempt. Never raises for what the peer does; the server treats an exception as Unknown."""

    async def file_copy(self, message: Outbound) -> None:  # noqa: B027 - most providers keep one themselves
        """Keep a copy of what was sent, where the provider keeps none. Called after the result is
        committed; best effort, and a failure of it sends nothing again."""

    def archived(self, raw: bytes) -> Delivery:
        """A raw item of an archive (a file that somebody has) as a delivery with `meta["history"]`. Pure.
        Raises ChannelError where there is no such thing."""
        raise ChannelError(f"channel {self.id!r} brings in no archives", hint="mailboxes do")

    async def whole(self, meta: Mapping[str, str]) -> bytes:
        """All of an item that was delivered in part, by the `meta` of its delivery. Raises ChannelError."""
        raise ChannelError(f"channel {self.id!r} keeps no more of it")

    async def ledger(self) -> list[BoxLedger]:
        """Everything that the provider keeps against the journal. Raises ChannelError."""
        raise ChannelError(f"channel {self.id!r} keeps no boxes to reconcile", hint="mailboxes do")

    async def probe(self) -> list[ProbeResult]:
        """Check the configuration against the real peer, for `omni doctor`; harmless and quick."""
        return []
