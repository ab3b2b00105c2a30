"""What a channel hears. All times are UTC milliseconds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

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
