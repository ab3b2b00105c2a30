"""Somebody who reaches the operator API over TCP, with a token or without."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import msgspec

from server.protocol import Envelope, ErrorAnswer, ErrorBody, NewToken, Scope, Subscribe, TokenMade
from server.store import tokens
from tests.fakes.running_server import Running


async def new_token(
    run: Running, login: str = "olga", scope: Scope = "write", expires_in_s: int | None = None
) -> TokenMade:
    new = NewToken(scope=scope, expires_in_s=expires_in_s)
    return await run.server.database.write(lambda tx: tokens.add(tx, login, new))


class Stream:
    """The event stream; `bye()` reads up to its end."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self) -> Envelope:
        async with asyncio.timeout(10):
            return msgspec.json.decode(await self.socket.receive_str(), type=Envelope)

    async def bye(self) -> Envelope:
        """The last frame; the server hangs up after it."""
        async with asyncio.timeout(10):
            while (envelope := await self.next()).type != "bye":
                pass
            end = await self.socket.receive()
        assert end.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED), end
        return envelope


class Distant:
    """A program with one token. `headers` go with every request."""

    def __init__(self, run: Running, token: str = "", tls: ssl.SSLContext | None = None) -> None:
        assert run.server.api is not None
        self.url = run.server.api.url
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._tls: Any = tls or True

    async def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Any = None
    ) -> tuple[int, bytes, Any]:
        """(status, body, headers)"""
        given = self.headers if headers is None else headers
        async with (
            aiohttp.ClientSession() as session,
            session.request(method, self.url + path, data=body, headers=given, ssl=self._tls) as answer,
        ):
            return answer.status, await answer.read(), answer.headers

    async def refusal(
        self, method: str, path: str, body: bytes | None = None, headers: Any = None
    ) -> tuple[int, ErrorBody]:
        status, data, _ = await self.ask(method, path, body, headers)
        assert status >= 400, data
        return status, msgspec.json.decode(data, type=ErrorAnswer).error

    @contextlib.asynccontextmanager
    async def stream(self, first: Subscribe | None = None) -> AsyncIterator[Stream]:
        """Connected, with the first frame sent."""
        async with (
            aiohttp.ClientSession() as session,
            session.ws_connect(self.url + "/v1/events", headers=self.headers, ssl=self._tls) as socket,
        ):
            stream = Stream(socket)
            await socket.send_str(msgspec.json.encode(first or Subscribe()).decode())
            yield stream
