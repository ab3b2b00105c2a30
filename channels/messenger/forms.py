"""What a messenger's JSON looks like, as data: where in an update stands who, where and what.

An adapter fills in these forms, `content.py` and `updates.py` read by them. Places are paths (`paths.py`)
from the object that the form describes; "" is nowhere, unless it says otherwise.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from channels.base import EventKind
from channels.messenger.reading import FileKind

NO_CODE: Final = re.compile(r"(?!)")  # deep links come in no text


class PersonForm(msgspec.Struct, frozen=True, kw_only=True):
    id: str = "id"
    name: tuple[str, ...] = ("first_name", "last_name")
    username: str = "username"
    locale: str = ""


class ChatForm(msgspec.Struct, frozen=True, kw_only=True):
    """`at` in the body of an update; the rest in it. What is neither private nor a group is shown apart."""

    at: str = "chat"
    id: str = "id"
    title: str = "title"
    kind: str = "type"
    private: str = "private"  # these are kinds
    groups: frozenset[str] = frozenset()


class FileFields(msgspec.Struct, frozen=True, kw_only=True):
    """What every file says of itself. `ref`: by which it is fetched."""

    ref: str
    size: str = ""
    name: str = ""
    type: str = ""


class FileForm(msgspec.Struct, frozen=True):
    """One kind of file in a message. `name` (without extension) and `type` where it does not say its own;
    `name` may be a function of it that gives both."""

    at: str
    kind: FileKind
    name: str | Callable[[dict[str, Any]], tuple[str, str]]
    type: str = ""
    unless: str = ""  # there is a file there, too: then this is the same one


class SpotForm(msgspec.Struct, frozen=True, kw_only=True):
    """A place on the earth. `at`: where one may stand; `named`: words for it, in the message."""

    at: tuple[str, ...]
    latitude: str = "latitude"
    longitude: str = "longitude"
    named: tuple[str, ...] = ()


class CardForm(msgspec.Struct, frozen=True, kw_only=True):
    """A shared contact. `owner`: the id of the user whose card it is: only then the number is vouched for."""

    at: str
    phone: str
    owner: str
    evidence: str


class MessageForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a message holds. `envelope`: fields that any message may have, so that the others name what it
    holds, where that cannot be shown."""

    number: str  # of the message, within its chat
    date: str  # Unix seconds
    text: tuple[str, ...]
    file: FileFields
    files: tuple[FileForm, ...]
    envelope: re.Pattern[str]
    spot: SpotForm | None = None
    card: CardForm | None = None
    answers: str = ""  # the number of the message that this one answers
    quote: str = ""  # the words that it quotes
    forwarded: tuple[str, ...] = ()  # who wrote it first: a person, or a name
    album: str = ""  # what pieces of one message have in common
    start: re.Pattern[str] = NO_CODE  # the text that a deep link makes; its first group is the code


class Said(msgspec.Struct, frozen=True, kw_only=True):
    """A message, or (where `edited` says when) its new wording."""

    at: str
    sender: str
    edited: str = ""


class Pressed(msgspec.Struct, frozen=True, kw_only=True):
    """A button under a message of ours."""

    at: str
    sender: str
    id: str
    data: str
    message: str


class Reacted(msgspec.Struct, frozen=True, kw_only=True):
    """Reactions to a message: those there are, those there were. `named`: words for those without emoji."""

    at: str
    sender: str
    number: str
    date: str
    now: str
    before: str
    emoji: str = "emoji"
    kind: str = "type"
    named: Mapping[str, str] = {}


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """Whether a customer may be written to: what his `status` says of him."""

    at: str
    sender: str
    date: str
    status: str
    kinds: Mapping[str, EventKind]


class UpdateForm(msgspec.Struct, frozen=True, kw_only=True):
    """`platform` in words. `number`: where an update says its own (an update without one is known by its
    bytes). `kinds`: `at` is the place of the body within the update."""

    platform: str
    number: str
    person: PersonForm
    chat: ChatForm
    message: MessageForm
    kinds: tuple[Said | Pressed | Reacted | Membership, ...]
