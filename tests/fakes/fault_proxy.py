"""A TCP proxy on loopback that does harm on demand, while it runs.

async with FaultProxy("127.0.0.1", port) as proxy:
    proxy.down.latency_s = 0.2      # per direction: `up` is to the server, `down` to the client
    proxy.up.cut_after = 100        # 100 bytes more, then the connection they are on is reset
    proxy.reset()                   # RST on every connection that is open now
    await proxy.refuse()            # ECONNREFUSED for new ones, until `accept()`
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Self

HOST = "127.0.0.1"
CHUNK = 16 * 1024
SLICE_S = 0.02  # how often a limited direction writes


@dataclass
class Direction:
    """What is done to the bytes of one direction, of all connections; each may be changed at any time."""

    latency_s: float = 0.0  # before each piece is passed on
    jitter_s: float = 0.0  # up to that much more, at random
    bytes_per_s: float = 0.0  # 0: no limit
    cut_after: int | None = None  # bytes until the connection is reset; once, then None again
    swallow: bool = False  # read and thrown away, and the end is not told: half-open
    cuts: int = 0  # how often `cut_after` came true
    _flows: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._flows.set()

    @property
    def stalled(self) -> bool:
        return not self._flows.is_set()

    @stalled.setter
    def stalled(self, value: bool) -> None:
        """Bytes are held back, and passed on when it is False again."""
        if value:
            self._flows.clear()
        else:
            self._flows.set()

    def heal(self) -> None:
        self.latency_s = self.jitter_s = self.bytes_per_s = 0.0
        self.cut_after = None
        self.swallow = self.stalled = False

    async def flowing(self) -> None:
        await self._flows.wait()


class _CutError(Exception):
    """The bytes of `cut_after` have been passed on."""


class FaultProxy:
    """Forwards to (host, port); `port` is its own. `to` may be a function where the port is known later."""

    def __init__(self, host: str, to: int | Callable[[], int], seed: int = 0) -> None:
        self.up = Direction()
        self.down = Direction()
        self.port = 0
        self.connections = 0  # accepted so far
        self._host = host
        self._to = to if callable(to) else lambda: to
        self._chance = random.Random(seed)
        self._server: asyncio.Server | None = None
        self._reserved: socket.socket | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self.accept()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.reset()

    async def accept(self) -> None:
        if self._server is None:
            listening, self._reserved = self._reserved or self._bound(), None
            self.port = listening.getsockname()[1]
            self._server = await asyncio.start_server(self._begin, sock=listening)

    async def refuse(self) -> None:
        """Connections that are open stay open."""
        if self._server is not None:
            await self._close()
            self._reserved = (
                self._bound()
            )  # bound and not listening: the kernel refuses, nobody takes the port

    def reset(self) -> int:
        """RST on every open connection, at both ends; how many ends there were."""
        ends = list(self._open)
        for writer in ends:
            _abort(writer)
        return len(ends)

    def heal(self) -> None:
        self.up.heal()
        self.down.heal()

    def _bound(self) -> socket.socket:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((HOST, self.port))
        return made

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        if self._reserved is not None:
            self._reserved.close()
            self._reserved = None

    def _begin(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.create_task(self._connection(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        ends = [writer]
        try:
            far_reader, far_writer = await asyncio.open_connection(self._host, self._to())
            ends.append(far_writer)
            self._open.add(far_writer)
            async with asyncio.TaskGroup() as both:
                both.create_task(self._pass_on(reader, far_writer, self.up))
                both.create_task(self._pass_on(far_reader, writer, self.down))
            for end in ends:
                end.close()
        except* (OSError, _CutError):
            # One end is gone or was cut: the other is told in the same rude way.
            for end in ends:
                _abort(end)
        finally:
            self._open.difference_update(ends)

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, way: Direction
    ) -> None:
        while piece := await reader.read(CHUNK):
            if way.latency_s or way.jitter_s:
                await asyncio.sleep(way.latency_s + self._chance.uniform(0.0, way.jitter_s))
            await way.flowing()
            while piece:
                if way.swallow:
                    break
                now, piece = self._next_slice(piece, way)
                writer.write(now)
                await writer.drain()
                if way.cut_after is not None:
                    way.cut_after -= len(now)
                    if way.cut_after <= 0:
                        way.cut_after = None
                        way.cuts += 1
                        raise _CutError
                if way.bytes_per_s:
                    await asyncio.sleep(len(now) / way.bytes_per_s)
        await way.flowing()
        if way.swallow:
            await (
                asyncio.Event().wait()
            )  # the other end is never told; `reset` or the end of the proxy ends it
        with contextlib.suppress(OSError):
            writer.write_eof()

    def _next_slice(self, piece: bytes, way: Direction) -> tuple[bytes, bytes]:
        size = len(piece)
        if way.bytes_per_s:
            size = max(1, min(size, int(way.bytes_per_s * SLICE_S)))
        if way.cut_after is not None:
            size = max(0, min(size, way.cut_after))
        return piece[:size], piece[size:]


def _abort(writer: asyncio.StreamWriter) -> None:
    """Close with RST: what is on its way is lost, and the other end is told that something broke."""
    with contextlib.suppress(OSError):
        writer.get_extra_info("socket").setsockopt(
            socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)
        )
    writer.transport.abort()
