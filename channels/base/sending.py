"""What a channel is told to send, and what became of it."""

from __future__ import annotations

from typing import Literal

import msgspec

from channels.base.heard import Role


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


class Quotation(msgspec.Struct, frozen=True):
    """What is answered, to stand below the answer: the line that introduces it, and its words. Both are
    somebody else's text, and never read as markup."""

    line: str
    words: str


class Outbound(msgspec.Struct, frozen=True, kw_only=True):
    """One message to deliver.

    `key` never changes between attempts: it is the idempotency key where the channel has one.
    `remote_id` is the id that `Channel.name_message` gave when the reply was written.
    `references` are remote ids of this conversation on this channel, oldest first, the last being the
    message that is answered. `quoted` is what somebody else wrote and we send on; it goes below the text
    and is never read as markup. `answered` is what the recipient himself wrote, for channels that ask for it
    (`Channel.quotes`). `recipients` names everybody where the channel takes several recipients
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
    answered: Quotation | None = None
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
