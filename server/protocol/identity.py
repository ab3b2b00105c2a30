"""Who may be whom: suggestions, codes, merges, and conversations taken apart or put together."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from server.protocol.base import Number
from server.protocol.people import Customer

ReasonKind = Literal["email", "phone", "caller", "name", "order", "unverified"]


class Reason(msgspec.Struct, kw_only=True):
    """Why two cards may be one person; words are read when it is shown."""

    kind: ReasonKind
    text: str  # the address, the name, the order number
    weight: int


class Suggestion(msgspec.Struct, kw_only=True):
    """`one` is the older card; accepting makes `other` part of it."""

    id: int
    one: Customer
    other: Customer
    reasons: list[Reason]
    score: int
    created_at: int
    state: Literal["open", "accepted", "refused"] = "open"
    merge_id: int | None = None
    decided_by: str = ""


class SuggestionPage(msgspec.Struct, kw_only=True):
    """The identity inbox: the surest first."""

    items: list[Suggestion]
    next: str | None
    open: int


class Merged(msgspec.Struct, kw_only=True):
    merge_id: int
    customer_id: int  # the card that both are now


class MergeCommand(msgspec.Struct, kw_only=True):
    """Two cards are one person, says a colleague. The older card stays."""

    other_id: Number
    reason: Annotated[str, msgspec.Meta(max_length=300)] = ""


class Unmerged(msgspec.Struct, kw_only=True):
    customer_id: int  # the card that stays
    restored_id: int  # the card that is one again
    conversations: list[int]  # that went back or were made for it


class SplitCommand(msgspec.Struct, kw_only=True):
    """Messages that are a matter of their own; they go to a new conversation of the same person."""

    message_ids: Annotated[list[Number], msgspec.Meta(min_length=1, max_length=1000)]
    subject: Annotated[str, msgspec.Meta(max_length=300)] = ""


class JoinCommand(msgspec.Struct, kw_only=True):
    """Another conversation of the same person goes on in this one."""

    other_id: Number


class Regrouped(msgspec.Struct, kw_only=True):
    regrouping_id: int
    conversation_id: int  # the one that was made, or that goes on


class Regrouping(msgspec.Struct, kw_only=True):
    """A split or a join that can be taken back."""

    id: int
    kind: Literal["split", "join"]
    at: int
    from_conversation: int
    into_conversation: int
    by: str = ""


class CodeCommand(msgspec.Struct, kw_only=True):
    """Ask the person to show that an address is his.

    digits: six of them go to `address_id` by `channel_id`; whoever writes in this conversation tells them.
    link: leads to `channel_id`; whoever follows it there goes on with this conversation. It is sent to him
    in this conversation as a reply (`client_id` as there), or given back alone where `send` is false.
    again: he is asked for the digits although a channel shows who he is (else 409 "known").
    """

    kind: Literal["digits", "link"]
    channel_id: str
    client_id: str
    address_id: Number | None = None
    send: bool = True
    again: bool = False


class CodeMade(msgspec.Struct, kw_only=True):
    """The six digits are never shown: only who gets them can tell them."""

    id: int
    kind: Literal["digits", "link"]
    expires_at: int
    message_id: int | None = None  # that carries it
    url: str = ""  # of a link that was not sent


class TryCommand(msgspec.Struct, kw_only=True):
    code: Annotated[str, msgspec.Meta(pattern=r"^ {0,9}([0-9][ -]?){6} {0,9}$")]


class Tried(msgspec.Struct, kw_only=True):
    right: bool
    tries_left: int
    customer_id: int  # who it is now
