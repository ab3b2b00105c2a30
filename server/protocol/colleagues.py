"""Colleagues: who is looking and who is writing, and who called whom to a note."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from server.protocol.base import Number
from server.protocol.conversations import Message

PANES_MAX = 8  # conversations that one console may say it shows

Writing = Literal["", "reply", "note"]


class Whereabouts(msgspec.Struct, kw_only=True):
    """A frame of the client, at any time after its Subscribe: what is on this operator's screen.

    It holds for 15 s, what he types in for 8 s; whoever still looks says it again. Nothing of it is stored.
    """

    open: Annotated[list[Number], msgspec.Meta(max_length=PANES_MAX)] = []  # conversations in panes
    typing: Number | None = None  # the one of them in which keys are being pressed
    kind: Literal["reply", "note"] = "reply"  # what is being written there


class Onlooker(msgspec.Struct, kw_only=True, frozen=True):
    operator_id: int
    writing: Writing = ""


class Company(msgspec.Struct, kw_only=True, frozen=True):
    """Body of a "presence" frame: everybody who is at this conversation now, whoever is told included."""

    conversation_id: int
    people: list[Onlooker] = []
    customer_types: bool = False


class Mention(msgspec.Struct, kw_only=True):
    """A colleague named me in a private note."""

    id: int
    conversation_id: int
    customer: str
    note: Message
    seen_at: int | None = None


class MentionPage(msgspec.Struct, kw_only=True):
    """Of what I have not seen yet, newest first; `open`: how many there are in all."""

    items: list[Mention]
    next: str | None
    open: int
