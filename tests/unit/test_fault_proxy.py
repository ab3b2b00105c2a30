"""The fault proxy does what it is told, on real sockets."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from tests.fakes.fault_proxy import FaultProxy

LONG = bytes(range(256)) * 400  # 100 KB
A_WHILE = 0.15


class Echo:
    """Sends back what it gets; `heard` is all of it, `broken` how often it was told that a link broke."""

    def __init__(self) -> None:
        self.heard = b""
        self.broken = 0
        self.ended = 0
        self.port = 0

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while piece := await reader.read(65536):
                self.heard += piece
                writer.write(piece)
                await writer.drain()
            self.ended += 1
        except OSError:
            self.broken += 1
        finally:
            writer.close()


@pytest.fixture
async def echo() -> AsyncIterator[Echo]:
    made = Echo()
    server = await asyncio.start_server(made.talk, "127.0.0.1", 0)
    made.port = server.sockets[0].getsockname()[1]
    yield made
    server.close()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[FaultProxy]:
    async with FaultProxy("127.0.0.1", echo.port) as made:
        yield made


@contextlib.asynccontextmanager
async def link(proxy: FaultProxy) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    async with asyncio.timeout(10):
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        try:
            yield reader, writer
        finally:
            writer.close()


async def nothing_comes(reader: asyncio.StreamReader) -> bool:
    try:
        async with asyncio.timeout(A_WHILE):
            await reader.read(1)
    except TimeoutError:
        return True
    return False


async def took(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, sent: bytes) -> float:
    """Seconds for an echo, by the loop's own clock."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    writer.write(sent)
    assert await reader.readexactly(len(sent)) == sent
    return loop.time() - began


async def test_without_a_fault_everything_passes_and_the_end_is_told(proxy: FaultProxy, echo: Echo) -> None:
    async with link(proxy) as (reader, writer):
        writer.write(LONG)
        writer.write_eof()
        assert await reader.read(-1) == LONG
    assert (echo.heard, echo.ended, echo.broken) == (LONG, 1, 0)


@pytest.mark.parametrize("way", ["up", "down"])
async def test_latency_and_jitter_delay_one_direction(proxy: FaultProxy, way: str) -> None:
    async with link(proxy) as (reader, writer):
        direction = getattr(proxy, way)
        direction.latency_s, direction.jitter_s = 0.2, 0.05
        assert await took(reader, writer, b"slow") >= 0.2
        proxy.heal()
        assert await took(reader, writer, b"again") > 0


async def test_a_limit_of_bandwidth(proxy: FaultProxy) -> None:
    async with link(proxy) as (reader, writer):
        proxy.down.bytes_per_s = 50_000
        assert await took(reader, writer, LONG[:10_000]) >= 0.15


@pytest.mark.parametrize("way", ["up", "down"])
async def test_a_stall_holds_the_bytes_and_loses_none(proxy: FaultProxy, way: str, echo: Echo) -> None:
    async with link(proxy) as (reader, writer):
        direction = getattr(proxy, way)
        direction.stalled = True
        writer.write(b"held")
        assert await nothing_comes(reader)
        assert echo.heard == (b"" if way == "up" else b"held")
        direction.stalled = False
        assert await reader.readexactly(4) == b"held"


async def test_a_reset_breaks_both_ends(proxy: FaultProxy, echo: Echo) -> None:
    async with link(proxy) as (reader, writer):
        await took(reader, writer, b"hello")
        assert proxy.reset() == 2
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
        while not echo.broken:  # noqa: ASYNC110 - the kernel tells the other end in its own time
            await asyncio.sleep(0.01)
    async with link(proxy) as (reader, writer):
        await took(reader, writer, b"a new one works")


@pytest.mark.parametrize("way", ["up", "down"])
@pytest.mark.parametrize("count", [1, 1000, 70_000])
async def test_a_cut_after_so_many_bytes(proxy: FaultProxy, way: str, count: int, echo: Echo) -> None:
    async with link(proxy) as (reader, writer):
        direction = getattr(proxy, way)
        direction.cut_after = count
        writer.write(LONG)
        with pytest.raises(ConnectionResetError):
            while await reader.read(4096):
                pass
    assert direction.cuts == 1
    if way == "up":
        assert LONG[:count].startswith(echo.heard)
    assert direction.cut_after is None
    async with link(proxy) as (reader, writer):
        await took(reader, writer, LONG)  # once: the next connection is whole


async def test_refused_connections_and_the_port_is_kept(proxy: FaultProxy) -> None:
    async with link(proxy) as (reader, writer):
        port = proxy.port
        await proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
        await took(reader, writer, b"the old one goes on")
        await proxy.accept()
        assert proxy.port == port
    async with link(proxy) as (reader, writer):
        await took(reader, writer, b"and a new one")


async def test_half_open_swallows_bytes_and_the_end(proxy: FaultProxy, echo: Echo) -> None:
    async with link(proxy) as (reader, writer):
        await took(reader, writer, b"before")
        proxy.up.swallow = True
        writer.write(b"into the void")
        writer.write_eof()
        assert await nothing_comes(reader)
        assert (echo.heard, echo.ended, echo.broken) == (b"before", 0, 0)


async def test_a_server_that_is_away_is_told_as_a_broken_link(echo: Echo) -> None:
    async with FaultProxy("127.0.0.1", lambda: 1) as proxy, link(proxy) as (reader, _):
        with pytest.raises(ConnectionResetError):
            await reader.read(1)
