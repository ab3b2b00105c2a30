"""Customers: the card, and how they can be answered."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from server.protocol.base import Name, Number, Proof, Tag
from server.protocol.conversations import Conversation, Message
from server.protocol.recipients import Addressee

FieldKind = Literal["text", "number", "date", "choice", "flag", "link"]
Source = Literal["operator", "channel", "message", "api", "import"]  # from where something is known


class Address(msgspec.Struct, kw_only=True):
    id: int
    scheme: str
    external_id: str
    label: str  # what to show: "ivan@example.org", "site chat"
    account: str = ""  # the channel whose own address it is; "" for e-mail, phones and the like
    verified: bool
    proof: Proof = "claim"
    evidence: str = ""  # how we know, in words: "writes from it", "signed by the site"
    blocked: bool = False  # he blocked us
    barred: bool = False  # we keep his messages apart as spam
    last_in_at: int | None = None
    proved_at: int | None = None  # when it was last shown that it is his


class ReplyWay(msgspec.Struct, kw_only=True):
    """One way to answer this customer; the first of a list is the default."""

    channel_id: str
    channel_title: str
    mark: str
    address_id: int
    label: str
    why: str  # "wrote last here", "prefers this channel", "wrote here before", "verified address"
    text_max: int = 4096
    subject: bool = False
    files_max: int = 0
    known_until: int | None = None  # until then nobody asks him here who he is; None: nothing shows it
    window_until: int | None = None  # until then the channel lets us write here; None: always
    recipients_max: int = 1  # more: To, Cc and Bcc can be edited
    others: list[Addressee] = []  # to whom a reply to all goes besides
    known: list[Addressee] = []  # everybody who takes part, for whoever edits the recipients
    quotes: bool = False  # what is answered goes below the answer, unless its text quotes by itself (">")


class FieldSpec(msgspec.Struct, kw_only=True):
    """A field that cards may have; `own` ones are declared in omni.toml, the others every site has."""

    name: str
    title: str
    kind: FieldKind = "text"
    choices: list[str] = []
    own: bool = True


class Field(msgspec.Struct, kw_only=True):
    """How a field is now, or (in its history) was. `value` None: removed."""

    id: int
    name: str
    value: str | None  # numbers as decimals, dates as YYYY-MM-DD, flags as "yes" and "no"
    source: Source
    at: int
    by: str = ""  # operator's name
    message_id: int | None = None


class Consent(msgspec.Struct, kw_only=True):
    purpose: str  # "service", "marketing", …
    scheme: str  # "email", "phone", a channel's scheme, or "*" for all
    granted: bool
    source: Source
    at: int
    by: str = ""


class Record(msgspec.Struct, kw_only=True):
    """Something that the company's own systems know: an order, a payment, a contract."""

    id: int
    kind: str
    external_id: str  # the number that people say
    title: str = ""
    state: str = ""
    amount: str = ""  # a decimal number
    currency: str = ""
    at: int = 0
    url: str = ""
    details: dict[str, str] = {}
    updated_at: int = 0


class Score(msgspec.Struct, kw_only=True):
    """What he gave when he was asked how it was: a record of the kind "score"."""

    id: int
    kind: str  # csat | nps | ces | own
    value: str  # a decimal number
    scale: str  # the highest value there is
    comment: str = ""
    source: str = ""  # who asked him
    conversation_id: int | None = None  # of which he was asked
    at: int = 0


class Origin(msgspec.Struct, kw_only=True):
    """From where a person came to a conversation."""

    at: int
    channel_id: str
    conversation_id: int | None = None
    page: str = ""
    title: str = ""
    referrer: str = ""
    campaign: dict[str, str] = {}  # source, medium, campaign, term, content


class Preference(msgspec.Struct, kw_only=True):
    """The channel on which this person is best reached, and the numbers behind that."""

    channel_id: str
    channel_title: str
    mark: str
    why: str  # "asked for it" or "wrote 7 of 9 here in 180 days, answers within 4 min"
    stated: bool = False


class Promise(msgspec.Struct, kw_only=True):
    conversation_id: int
    next_step: str
    due_at: int | None


class LinkedPerson(msgspec.Struct, kw_only=True):
    id: int  # of the link
    customer_id: int
    name: str
    relation: str


class MergeInfo(msgspec.Struct, kw_only=True):
    """A card that became part of this one, and can become a card again."""

    id: int
    at: int
    name: str  # of the card that was taken in
    evidence: str
    by: str = ""  # operator; "": by proof


class Finding(msgspec.Struct, kw_only=True):
    """A phone or an e-mail that the customer wrote in a message; offered, never believed by itself."""

    message_id: int
    scheme: str  # "email" | "phone"
    external_id: str
    shown: str  # as he wrote it


