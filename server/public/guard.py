"""Connections that hold a place without using it are closed.

aiohttp limits neither the time to send a header nor the pace of a body, and takes any number of
connections. A `GuardedConnection` stands between the transport and aiohttp's protocol: it passes
everything on, counts connections, and runs one timer for what the peer owes us now. It sees where a
request's header ends through the middleware `Guard.middleware`, and where its body ends from the
request's stream.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable

from aiohttp import StreamReader, web
from aiohttp.typedefs import Handler, Middleware

from server.public.counters import Counters
from server.public.limits import Places
from server.public.proxies import Proxies, group, parse_address
from server.settings import PublicLimits

MakeProtocol = Callable[[], asyncio.Protocol]


class Guard:
    """What all guarded connections share: the limits, the places and the counters."""

    def __init__(self, limits: PublicLimits, proxies: Proxies, counters: Counters) -> None:
        self.limits = limits
        self.proxies = proxies
        self.counters = counters
        self.places = Places(limits.connections_per_address, limits.connections)

    def wrap(self, make: MakeProtocol) -> MakeProtocol:
        """The protocol factory for `loop.create_server`, around that of aiohttp."""
        return lambda: GuardedConnection(self, make)

    @property
    def middleware(self) -> Middleware:
        """Outermost middleware of the application: the header is complete, the answer is ready."""

        @web.middleware
        async def guarded(request: web.Request, handler: Handler) -> web.StreamResponse:
            transport = request.transport
            connection = transport.get_protocol() if transport is not None else None
            if not isinstance(connection, GuardedConnection):
                return await handler(request)
            connection.request_begins(request.content)
            try:
                return await handler(request)
            finally:
                connection.request_ends()

        return guarded


class GuardedConnection(asyncio.Protocol):
    """One connection. Owes a header after connecting and after the first byte of each next request, and
    owes a body at a pace once its header said that there is one."""

    def __init__(self, guard: Guard, make: MakeProtocol) -> None:
        self._guard = guard
        self._make = make
        self._loop = asyncio.get_running_loop()
        self._inner: asyncio.Protocol | None = None
        self._transport: asyncio.Transport | None = None
        self._group = ""
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None
        self._serving = False
        self._body: StreamReader | None = None
        self._received = 0
        self._ahead = False  # bytes of a next request came while one was being served

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(f"a stream transport is wanted, not {type(transport).__name__}")
        peer = str((transport.get_extra_info("peername") or ("",))[0])
        address = parse_address(peer)
        guard = self._guard
        self._group = group(peer)
        exempt = address is not None and guard.proxies.trusts(address)
        if not guard.places.enter(self._group, exempt=exempt):
            guard.counters.add("crowded")
            transport.abort()
            return
        own = transport.get_extra_info("socket")
        if own is not None and own.family in (socket.AF_INET, socket.AF_INET6):
            # A peer that vanished without a word is noticed even while nothing is read from it.
            patience = int(guard.limits.stalled_write_seconds * 1000)
            own.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, patience)
        self._transport = transport
        self._inner = self._make()
        self._inner.connection_made(transport)
        self._owe_header()

    def connection_lost(self, error: Exception | None) -> None:
        self._stop_timer()
        if self._write_timer is not None:
            self._write_timer.cancel()
        if self._inner is not None:
            self._guard.places.leave(self._group)
            self._inner.connection_lost(error)
        self._inner = self._transport = self._body = None

    def data_received(self, data: bytes) -> None:
        if self._inner is None:
            return
        if self._body is not None and not self._body.is_eof():
            self._received += len(data)
        elif self._serving:
            self._ahead = True
        elif self._timer is None:
            self._owe_header()
        self._inner.data_received(data)

    def eof_received(self) -> bool | None:
        return self._inner.eof_received() if self._inner is not None else None

    def pause_writing(self) -> None:
        if self._inner is not None:
            self._inner.pause_writing()
            self._write_timer = self._loop.call_later(
                self._guard.limits.stalled_write_seconds, self._close, "slow"
            )

    def resume_writing(self) -> None:
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None
        if self._inner is not None:
            self._inner.resume_writing()

    # --- told by the middleware -------------------------------------------------------------------

    def request_begins(self, body: StreamReader) -> None:
        self._serving = True
        self._ahead = False
        self._stop_timer()
        self._body = body
        self._received = 0
        if not body.is_eof() and self._transport is not None:
            self._timer = self._loop.call_later(self._guard.limits.body_grace_seconds, self._judge_body)

    def request_ends(self) -> None:
        self._serving = False
        if self._transport is None:
            return
        if self._body is not None and self._body.is_eof():
            self._stop_timer()
            if self._ahead:
                self._owe_header()

    # --- the timer --------------------------------------------------------------------------------

    def _owe_header(self) -> None:
        self._timer = self._loop.call_later(self._guard.limits.header_seconds, self._close, "slow")

    def _judge_body(self) -> None:
        """Once per grace period: did as much come as the pace asks for?"""
        self._timer = None
        if self._body is None or self._body.is_eof() or self._transport is None:
            return
        limits = self._guard.limits
        # Where we paused the reading ourselves, the peer cannot be blamed.
        owed = limits.body_bytes_per_second * limits.body_grace_seconds
        if self._received < owed and self._transport.is_reading():
            self._close("slow")
            return
        self._received = 0
        self._timer = self._loop.call_later(limits.body_grace_seconds, self._judge_body)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _close(self, why: str) -> None:
        self._guard.counters.add(why)
        if self._transport is not None:
            self._transport.abort()
