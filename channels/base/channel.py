"""The channel itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar

import msgspec

from channels.base.errors import ChannelError
from channels.base.facts import ChannelSettings, ChannelSpec, ProbeResult
from channels.base.heard import HookRequest, InboundEvent, Rejected, Verified
from channels.base.host import BoxLedger, Delivery, Host
from channels.base.sending import Outbound, SendResult

if TYPE_CHECKING:
    # Parsers run in processes of their own, which need neither.
    from aiohttp import web


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A public route that a channel brings; mounted under /CHANNEL-KIND/CHANNEL-ID."""

    method: str
    path: str
    handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    body_max: int = 64 * 1024
    streams: bool = False  # an event stream: long-lived, counted apart
    per_minute: int = 0  # so many a minute from one address, where that is less than what others may


class Channel(ABC):
    """One configured account of one kind of channel.

    The constructor does no I/O and refuses (ChannelError) a configuration with which the channel could
    not tell friend from foe: a missing secret is never "accept everything".
    """

    spec: ClassVar[ChannelSpec]

    def __init__(self, channel_id: str, settings: ChannelSettings) -> None:
        self.id = channel_id
        self.settings = settings

    @classmethod
    def for_reading(cls) -> Channel:
        """A channel with the default settings and secrets made up on the spot: to parse payloads that
        somebody has as files, never to be started. Raises ChannelError where there is no such thing."""
        raise ChannelError(f"payloads of kind {cls.spec.kind!r} are read with a configured channel only")

    async def start(self, host: Host) -> None:
        """Begin to listen. Must not fail for a peer that is away: report it and go on trying."""
        self.host = host

    async def stop(self) -> None:  # noqa: B027 - most channels have nothing to stop
        """Stop listening; return only when no more submit() can come."""

    def verify(self, request: HookRequest) -> Verified | Rejected:
        """Pure. Is this request from whom the secret says? Called before parse(); there is no default yes."""
        return Rejected("this channel takes no webhooks")

    def parse(self, request: HookRequest) -> list[InboundEvent]:
        """Pure and total: one bad item becomes an `unsupported` event and never hides the others."""
        return []

    async def complete(self, events: list[InboundEvent]) -> list[InboundEvent]:
        """Fetch what parse() could only name (`Attachment.ref`), before the commit.

        Never raises for what the peer does: what cannot be had becomes the attachment's `problem`. The
        public door waits for a while only, and then takes the events in without their files.
        """
        return events

    def answer(self, request: HookRequest) -> tuple[int, str]:
        """Status and plain text that the provider expects after the commit."""
        return 200, ""

    def recognise(self, event: InboundEvent) -> InboundEvent:
        """Mark what only this installation can tell (our own MACs) on an event from the parser. Pure."""
        return event

    def check_address(self, address: str) -> str:
        """The canonical form of an address that an operator typed. Pure. Raises ChannelError."""
        return address

    def continue_link(self, token: str) -> str | None:
        """A link that brings whoever follows it to this channel, with `token` in `InboundEvent.token`; None
        where there is no such link (now). Pure. `token`: at most 32 of A-Z a-z 0-9 _ -."""
        return None

    def acknowledgement(self) -> str:
        """What is said by itself to whoever begins a conversation; "": nothing. Pure."""
        return self.settings.acknowledge

    def signature(self) -> str:
        """What the server puts below what operators write; "": nothing, or the channel puts it there itself,
        where it belongs above something else (a quotation). Pure."""
        return self.settings.signature.strip()

    def quotes(self) -> int:
        """How many characters of what is answered go below an answer (`Outbound.answered`); 0: none. Pure."""
        return 0

    def own_addresses(self) -> frozenset[str]:
        """Canonical addresses at which this channel itself is written to: nobody to be answered. Pure."""
        return frozenset()

    def name_message(self, conversation_id: int, message_id: int) -> str | None:
        """A remote id made by us before sending, where the channel lets us choose one. Pure."""
        return None

    def routes(self) -> Sequence[Route]:
        return ()

    @abstractmethod
    async def send(self, message: Outbound) -> SendResult:
        """One attempt. Never raises for what the peer does; the server treats an exception as Unknown."""

    async def file_copy(self, message: Outbound) -> None:  # noqa: B027 - most providers keep one themselves
        """Keep a copy of what was sent, where the provider keeps none. Called after the result is
        committed; best effort, and a failure of it sends nothing again."""

    def archived(self, raw: bytes) -> Delivery:
        """A raw item of an archive (a file that somebody has) as a delivery with `meta["history"]`. Pure.
        Raises ChannelError where there is no such thing."""
        raise ChannelError(f"channel {self.id!r} brings in no archives", hint="mailboxes do")

    async def whole(self, meta: Mapping[str, str]) -> bytes:
        """All of an item that was delivered in part, by the `meta` of its delivery. Raises ChannelError."""
        raise ChannelError(f"channel {self.id!r} keeps no more of it")

    async def ledger(self) -> list[BoxLedger]:
        """Everything that the provider keeps against the journal. Raises ChannelError."""
        raise ChannelError(f"channel {self.id!r} keeps no boxes to reconcile", hint="mailboxes do")

    async def probe(self) -> list[ProbeResult]:
        """Check the configuration against the real peer, for `omni doctor`; harmless and quick."""
        return []
