"""A public door on a free port, with a channel that says what it was asked to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ClassVar

from aiohttp import web

from channels.base import (
    Capabilities,
    Channel,
    ChannelSettings,
    ChannelSpec,
    HookRequest,
    InboundEvent,
    Outbound,
    Rejected,
    Route,
    Sender,
    SendResult,
    Sent,
    Verified,
)
from channels.testkit import MemoryHost
from server.public.app import create_public_app
from server.public.counters import Counters
from server.public.listen import PublicServer
from server.settings import PublicLimits, PublicSettings


class EchoChannel(Channel):
    """Believes requests with `x-sign: good`; each line of a body is an event, "boom" is a fault."""

    spec: ClassVar[ChannelSpec] = ChannelSpec(
        kind="echo",
        title="Echo",
        mark="e",
        scheme="echo",
        shared_scheme=False,
        settings=ChannelSettings,
        capabilities=Capabilities(),
        takes_hooks=True,
    )

    def __init__(self, channel_id: str = "main") -> None:
        super().__init__(channel_id, ChannelSettings(kind="echo"))
        self.seen: list[HookRequest] = []
        self.streaming = 0
        self.flooded = asyncio.Event()
        self.sent_status = 200

    def verify(self, request: HookRequest) -> Verified | Rejected:
        return Verified() if request.headers.get("x-sign") == "good" else Rejected("wrong signature")

    def parse(self, request: HookRequest) -> list[InboundEvent]:
        self.seen.append(request)
        lines = request.body.decode().splitlines()
        if "boom" in lines:
            raise KeyError("boom")
        return [
            InboundEvent(kind="message", dedupe_key=line, sender=Sender(external_id="1"), text=line)
            for line in lines
        ]

    def answer(self, request: HookRequest) -> tuple[int, str]:
        if request.body == b"no answer":
            raise KeyError("answer")
        return self.sent_status, "thanks"

    def routes(self) -> Sequence[Route]:
        return (
            Route(method="GET", path="/who", handler=self._who),
            Route(method="POST", path="/up", handler=self._up, body_max=1000),
            Route(method="POST", path="/visitor", handler=self._who, per_minute=2),
            Route(method="GET", path="/fault", handler=self._fault),
            Route(method="GET", path="/no", handler=self._no),
            Route(method="GET", path="/events", handler=self._events, streams=True),
            Route(method="GET", path="/flood", handler=self._flood),
        )

    async def send(self, message: Outbound) -> SendResult:
        return Sent()

    async def _who(self, request: web.Request) -> web.Response:
        return web.Response(text=request.remote, headers={"Cache-Control": "max-age=60"})

    async def _up(self, request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    async def _fault(self, request: web.Request) -> web.Response:
        raise RuntimeError("a secret detail")

    async def _no(self, request: web.Request) -> web.Response:
        raise web.HTTPNotFound(text="no such chat")

    async def _events(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await response.prepare(request)
        await response.write(b": hello\n\n")
        self.streaming += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.streaming -= 1
        return response

    async def _flood(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b"x" * 65536)
        finally:
            self.flooded.set()


@dataclass
class Door:
    port: int
    channel: EchoChannel
    host: MemoryHost
    counters: Counters
    trouble: str = ""
    now: float = 1000.0
    url: str = field(init=False)

    def __post_init__(self) -> None:
        self.url = f"http://127.0.0.1:{self.port}"


@asynccontextmanager
async def open_door(
    trusted: tuple[str, ...] = (), patience: float = 0.2, **limits: Any
) -> AsyncIterator[Door]:
    """A served door; `limits` override the defaults of PublicLimits. Its clock moves only by hand."""
    settings = PublicSettings(listen="127.0.0.1:0", trusted_proxies=trusted, limits=PublicLimits(**limits))
    channel = EchoChannel()
    host = MemoryHost("main")
    door = Door(port=0, channel=channel, host=host, counters=Counters())
    app = create_public_app(
        settings,
        {"main": channel},
        {"main": host},
        door.counters,
        clock=lambda: door.now,
        trouble=lambda: door.trouble,
    )
    server = PublicServer(app, settings, patience)
    await server.start()
    door.port = server.port
    door.url = server.url
    try:
        yield door
    finally:
        await server.stop()
