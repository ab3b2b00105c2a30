"""The Telegram channel: the shell around the modules beside it."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from typing import ClassVar

from channels.base import (
    BadCredentials,
    Capabilities,
    Channel,
    ChannelError,
    ChannelHealth,
    ChannelSettings,
    ChannelSpec,
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
from channels.json_input import string, table
from channels.secret import Secret
from channels.telegram.api import Api, UnreachedError
from channels.telegram.const import GROUP_MAX, PER_CHAT_S, PER_SECOND, SECRET_HEADER, TEXT_MAX, UPLOAD_MAX
from channels.telegram.fetch import Fetcher
from channels.telegram.listen import Listener, Poller, Waits, Webhook
from channels.telegram.parse import Reading, parse_update
from channels.telegram.probe import probe
from channels.telegram.sender import Sender
from channels.telegram.settings import TelegramSettings, bot_id, check


class TelegramChannel(Channel):
    """One bot.

    An album comes as several updates. Each is committed, and so acknowledged, by itself; those of one
    album name the same `part_of`, and the server adds the later ones to the first one's message. To wait
    for the rest before answering cannot work: Telegram sends the updates of a chat one after the other,
    the next when the last was answered. To answer and then wait would lose what waits in a crash.
    """

    spec: ClassVar[ChannelSpec] = ChannelSpec(
        kind="telegram",
        title="Telegram",
        mark="t",
        scheme="telegram",
        shared_scheme=False,
        settings=TelegramSettings,
        capabilities=Capabilities(
            text_max=TEXT_MAX,
            text_unit="utf16",
            files_max=GROUP_MAX,
            file_bytes_max=UPLOAD_MAX,
            edit=False,
            reactions=False,
            continue_links=True,
            pace_per_s=PER_SECOND,
            send_timeout_s=600.0,
        ),
        takes_hooks=True,
    )
    waits: ClassVar[Waits] = Waits()
    per_chat_s: ClassVar[float] = PER_CHAT_S

    def __init__(self, channel_id: str, settings: ChannelSettings) -> None:
        super().__init__(channel_id, settings)
        if not isinstance(settings, TelegramSettings):
            raise ChannelError(f"channel {channel_id}: these are no settings of Telegram", key="kind")
        check(settings)
        self._settings = settings
        self._reading = Reading(
            bot_id=bot_id(settings), groups=settings.groups, country=settings.default_country.upper()
        )
        self._api: Api | None = None
        self._fetcher: Fetcher | None = None
        self._sender: Sender | None = None
        self._username = settings.username
        self._listening: asyncio.Task[None] | None = None
        self._naming: asyncio.Task[None] | None = None

    @classmethod
    def for_reading(cls) -> TelegramChannel:
        made_up = f"0:{secrets.token_urlsafe(24)}"
        return cls("telegram", TelegramSettings(kind="telegram", token=Secret(made_up)))

    async def start(self, host: Host) -> None:
        await super().start(host)
        host.report(ChannelHealth(state="starting"))
        api = Api(self._settings)
        try:
            await api.open()
        except OSError as error:  # ssl.SSLError is one
            detail = f"ca_file cannot be used: {error.strerror or type(error).__name__}"
            host.report(ChannelHealth(state="failed", detail=detail))
            return
        self._api = api
        self._fetcher = Fetcher(api)
        self._sender = Sender(api, host, self._settings, self.per_chat_s)
        listener: Listener
        if self._settings.mode == "webhook":
            listener = Webhook(api, host, self._settings, self.waits)
        else:
            listener = Poller(api, host, self._settings, self.waits, self._fetcher, self._reading)
        self._listening = asyncio.create_task(listener.run(), name=f"telegram {self.id}")
        if not self._username:
            self._naming = asyncio.create_task(self._learn_name(api), name=f"telegram {self.id} name")

    async def _learn_name(self, api: Api) -> None:
        """What the bot is called, for links that lead to it; asked until Telegram says it."""
        while not self._username:
            with contextlib.suppress(UnreachedError):
                answer = await api.call("getMe")
                if answer.ok:
                    self._username = string(table(answer.result()).get("username"), 64)
            await asyncio.sleep(0 if self._username else self.waits.longest)

    async def stop(self) -> None:
        tasks = [task for task in (self._listening, self._naming) if task is not None]
        self._listening = self._naming = None
        for task in tasks:
            while not task.done():
                # Again and again: aiohttp takes a cancellation at the moment of its own time-out for that.
                task.cancel()
                await asyncio.wait({task}, timeout=0.2)
        api, self._api = self._api, None
        self._fetcher = self._sender = None
        if api is not None:
            await api.close()
            self.host.report(ChannelHealth(state="stopped"))

    def verify(self, request: HookRequest) -> Verified | Rejected:
        secret = self._settings.secret
        if self._settings.mode != "webhook" or secret is None:
            return Rejected("this channel polls: it takes no webhooks")
        given = request.headers.get(SECRET_HEADER, "")
        if not hmac.compare_digest(given.encode("utf-8", "surrogateescape"), secret.reveal().encode()):
            return Rejected("the secret token is wrong" if given else "there is no secret token")
        return Verified()

    def parse(self, request: HookRequest) -> list[InboundEvent]:
        return parse_update(request.body, self._reading)

    def continue_link(self, token: str) -> str | None:
        return f"https://t.me/{self._username}?start={token}" if self._username else None

    async def complete(self, events: list[InboundEvent]) -> list[InboundEvent]:
        return await self._fetcher.complete(events) if self._fetcher is not None else events

    async def send(self, message: Outbound) -> SendResult:
        if self._sender is None:
            return Retry("the channel is not running")
        result, blocked = await self._sender.send(message)
        if blocked and message.thread in ("", message.to):
            await self._note_blocked(message)
        if isinstance(result, BadCredentials):
            self.host.report(ChannelHealth(state="bad_credentials", detail=result.reason))
        return result

    async def _note_blocked(self, message: Outbound) -> None:
        """Telegram tells of a block when it happens, but not of one from before we listened."""
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

    async def probe(self) -> list[ProbeResult]:
        return await probe(self._settings, self.id)
