"""The site chat as a channel: it hears by the widget's API, and speaks by what the thread shows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from channels.base import (
    Capabilities,
    Channel,
    ChannelError,
    ChannelHealth,
    ChannelSettings,
    ChannelSpec,
    Host,
    HostUnavailableError,
    Outbound,
    ProbeResult,
    Route,
    SendResult,
    Sent,
)
from channels.webchat import incoming, session
from channels.webchat.api import WidgetApi
from channels.webchat.page import static_routes
from channels.webchat.settings import WebchatSettings, check


class WebchatChannel(Channel):
    spec: ClassVar[ChannelSpec] = ChannelSpec(
        kind="webchat",
        title="Site chat",
        mark="w",
        scheme="webchat",
        shared_scheme=False,
        settings=WebchatSettings,
        capabilities=Capabilities(
            medium="chat",
            text_max=incoming.TEXT_MAX,
            files_max=10,
            file_bytes_max=20 * 1024 * 1024,
            read_receipts=True,
            idempotent=True,
            continue_links=True,
        ),
    )

    sweep_every_s: ClassVar[float] = 3600.0

    def __init__(self, channel_id: str, settings: ChannelSettings) -> None:
        super().__init__(channel_id, settings)
        if not isinstance(settings, WebchatSettings):
            raise ChannelError(f"channel {channel_id}: these are no settings of a site chat", key="kind")
        check(channel_id, settings)
        self._settings = settings
        self._api = WidgetApi(channel_id, settings)
        self._sweeping: asyncio.Task[None] | None = None

    async def start(self, host: Host) -> None:
        await super().start(host)
        self._api.open(host)
        self._sweeping = asyncio.create_task(self._sweep(host), name=f"webchat {self.id} sweep")
        host.report(ChannelHealth(state="connected"))

    async def _sweep(self, host: Host) -> None:
        """Forget sessions that have run out: nobody comes back with them."""
        while True:
            try:
                await session.sweep(host)
            except HostUnavailableError as error:
                host.log.warning("sweeping sessions waits for the store", reason=str(error))
            except Exception:
                host.log.exception("sweeping sessions stumbled")
            await asyncio.sleep(self.sweep_every_s)

    async def stop(self) -> None:
        sweeping, self._sweeping = self._sweeping, None
        if sweeping is not None:
            sweeping.cancel()
            await asyncio.gather(sweeping, return_exceptions=True)
        if await self._api.stop():
            self.host.report(ChannelHealth(state="stopped"))

    def continue_link(self, token: str) -> str | None:
        # In the fragment: no server and no log sees it, and the widget takes it out at once.
        page = self._settings.page_url or f"{self._settings.origins[0]}/"
        return f"{page}#omni-chat={token}"

    def name_message(self, conversation_id: int, message_id: int) -> str | None:
        return f"m{message_id}"

    def routes(self) -> Sequence[Route]:
        return [*static_routes(self._api.config, self._settings.origins), *self._api.routes()]

    async def send(self, message: Outbound) -> SendResult:
        # The visitor's window reads the thread itself: what the server has stored has arrived with us.
        return Sent(remote_id=message.remote_id or f"m{message.message_id}")

    async def probe(self) -> list[ProbeResult]:
        return [
            ProbeResult(
                name="origins",
                ok=True,
                detail=f"the widget may stand on {', '.join(self._settings.origins)}",
            )
        ]
