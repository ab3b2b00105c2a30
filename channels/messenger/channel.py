"""The shell of a messenger's channel: what it starts and stops, and how it hands things on."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from typing import ClassVar, Self

import msgspec

from channels.base import (
    BadCredentials,
    Channel,
    ChannelError,
    ChannelHealth,
    ChannelSettings,
    Delivery,
    HookRequest,
    Host,
    HostUnavailableError,
    InboundEvent,
    Outbound,
    ProbeResult,
    Rejected,
    Retry,
    SendResult,
    Verified,
)
from channels.base import Sender as Writer
from channels.messenger.api import Api
from channels.messenger.fetch import DOWNLOADS, Fetcher
from channels.messenger.forms import UpdateForm
from channels.messenger.link import UnreachedError
from channels.messenger.listening import Listener, Waits
from channels.messenger.pace import Pace
from channels.messenger.paths import text_at
from channels.messenger.planning import OutgoingForm
from channels.messenger.polling import Poller, Polling
from channels.messenger.probe import USERNAME_MAX, Myself, probe
from channels.messenger.sending import Sender
from channels.messenger.settings import BotSettings, check_bot
from channels.messenger.updates import Reader, Reading
from channels.messenger.webhook import Webhook, WebhookKeeper
from channels.secret import Secret


class Parts(msgspec.Struct, frozen=True):
    """What a running channel works with."""

    api: Api
    fetcher: Fetcher
    sender: Sender
    listener: Listener


class MessengerChannel(Channel):
    """A bot of a messenger. A platform's own says what its API is, what its updates, calls and replies look
    like, and how it is known that a webhook's request is the platform's.

    An album comes as several updates. Each is committed, and so acknowledged, by itself; those of one
    album name the same `part_of`, and the server adds the later ones to the first one's message. To wait
    for the rest before answering cannot work: platforms send the updates of a chat one after the other,
    the next when the last was answered. To answer and then wait would lose what waits in a crash.
    """

    api: ClassVar[type[Api]]
    updates: ClassVar[UpdateForm]
    outgoing: ClassVar[OutgoingForm]
    polling: ClassVar[Polling]
    webhook: ClassVar[Webhook]
    myself: ClassVar[Myself]
    secret_header: ClassVar[str]  # in lower case: bears the secret in each request of the webhook
    start_link: ClassVar[str]  # with {name} and {token}: leads to the bot, where the token is said
    made_up_token: ClassVar[str]  # with {}: has the shape of a token, and is none
    download_max: ClassVar[int]  # bytes of a file
    per_chat_s: ClassVar[float]  # seconds between two messages to one chat
    waits: ClassVar[Waits] = Waits()

    _parts: Parts | None = None
    _tasks: tuple[asyncio.Task[None], ...] = ()

    def __init__(self, channel_id: str, settings: ChannelSettings) -> None:
        super().__init__(channel_id, settings)
        if not (isinstance(settings, BotSettings) and isinstance(settings, self.spec.settings)):
            raise ChannelError(
                f"channel {channel_id}: these are no settings of {self.spec.title}", key="kind"
            )
        check_bot(settings)
        self._settings = settings
        self._username = settings.username
        self._reader = Reader(
            self.updates,
            Reading(
                bot_id=settings.bot_id(), groups=settings.groups, country=settings.default_country.upper()
            ),
        )

    @classmethod
    def for_reading(cls) -> Self:
        token = Secret(cls.made_up_token.format(secrets.token_urlsafe(24)))
        return cls(cls.spec.kind, msgspec.convert({"kind": cls.spec.kind, "token": token}, cls.spec.settings))

    # --- what comes in ------------------------------------------------------------------------------

    def verify(self, request: HookRequest) -> Verified | Rejected:
        secret = self._settings.secret
        if self._settings.mode != "webhook" or secret is None:
            return Rejected("this channel polls: it takes no webhooks")
        given = request.headers.get(self.secret_header, "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.reveal().encode()):
            return Rejected("the secret token is wrong" if given else "there is no secret token")
        return Verified()

    def parse(self, request: HookRequest) -> list[InboundEvent]:
        return self._reader.events(request.body)

    async def complete(self, events: list[InboundEvent]) -> list[InboundEvent]:
        return await self._parts.fetcher.complete(events) if self._parts is not None else events

    # --- beginning and end --------------------------------------------------------------------------

    def _assemble(self, host: Host) -> Parts:
        """Everything of a run, not opened yet."""
        settings, can = self._settings, self.spec.capabilities
        api = self.api(settings)
        fetcher = Fetcher(api, api.platform, api.locate, self.download_max, DOWNLOADS)
        listener: Listener
        if settings.mode == "webhook":
            listener = WebhookKeeper(self.webhook, api, host, self.waits, settings)
        else:
            parse = self._reader.events
            listener = Poller(
                self.polling, api, host, self.waits, settings, fetcher, parse, at_once=DOWNLOADS
            )
        pace = Pace(can.pace_per_s, self.per_chat_s)
        return Parts(api, fetcher, Sender(self.outgoing, can, api, host, settings, pace), listener)

    async def start(self, host: Host) -> None:
        await super().start(host)
        host.report(ChannelHealth(state="starting"))
        parts = self._assemble(host)
        try:
            await parts.api.open()
        except OSError as error:  # ssl.SSLError is one
            detail = f"ca_file cannot be used: {error.strerror or type(error).__name__}"
            host.report(ChannelHealth(state="failed", detail=detail))
            return
        self._parts = parts
        self._tasks = tuple(
            asyncio.create_task(work, name=f"{self.spec.kind} {self.id}")
            for work in (parts.listener.run(), self._learn_name(parts.api))
        )

    async def _learn_name(self, api: Api) -> None:
        """What the bot is called, for links that lead to it; asked until the platform says it."""
        while not self._username:
            with contextlib.suppress(UnreachedError):
                answer = await api.call(self.myself.method)
                if answer.ok:
                    self._username = text_at(answer.result(), self.myself.username, USERNAME_MAX)
            await asyncio.sleep(0 if self._username else self.waits.longest)

    async def stop(self) -> None:
        tasks, self._tasks = self._tasks, ()
        for task in tasks:
            while not task.done():
                # Again and again: aiohttp takes a cancellation at the moment of its own time-out for that.
                task.cancel()
                await asyncio.wait({task}, timeout=0.2)
        parts, self._parts = self._parts, None
        if parts is not None:
            await parts.api.close()
            self.host.report(ChannelHealth(state="stopped"))

    # --- what goes out ------------------------------------------------------------------------------

    async def send(self, message: Outbound) -> SendResult:
        if self._parts is None:
            return Retry("the channel is not running")
        result, blocked = await self._parts.sender.send(message)
        if blocked and message.thread in ("", message.to):
            await self._note_blocked(message)
        if isinstance(result, BadCredentials):
            self.host.report(ChannelHealth(state="bad_credentials", detail=result.reason))
        return result

    async def _note_blocked(self, message: Outbound) -> None:
        """Platforms tell of a block when it happens, but not of one from before we listened."""
        event = InboundEvent(
            kind="blocked",
            dedupe_key=f"refused:{message.key}:{self.host.now()}",
            sender=Writer(external_id=message.to),
            thread=message.to,
        )
        try:
            await self.host.submit([Delivery(dedupe_key=event.dedupe_key, raw=b"", event=event)])
        except HostUnavailableError as error:
            self.host.log.warning("a block is not noted", reason=str(error))

    def continue_link(self, token: str) -> str | None:
        return self.start_link.format(name=self._username, token=token) if self._username else None

    async def probe(self) -> list[ProbeResult]:
        return await probe(self.myself, self.webhook, self.api(self._settings), self._settings, self.id)