class Customer(msgspec.Struct, kw_only=True):
    """A card. In lists only what tells one person from another: name, addresses, tags."""

    id: int
    name: str
    created_at: int
    addresses: list[Address] = []
    conversations: list[Conversation] = []  # newest first, at most 50
    tags: list[str] = []
    language: str = ""  # BCP 47
    time_zone: str = ""  # IANA
    preferred: Preference | None = None
    fields: list[Field] = []
    consents: list[Consent] = []
    records: list[Record] = []  # newest first, at most 20
    scores: list[Score] = []  # newest first, at most 5
    origin: Origin | None = None  # of the first visit
    origins: list[Origin] = []  # of the conversations, newest first, at most 10
    promises: list[Promise] = []  # of open conversations, the earliest first
    linked: list[LinkedPerson] = []
    merges: list[MergeInfo] = []  # newest first
    findings: list[Finding] = []  # of his latest messages, what is not on the card yet
    suggestions: int = 0  # open ones in the identity inbox that speak of him
    notes: int = 0
    files: int = 0


class CustomerPage(msgspec.Struct, kw_only=True):
    items: list[Customer]
    next: str | None


class CustomerFile(msgspec.Struct, kw_only=True):
    id: int
    name: str
    content_type: str
    size: int
    kind: str
    problem: str = ""
    stated: str = ""  # the type that its sender or its name gave it, where the bytes contradict that
    width: int | None = None  # pixels, of pictures and films whose header tells them
    height: int | None = None
    message_id: int
    conversation_id: int
    at: int
    mark: str = ""
    from_customer: bool = True


class CustomerFiles(msgspec.Struct, kw_only=True):
    """Newest first."""

    items: list[CustomerFile]
    next: str | None


class MessagePage(msgspec.Struct, kw_only=True):
    """Newest first: notes of a person, of all conversations."""

    items: list[Message]
    next: str | None


# --- commands -------------------------------------------------------------------------------------


class CardCommand(msgspec.Struct, kw_only=True):
    """What is not given stays as it is. A field's empty value removes it."""

    name: Annotated[str, msgspec.Meta(max_length=200, pattern=r"\S")] | None = None
    language: Annotated[str, msgspec.Meta(max_length=35)] | None = None
    time_zone: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    preferred_channel: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    fields: dict[Name, Annotated[str, msgspec.Meta(max_length=4000)]] = {}
    tags: list[Tag] | None = None


class ConsentCommand(msgspec.Struct, kw_only=True):
    purpose: Name
    granted: bool
    scheme: Annotated[str, msgspec.Meta(pattern=r"^(\*|[a-z0-9][a-z0-9_-]{0,63})$")] = "*"


class AddressCommand(msgspec.Struct, kw_only=True):
    """Note an address somebody gave. It stays a claim unless a colleague vouches for it."""

    scheme: Name
    external_id: Annotated[str, msgspec.Meta(max_length=320, pattern=r"\S")]
    message_id: Number | None = None  # in which he gave it
    vouched: bool = False


class LinkCommand(msgspec.Struct, kw_only=True):
    customer_id: Number
    relation: Annotated[str, msgspec.Meta(max_length=100, pattern=r"\S")]


class RecordCommand(msgspec.Struct, kw_only=True):
    """Whose it is: `customer_id`, or an address (`scheme`, `address`) that he has verified or will."""

    customer_id: Number | None = None
    scheme: Annotated[str, msgspec.Meta(max_length=64)] = ""
    address: Annotated[str, msgspec.Meta(max_length=320)] = ""
    title: Annotated[str, msgspec.Meta(max_length=300)] = ""
    state: Annotated[str, msgspec.Meta(max_length=100)] = ""
    amount: Annotated[str, msgspec.Meta(pattern=r"^(-?\d{1,15}(\.\d{1,6})?)?$")] = ""
    currency: Annotated[str, msgspec.Meta(pattern=r"^([A-Z]{3})?$")] = ""
    at: Number | None = None
    url: Annotated[str, msgspec.Meta(max_length=1000)] = ""
    details: dict[str, Annotated[str, msgspec.Meta(max_length=1000)]] = {}
    version: Number = 0


class EraseCommand(msgspec.Struct, kw_only=True):
    """`name` is the person's, written once more: nobody erases the wrong card by a slip of a number."""

    name: str
    reason: Annotated[str, msgspec.Meta(max_length=500, pattern=r"\S")]


class ErasureReport(msgspec.Struct, kw_only=True):
    """Given once, to whoever erased; the server keeps nothing of it but numbers."""

    erasure_id: int
    at: int
    site: str
    by: str
    reason: str
    person: str
    addresses: list[str]
    cards: list[int]
    counts: dict[str, int]  # rows by table
    files: int
    others: list[int] = []  # cards of whoever gave one of the addresses too: perhaps the same person
