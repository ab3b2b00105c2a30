"""The shell of a messenger's channel: what it starts and stops, and how it hands things on."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Coroutine
from typing import Any, ClassVar

import msgspec

from channels.base import (
    BadCredentials,
    Channel,
    ChannelHealth,
    Delivery,
    Host,
    HostUnavailableError,
    InboundEvent,
    Outbound,
    Retry,
    SendResult,
)
from channels.base import Sender as Writer
from channels.messenger.fetch import Fetcher
from channels.messenger.link import Link
from channels.messenger.listening import Listener, Waits
from channels.messenger.sending import Sender


class Parts(msgspec.Struct, frozen=True):
    """What a running channel works with."""

    link: Link
    fetcher: Fetcher
    sender: Sender
    listener: Listener


class MessengerChannel(Channel):
    waits: ClassVar[Waits] = Waits()

    _parts: Parts | None = None
    _tasks: tuple[asyncio.Task[None], ...] = ()

    @abstractmethod
    def assemble(self, host: Host) -> Parts:
        """Everything of a run, not opened yet."""

    def besides(self, parts: Parts) -> list[Coroutine[Any, Any, None]]:
        """What runs beside the listener."""
        return []

    async def start(self, host: Host) -> None:
        await super().start(host)
        host.report(ChannelHealth(state="starting"))
        parts = self.assemble(host)
        try:
            await parts.link.open()
        except OSError as error:  # ssl.SSLError is one
            detail = f"ca_file cannot be used: {error.strerror or type(error).__name__}"
            host.report(ChannelHealth(state="failed", detail=detail))
            return
        self._parts = parts
        self._tasks = tuple(
            asyncio.create_task(work, name=f"{self.spec.kind} {self.id}")
            for work in (parts.listener.run(), *self.besides(parts))
        )

    async def stop(self) -> None:
        tasks, self._tasks = self._tasks, ()
        for task in tasks:
            while not task.done():
                # Again and again: aiohttp takes a cancellation at the moment of its own time-out for that.
                task.cancel()
                await asyncio.wait({task}, timeout=0.2)
        parts, self._parts = self._parts, None
        if parts is not None:
            await parts.link.close()
            self.host.report(ChannelHealth(state="stopped"))

    async def complete(self, events: list[InboundEvent]) -> list[InboundEvent]:
        return await self._parts.fetcher.complete(events) if self._parts is not None else events

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
