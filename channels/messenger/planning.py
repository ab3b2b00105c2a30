"""A reply as the few requests that it takes, and how a refused one is said more simply. Pure.

Texts go as they were typed, without markup, so that what an operator wrote is what arrives.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container
from typing import Any, Final

import msgspec

from channels.base import Capabilities, Outbound, OutboundFile
from channels.messenger.answer import Answer
from channels.messenger.updates import remote_id

NEVER: Final = re.compile(r"(?!)")


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """What one request says. `quote`: the number of the message that it answers."""

    chat: str
    text: str = ""
    quote: int | None = None
    files: tuple[OutboundFile, ...] = ()
    photos: bool = False  # shown as pictures, not as files


class Call(msgspec.Struct, frozen=True):
    """A request for it; its files go as the multipart fields file0, file1, …"""

    method: str
    params: dict[str, Any]


class OutgoingForm(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform takes, as data, besides its channel's capabilities; and how a piece is called."""

    compose: Callable[[Piece], Call]
    number: str  # of what was sent, in the result
    private: re.Pattern[str]  # chats with one customer
    group: re.Pattern[str] = NEVER
    caption_max: int  # units of text that go with files
    photo_types: frozenset[str] = frozenset()
    photo_bytes_max: int = 0
    refuses_photo: re.Pattern[str] = NEVER  # in the description of a 400
    refuses_quote: re.Pattern[str] = NEVER


def units(text: str, can: Capabilities) -> int:
    match can.text_unit:
        case "utf16":
            return len(text.encode("utf-16-le", "surrogatepass")) // 2
        case "bytes":
            return len(text.encode("utf-8", "surrogatepass"))
        case "chars":
            return len(text)


def chat_of(form: OutgoingForm, message: Outbound, groups: bool) -> str:
    """The chat to write to. Raises ValueError where it is none of ours: nobody hears anything by mistake."""
    where = message.thread or message.to
    if form.private.fullmatch(where) or (groups and form.group.fullmatch(where)):
        return where
    raise ValueError("this is no chat that the bot may write to")


def quoted(message: Outbound, chat: str, ours: Container[str]) -> int | None:
    """Number of the customer's message that this reply answers, if that is the last of this chat.

    `ours`: remote ids of what we sent.
    """
    last = message.references[-1] if message.references else ""
    number = last.rpartition(":")[2]
    if last in ours or not (number.isascii() and number.isdigit()):
        return None
    return int(number) if last == remote_id(chat, int(number)) else None


def pieces(
    form: OutgoingForm, can: Capabilities, platform: str, message: Outbound, chat: str, quote: int | None
) -> list[Piece]:
    """A reply's, in order: one, or a text and then the files, where it is too long to go with them.

    Several files are one piece, so that they arrive together or not at all. Raises ValueError for what the
    platform takes in no way.
    """
    text = message.text if message.text.strip() else ""
    for file in message.files:
        if file.size > can.file_bytes_max:
            most = f"{can.file_bytes_max // 10**6} MB that {platform} takes"
            raise ValueError(f"{file.name} is larger than the {most}")
        if file.size == 0:
            raise ValueError(f"{file.name} is empty, which {platform} does not take")
    if not message.files:
        if not text:
            raise ValueError("there is nothing to send")
        return [Piece(chat=chat, text=text, quote=quote)]
    photos = all(
        file.content_type in form.photo_types and file.size <= form.photo_bytes_max for file in message.files
    )
    if units(text, can) <= form.caption_max:
        return [Piece(chat=chat, text=text, quote=quote, files=message.files, photos=photos)]
    return [
        Piece(chat=chat, text=text, quote=quote),
        Piece(chat=chat, files=message.files, photos=photos),
    ]


def simpler(form: OutgoingForm, piece: Piece, answer: Answer) -> Piece | None:
    """The same in a way that the platform may take, after it refused this one; None: there is no way."""
    if answer.status != 400 or not answer.spoken:
        return None
    if piece.photos and form.refuses_photo.search(answer.description):
        return msgspec.structs.replace(piece, photos=False)
    if form.refuses_quote.search(answer.description):
        return msgspec.structs.replace(piece, quote=None)
    return None
