"""Connections that hold a place without using it are closed; others are not. Limits are small here."""

from __future__ import annotations

import asyncio
import socket

import pytest

from tests.fakes.door import Door, open_door

LONG = 20.0  # only bounds a failing test
PATIENT = 3600.0


async def connect(door: Door, data: bytes = b"") -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    if data:
        writer.write(data)
    return reader, writer


async def closed(reader: asyncio.StreamReader) -> bytes:
    """What came until the server closed the connection."""
    try:
        return await asyncio.wait_for(reader.read(), LONG)
    except ConnectionResetError:
        return b""


@pytest.mark.parametrize(
    "data",
    [b"", b"GET /he", b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"\r\n"],
    ids=["idle", "line", "half", "crlf"],
)
async def test_a_header_that_does_not_come_closes(data: bytes) -> None:
    async with open_door(header_seconds=0.2) as door:
        reader, writer = await connect(door, data)
        assert await closed(reader) == b""
        assert door.counters.get("slow") == 1
        writer.close()


async def test_a_header_that_drips_closes() -> None:
    async with open_door(header_seconds=0.3) as door:
        reader, writer = await connect(door, b"GET /healthz HTTP/1.1\r\n")

        async def drip() -> None:
            while not writer.transport.is_closing():
                writer.write(b"X: y\r\n")
                await asyncio.sleep(0.02)

        dripping = asyncio.create_task(drip())
        assert await closed(reader) == b""
        dripping.cancel()
        writer.close()


@pytest.mark.parametrize("pace", [None, 10], ids=["stalled", "dripping"])
async def test_a_body_that_does_not_come_at_its_pace_closes(
    pace: int | None, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_door(body_grace_seconds=0.3, body_bytes_per_second=1000) as door:
        reader, writer = await connect(
            door, b"POST /hooks/main HTTP/1.1\r\nHost: x\r\nX-Sign: good\r\nContent-Length: 100000\r\n\r\n"
        )

        async def drip() -> None:
            while pace is not None and not writer.transport.is_closing():
                writer.write(b"x")
                await asyncio.sleep(1 / pace)

        dripping = asyncio.create_task(drip())
        assert await closed(reader) == b""
        dripping.cancel()
        writer.close()
        assert door.counters.get("slow") == 1
        assert door.host.deliveries == []
    assert door.counters.get("failed") == 0
    assert caplog.records == []  # thousands of such connections must not fill a disk with tracebacks


async def test_a_body_that_stalls_after_a_good_start_closes() -> None:
    async with open_door(body_grace_seconds=0.2, body_bytes_per_second=1000) as door:
        reader, writer = await connect(
            door, b"POST /hooks/main HTTP/1.1\r\nHost: x\r\nX-Sign: good\r\nContent-Length: 100000\r\n\r\n"
        )
        writer.write(b"x" * 90_000)
        assert await closed(reader) == b""
        assert door.counters.get("slow") == 1
        writer.close()


async def test_a_body_at_its_pace_is_heard_to_the_end() -> None:
    async with open_door(body_grace_seconds=0.1, body_bytes_per_second=100, header_seconds=0.2) as door:
        reader, writer = await connect(
            door, b"POST /hooks/main HTTP/1.1\r\nHost: x\r\nX-Sign: good\r\nContent-Length: 6000\r\n\r\n"
        )
        for _ in range(6):
            writer.write(b"x" * 1000)
            await asyncio.sleep(0.07)
        assert (await asyncio.wait_for(reader.readline(), LONG)).startswith(b"HTTP/1.1 200")
        assert door.counters.get("slow") == 0
        writer.close()


async def test_a_kept_connection_owes_the_next_header_once_it_began() -> None:
    async with open_door(header_seconds=0.2, keepalive_seconds=PATIENT) as door:
        reader, writer = await connect(door, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b'"ok"}'), LONG)
        await asyncio.sleep(0.5)  # nothing is owed between two requests
        writer.write(b"GET /he")
        assert await closed(reader) == b""
        assert door.counters.get("slow") == 1
        writer.close()


async def test_a_kept_connection_that_stays_silent_is_closed() -> None:
    async with open_door(keepalive_seconds=0.2) as door:
        reader, writer = await connect(door, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await closed(reader)).startswith(b"HTTP/1.1 200")
        writer.close()


async def test_streams_outlive_every_limit_of_requests() -> None:
    async with open_door(
        header_seconds=0.1, body_grace_seconds=0.1, keepalive_seconds=0.1, stalled_write_seconds=0.1
    ) as door:
        reader, writer = await connect(door, b"GET /echo/main/events HTTP/1.1\r\nHost: x\r\n\r\n")
        await asyncio.wait_for(reader.readuntil(b": hello\n"), LONG)
        await asyncio.sleep(0.5)
        assert door.channel.streaming == 1
        assert door.counters.get("slow") == 0
        writer.close()


async def test_a_reader_that_takes_nothing_is_let_go() -> None:
    async with open_door(stalled_write_seconds=0.3) as door:
        with socket.create_connection(("127.0.0.1", door.port)) as peer:
            peer.sendall(b"GET /echo/main/flood HTTP/1.1\r\nHost: x\r\n\r\n")
            async with asyncio.timeout(LONG):
                await door.channel.flooded.wait()  # nothing is read from the peer meanwhile
            assert door.counters.get("slow") == 1


async def test_one_address_gets_so_many_connections_and_places_come_back() -> None:
    async with open_door(connections_per_address=2) as door:
        kept = [await connect(door, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(2)]
        for reader, _ in kept:
            await asyncio.wait_for(reader.readuntil(b'"ok"}'), LONG)
        reader, writer = await connect(door)
        assert await closed(reader) == b""
        writer.close()
        assert door.counters.get("crowded") == 1
        kept[0][1].close()
        await kept[0][1].wait_closed()
        while True:  # the server hears of it a moment later
            reader, writer = await connect(door, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            try:
                answer = await asyncio.wait_for(reader.readline(), LONG)
            except ConnectionResetError:
                answer = b""
            writer.close()
            if answer:
                break
        assert answer.startswith(b"HTTP/1.1 200")
        kept[1][1].close()


async def test_a_trusted_proxy_is_held_to_the_total_only() -> None:
    async with open_door(trusted=("127.0.0.1",), connections_per_address=1, connections=3) as door:
        kept = [await connect(door, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n") for _ in range(3)]
        for reader, _ in kept:
            await asyncio.wait_for(reader.readuntil(b'"ok"}'), LONG)
        reader, writer = await connect(door)
        assert await closed(reader) == b""
        assert door.counters.get("crowded") == 1
        for _, kept_writer in [*kept, (reader, writer)]:
            kept_writer.close()


async def test_honest_requests_pass_while_others_hold_places() -> None:
    async with open_door(header_seconds=1.0) as door:
        idle = [await connect(door, b"GET /he") for _ in range(200)]
        reader, writer = await connect(door, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        assert (await asyncio.wait_for(reader.readline(), LONG)).startswith(b"HTTP/1.1 200")
        await asyncio.gather(*(closed(reader) for reader, _ in idle))
        assert door.counters.get("slow") >= 200
        for _, each in idle:
            each.close()
        writer.close()
