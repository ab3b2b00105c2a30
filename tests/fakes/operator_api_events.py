"""The event stream of the fake operator API: welcome, what was missed, what happens, and a heartbeat."""

from __future__ import annotations

import asyncio

import msgspec
from aiohttp import web

from server import protocol as wire
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_api_wire import RefusalError, send_frame

HEARTBEAT_S = 0.5


class Events:
    def __init__(self, server: FakeServer) -> None:
        self._server = server

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/v1/events", self._events)]

    async def _events(self, request: web.Request) -> web.StreamResponse:
        server = self._server
        if server.refuse_events:
            raise RefusalError(503, "unavailable", "not now")
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        subscribe = msgspec.json.decode((await socket.receive()).data, type=wire.Subscribe)
        async with server.sending:
            await send_frame(socket, wire.Envelope(type="welcome", seq=server.seq))
            if subscribe.resume is not None:
                await self._resume(socket, subscribe.resume)
            server.listeners.add(socket)
        beat = asyncio.create_task(self._heart(socket))
        try:
            async for _frame in socket:
                pass
        finally:
            beat.cancel()
            server.listeners.discard(socket)
        return socket

    async def _resume(self, socket: web.WebSocketResponse, heard: int) -> None:
        server = self._server
        if heard < server.log_from:
            await send_frame(socket, wire.Envelope(type="reset", seq=server.seq))
            return
        for envelope in server.log:
            if envelope.seq > heard:
                await send_frame(socket, envelope)

    async def _heart(self, socket: web.WebSocketResponse) -> None:
        server = self._server
        while not socket.closed:
            await asyncio.sleep(HEARTBEAT_S)
            async with server.sending:
                if not server.silent:
                    await send_frame(socket, wire.Envelope(type="heartbeat", seq=server.seq))
