"""To, Cc and Bcc: whom a message names, and whom a reply is to go to."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from server.protocol.base import Number

Sort = Literal["", "sent", "retry", "failed", "unknown", "delayed", "delivered"]


class Recipient(msgspec.Struct, kw_only=True):
    """Somebody in the address lines of a message. `state` is "" for messages that came to us, and for
    ours until they are tried; `detail` is what the other side said."""

    role: Literal["to", "cc", "bcc", "reply_to"]
    address: str
    name: str = ""
    state: Sort = ""
    detail: str = ""


class Addressee(msgspec.Struct, kw_only=True):
    """Somebody to write to. `written`: the operator wrote this address himself; any other must already
    take part in the conversation, or the message is refused."""

    address: Annotated[str, msgspec.Meta(max_length=320)]
    name: Annotated[str, msgspec.Meta(max_length=200)] = ""
    written: bool = False


class ForwardCommand(msgspec.Struct, kw_only=True):
    """Send a message on to somebody else; what he answers gets a conversation of its own.

    `file_ids`: which of its files go along, None: all of them. `hold`: it waits for the hold of the
    channel, as a line beside the message that can be taken back.
    """

    client_id: str
    channel_id: str
    to: list[Addressee]
    cc: list[Addressee] = []
    bcc: list[Addressee] = []
    text: str = ""
    file_ids: list[Number] | None = None
    hold: bool = False
