"""Customers, and how they can be answered."""

from __future__ import annotations

import msgspec

from server.protocol.conversations import Conversation


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
