"""The Telegram channel: the shell around the modules beside it."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import secrets
from collections.abc import Coroutine
from typing import Any, ClassVar, Final

from channels.base import (
    Capabilities,
    ChannelError,
    ChannelSettings,
    ChannelSpec,
    HookRequest,
    Host,
    InboundEvent,
    ProbeResult,
    Rejected,
    Verified,
)
from channels.json_input import string, table
from channels.messenger.channel import MessengerChannel, Parts
from channels.messenger.fetch import Fetcher
from channels.messenger.link import UnreachedError
from channels.messenger.listening import Listener
from channels.secret import Secret
from channels.telegram.api import Api
from channels.telegram.listen import Poller, Webhook
from channels.telegram.outgoing import GROUP_MAX, PER_CHAT_S, PER_SECOND, TEXT_MAX, UPLOAD_MAX, Sender
from channels.telegram.parse import Reading, parse_update
from channels.telegram.probe import probe
from channels.telegram.settings import TelegramSettings, bot_id, check

SECRET_HEADER: Final = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name
DOWNLOAD_MAX: Final = 20 * 1024 * 1024
DOWNLOADS: Final = 4  # at the same time: each may hold DOWNLOAD_MAX in memory


class TelegramChannel(MessengerChannel):
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
        self._username = settings.username

    @classmethod
    def for_reading(cls) -> TelegramChannel:
        made_up = f"0:{secrets.token_urlsafe(24)}"
        return cls("telegram", TelegramSettings(kind="telegram", token=Secret(made_up)))

    def assemble(self, host: Host) -> Parts:
        settings = self._settings
        api = Api(settings)
        fetcher = Fetcher(api, "Telegram", api.locate, DOWNLOAD_MAX, DOWNLOADS)
        listener: Listener
        if settings.mode == "webhook":
            listener = Webhook(api, host, settings, self.waits)
        else:
            listener = Poller(api, host, settings, self.waits, fetcher, self._reading, DOWNLOADS)
        return Parts(api, fetcher, Sender(api, host, settings, self.per_chat_s), listener)

    def besides(self, parts: Parts) -> list[Coroutine[Any, Any, None]]:
        return [] if self._username or not isinstance(parts.link, Api) else [self._learn_name(parts.link)]

    async def _learn_name(self, api: Api) -> None:
        """What the bot is called, for links that lead to it; asked until Telegram says it."""
        while not self._username:
            with contextlib.suppress(UnreachedError):
                answer = await api.call("getMe")
                if answer.ok:
                    self._username = string(table(answer.result()).get("username"), 64)
            await asyncio.sleep(0 if self._username else self.waits.longest)

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

    async def probe(self) -> list[ProbeResult]:
        return await probe(self._settings, self.id)
