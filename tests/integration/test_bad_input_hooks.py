"""Webhooks that are forged, broken, unknown or too large, against the running server."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from omni_console.client import ServerClient
from server.store.offline import DATABASE
from tests.fakes.desk_view import received, texts
from tests.fakes.harsh_world import HarshWorld
from tests.fakes.impatient_market import ImpatientMarket


def rows(data_dir: Path) -> dict[str, int]:
    """How many rows each table holds that incoming things end up in."""
    connection = sqlite3.connect(f"{(data_dir / DATABASE).absolute().as_uri()}?mode=ro", uri=True)
    try:
        return {
            table: connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]  # noqa: S608 - our names
            for table in ("journal", "message", "conversation", "customer", "address", "attachment")
        }
    finally:
        connection.close()


async def refused(client: ServerClient) -> int:
    return next(channel.refused for channel in await client.channels() if channel.id == "market")


GOOD = json.dumps(
    {"type": "message", "data": {"sender": {"id": "b", "name": "Boris"}, "text": "let me in"}}
).encode()


async def test_a_wrong_signature_leaves_nothing_but_a_count(tmp_path: Path) -> None:
    async with HarshWorld(tmp_path) as world, ServerClient(str(world.socket)) as client:
        before = rows(world.data)
        forger = ImpatientMarket(world.market, world.http, "whsec_" + "A" * 32)
        assert await forger.send("hook-1", GOOD) == 401
        url = f"{world.base_url}/hooks/market"
        unsigned: list[dict[str, str]] = [
            {},
            {"webhook-id": "1", "webhook-timestamp": "1", "webhook-signature": "v1,AAAA"},
            {"webhook-id": "1", "webhook-timestamp": "x" * 4000, "webhook-signature": "v1," * 500},
        ]
        for headers in unsigned:
            async with world.http.post(url, data=GOOD, headers=headers) as answer:
                assert answer.status == 401
                assert await answer.read() == b""  # a stranger is not told why
        assert await refused(client) == 4
        assert rows(world.data) == before
        assert await texts(client) == []
        # A forger uses up nothing: the provider is heard.
        assert await world.impatient().send("hook-1", GOOD) == 200
        assert await texts(client) == ["let me in"]


@pytest.fixture
async def broken_world(tmp_path: Path) -> AsyncIterator[HarshWorld]:
    async with HarshWorld(tmp_path) as world:
        yield world


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"not json",
        b"\xff\xfe\x00",
        b"[]",
        b"null",
        b'{"type": "message"}',
        b'{"type": "message", "data": 7}',
        b'{"type": "teleported", "data": {"sender": {"id": "b"}, "text": "hi"}}',
        b'{"type": "edit", "data": {"sender": {"id": "b"}, "text": "of nothing"}}',
        b"[" * 100_000,
        b'{"type": "message", "data": {"sender": {"id": "b"}, "text": ' + b"9" * 5000 + b"}}",
        b'{"type": "message", "data": {"sender": {"id": "b"}, "text": "\\ud800"}}',
        b'{"type": "message", "data": {"sender": {"id": "b"}, "text": "a\\u0000b"}}',
        b'{"type": NaN}',
    ],
    ids=range(14),
)
async def test_what_cannot_be_understood_is_kept_and_shown(raw: bytes, broken_world: HarshWorld) -> None:
    async with ServerClient(str(broken_world.socket)) as client:
        before = len(await received(client))
        market = broken_world.impatient()
        assert await market.send("hook-x", raw) == 200
        assert await market.send("hook-x", raw) == 200
        found = await received(client)
        assert len(found) == before + 1
        assert found[-1].kind_of_event == "unsupported"
        assert found[-1].text
    connection = sqlite3.connect(f"{(broken_world.data / DATABASE).absolute().as_uri()}?mode=ro", uri=True)
    try:
        stored = connection.execute("SELECT raw, state FROM journal ORDER BY id DESC LIMIT 1").fetchone()
    finally:
        connection.close()
    inline = len(raw) <= 64 * 1024  # larger ones are a file
    assert stored == (raw if inline else None, "taken")


async def test_a_body_that_is_too_large_is_refused_before_it_is_read(tmp_path: Path) -> None:
    async with HarshWorld(tmp_path) as world, ServerClient(str(world.socket)) as client:
        before = rows(world.data)
        host, port = world.base_url.removeprefix("http://").split(":")
        targets = ["/hooks/market", "/webchat/site/messages", "/webchat/site/upload"]
        for path in targets:
            reader, writer = await asyncio.open_connection(host, int(port))
            try:
                # A gigabyte is announced and not one byte of it sent.
                writer.write(
                    f"POST {path} HTTP/1.1\r\nHost: {host}\r\nOrigin: http://shop.example\r\n"
                    f"Content-Length: {1 << 30}\r\n\r\n".encode()
                )
                async with asyncio.timeout(20):
                    status = await reader.readline()
            finally:
                writer.close()
            assert status.startswith(b"HTTP/1.1 413 "), (path, status)
        # And where no length is announced, at the limit: not after the whole flood.
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(
            f"POST /hooks/market HTTP/1.1\r\nHost: {host}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        sent = 0
        try:
            async with asyncio.timeout(30):
                while not reader.at_eof() and sent < 64 * 1024 * 1024:
                    writer.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
                    sent += 0x10000
                    await writer.drain()
                    await asyncio.sleep(0.001)  # or an answer that is there is not looked at
                    if reader._buffer:  # type: ignore[attr-defined]
                        break
                status = await reader.readline()
        except ConnectionError:
            status = b"HTTP/1.1 413 (the connection was closed on us)"
        finally:
            writer.close()
        assert status.startswith(b"HTTP/1.1 413 ")
        assert sent < 16 * 1024 * 1024
        assert rows(world.data) == before
        assert (await client.hello()).trouble == ""
