"""Writing first, contacts by hand, and spam."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from server.protocol.base import Name, Number

Medium = Literal["phone", "office", "paper", "other"]
HeldBecause = Literal["open_conversation", "colleague_wrote", "order", "consent", "barred"]


class Obstacle(msgspec.Struct, kw_only=True):
    """Why a first or bulk message is held. `blocks`: no consent helps."""

    kind: HeldBecause
    text: str  # who, what, when, in words
    blocks: bool = False
    conversation_id: int | None = None


class FirstMessage(msgspec.Struct, kw_only=True):
    """Write to a person who did not just write to us.

    `purpose` is what consents are asked by. `despite`: the kinds of obstacles the writer has seen and
    goes past; new ones hold it again (409 "held", with `obstacles`). `beside`: a conversation of this
    person. With it the message waits there for the hold of its channel, as a line that can be taken back, and
    is looked at once more when it leaves; without it, it leaves at once.
    """

    client_id: str
    text: str
    channel_id: str
    address_id: Number
    purpose: Name = "service"
    subject: str | None = None
    despite: list[HeldBecause] = []
    beside: Number | None = None


class BulkMessage(msgspec.Struct, kw_only=True):
    """One text to many. `{name}` and other fields of the card are filled in; what lacks one is held."""

    client_id: str
    text: str
    customer_ids: Annotated[list[Number], msgspec.Meta(min_length=1, max_length=1000)]
    purpose: Name
    subject: str | None = None
    channel_id: str = ""  # "": each person's preferred one
    dry_run: bool = False


class BulkOutcome(msgspec.Struct, kw_only=True):
    customer_id: int
    message_id: int | None = None
    obstacles: list[Obstacle] = []
    problem: str = ""


class BulkDone(msgspec.Struct, kw_only=True):
    outcomes: list[BulkOutcome]
    queued: int
    held: int


class HandContact(msgspec.Struct, kw_only=True):
    """A telephone call, a visit, a letter on paper: what was said where no machine was listening.

    With a `customer_id` or `conversation_id` it goes there, otherwise to a new card with `name` and `phone`.
    In the river it is a message of `kind_of_event` "call", "visit", "paper" or "contact", with `medium`,
    `duration_s` and `result` in its `detail`.
    """

    client_id: str
    medium: Medium
    text: str
    from_customer: bool = True
    at: Number | None = None  # when it was, if not just now
    customer_id: Number | None = None
    conversation_id: Number | None = None
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    phone: Annotated[str, msgspec.Meta(max_length=60)] = ""
    duration_s: Annotated[int, msgspec.Meta(ge=0, le=86_400)] | None = None
    result: Annotated[str, msgspec.Meta(max_length=200)] = ""


class SpamCommand(msgspec.Struct, kw_only=True):
    """`bar` also keeps apart what the sender's addresses bring from now on."""

    conversation_ids: Annotated[list[Number], msgspec.Meta(min_length=1, max_length=500)]
    spam: bool = True
    bar: bool = True


class SpamDone(msgspec.Struct, kw_only=True):
    conversation_ids: list[int]
    addresses_barred: int
