"""The public door over real sockets: what it takes, what it refuses, and what it says."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import aiohttp
import pytest
from structlog.testing import capture_logs

from server.public.app import create_public_app
from server.public.counters import Counters
from server.public.listen import ListenError, PublicServer
from server.settings import PublicSettings
from tests.fakes.door import Door, open_door

GOOD = {"X-Sign": "good"}


@pytest.fixture
async def client() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with open_door() as opened:
        yield opened


async def test_a_verified_hook_is_answered_after_the_commit(
    door: Door, client: aiohttp.ClientSession
) -> None:
    async with client.post(
        f"{door.url}/hooks/main", data=b"one\ntwo", headers=[("X-Sign", "good"), ("X-A", "1"), ("X-A", "2")]
    ) as answer:
        assert (answer.status, await answer.text()) == (200, "thanks")
    first, second = door.host.deliveries
    assert (first.dedupe_key, first.raw, dict(first.meta)) == ("one", b"one\ntwo", {})
    assert (second.dedupe_key, second.raw, dict(second.meta)) == ("two", b"", {"part_of": "one"})
    assert first.event is not None
    assert first.event.text == "one"
    assert door.channel.seen[0].headers["x-a"] == "1, 2"
    assert door.channel.seen[0].received_at > 0


async def test_a_hook_with_nothing_to_store_is_answered(door: Door, client: aiohttp.ClientSession) -> None:
    async with client.post(f"{door.url}/hooks/main", headers=GOOD) as answer:
        assert answer.status == 200
    assert door.host.deliveries == []


@pytest.mark.parametrize("headers", [{}, {"X-Sign": "bad"}])
async def test_an_unverified_hook_stores_nothing(
    headers: dict[str, str], door: Door, client: aiohttp.ClientSession
) -> None:
    async with client.post(f"{door.url}/hooks/main", data=b"one", headers=headers) as answer:
        assert (answer.status, await answer.read()) == (401, b"")
    assert door.host.deliveries == []
    assert door.channel.seen == []
    assert door.counters.get("refused", "main") == 1


async def test_no_success_without_a_commit(door: Door, client: aiohttp.ClientSession) -> None:
    door.host.unavailable = True
    async with client.post(f"{door.url}/hooks/main", data=b"one", headers=GOOD) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) >= 1
        assert "unavailable" in await answer.text()
    door.host.unavailable = False
    async with client.post(f"{door.url}/hooks/main", data=b"one", headers=GOOD) as answer:
        assert answer.status == 200
    assert [delivery.dedupe_key for delivery in door.host.deliveries] == ["one"]


async def test_a_fault_of_the_adapter_loses_nothing(door: Door, client: aiohttp.ClientSession) -> None:
    for _ in range(2):
        async with client.post(f"{door.url}/hooks/main", data=b"one\nboom", headers=GOOD) as answer:
            assert answer.status == 200
    [kept] = door.host.deliveries  # the repeat is the same item
    assert kept.raw == b"one\nboom"
    assert kept.event is not None
    assert kept.event.kind == "unsupported"
    assert "KeyError" in kept.event.detail["problem"]
    assert "boom" not in kept.event.detail["problem"]
    assert kept.event.sender.external_id.startswith("unreadable:")
    assert door.counters.get("unparsed", "main") == 2


async def test_what_is_stored_is_not_called_for_again(door: Door, client: aiohttp.ClientSession) -> None:
    async with client.post(f"{door.url}/hooks/main", data=b"no answer", headers=GOOD) as answer:
        assert answer.status == 200
    assert len(door.host.deliveries) == 1


@pytest.mark.parametrize(
    "path",
    ["/", "/hooks", "/hooks/", "/hooks/other", "/hooks/main/x", "/v1/hello", "/echo/other/who", "/%00"],
)
async def test_everything_else_is_not_found(path: str, door: Door, client: aiohttp.ClientSession) -> None:
    async with client.post(door.url + path, data=b"x", headers=GOOD) as answer:
        assert (answer.status, await answer.json()) == (404, {"error": "not_found"})


async def test_wrong_method_says_which_is_right(door: Door, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{door.url}/hooks/main") as answer:
        assert (answer.status, answer.headers["Allow"]) == (405, "POST")


async def test_a_fault_says_nothing_outside_and_everything_in_the_log(
    door: Door, client: aiohttp.ClientSession
) -> None:
    with capture_logs() as logs:
        async with client.get(f"{door.url}/echo/main/fault?token=geheim") as answer:
            assert (answer.status, await answer.json()) == (500, {"error": "internal"})
    assert door.counters.get("failed") == 1
    [line] = [line for line in logs if line["event"] == "request failed"]
    assert line["route"] == "/echo/main/fault"
    assert line["exc_info"]


async def test_a_channels_own_answer_passes(door: Door, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{door.url}/echo/main/no") as answer:
        assert (answer.status, await answer.text()) == (404, "no such chat")


async def test_every_answer_carries_the_headers(door: Door, client: aiohttp.ClientSession) -> None:
    for path in ("/healthz", "/nothing", "/echo/main/who", "/echo/main/fault", "/echo/main/no"):
        async with client.get(door.url + path) as answer:
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
            assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Server"] == "omni"
            kept = "max-age=60" if path.endswith("/who") else "no-store"
            assert answer.headers["Cache-Control"] == kept


async def test_healthz(door: Door, client: aiohttp.ClientSession) -> None:
    async with client.get(f"{door.url}/healthz") as answer:
        assert (answer.status, await answer.json()) == (200, {"status": "ok"})
    door.trouble = "disk full at /var/lib/omni"
    async with client.get(f"{door.url}/healthz") as answer:
        assert answer.status == 503
        assert "disk" not in await answer.text()


# --- sizes ------------------------------------------------------------------------------------------


async def raw(door: Door, data: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
    writer.write(data)
    return reader, writer


async def test_an_announced_giant_is_refused_before_its_body(door: Door) -> None:
    reader, writer = await raw(
        door, b"POST /hooks/main HTTP/1.1\r\nHost: x\r\nX-Sign: good\r\nContent-Length: 2000000\r\n\r\n"
    )
    assert await asyncio.wait_for(reader.readline(), 10) == b"HTTP/1.1 413 Request Entity Too Large\r\n"
    writer.close()
    assert door.counters.get("too_large", "main") == 1


async def test_a_client_that_asks_first_is_told_before_it_sends(door: Door) -> None:
    head = b"POST /hooks/main HTTP/1.1\r\nHost: x\r\nX-Sign: good\r\nExpect: 100-continue\r\nContent-Length: "
    reader, writer = await raw(door, head + b"2000000\r\n\r\n")
    assert (await asyncio.wait_for(reader.readline(), 10)).startswith(b"HTTP/1.1 413")
    writer.close()
    reader, writer = await raw(door, head + b"3\r\n\r\n")
    assert (await asyncio.wait_for(reader.readline(), 10)).startswith(b"HTTP/1.1 100")
    writer.write(b"one")
    await reader.readline()
    assert (await asyncio.wait_for(reader.readline(), 10)).startswith(b"HTTP/1.1 200")
    writer.close()


async def test_an_unannounced_giant_is_refused_while_it_comes(
    client: aiohttp.ClientSession,
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"x" * 1000

    async with open_door(hook_body_bytes=10_000) as door:
        async with client.post(f"{door.url}/hooks/main", data=pieces(), headers=GOOD) as answer:
            assert answer.status == 413
        assert door.host.deliveries == []
        async with client.post(f"{door.url}/hooks/main", data=b"x" * 10_000, headers=GOOD) as answer:
            assert answer.status == 200


async def test_a_channels_route_has_its_own_size(door: Door, client: aiohttp.ClientSession) -> None:
    async def piece() -> AsyncIterator[bytes]:
        yield b"x"

    url = f"{door.url}/echo/main/up"
    async with client.post(url, data=b"x" * 1000) as answer:
        assert await answer.text() == "1000"
    async with client.post(url, data=b"x" * 1001) as answer:
        assert answer.status == 413
    async with client.post(url, data=piece()) as answer:
        assert answer.status == 411


async def test_a_compressed_body_is_not_unpacked(door: Door, client: aiohttp.ClientSession) -> None:
    async with client.post(
        f"{door.url}/hooks/main", data=b"\x1f\x8b", headers={**GOOD, "Content-Encoding": "gzip"}
    ) as answer:
        assert answer.status == 415
    assert door.host.deliveries == []


@pytest.mark.parametrize(
    "request_",
    [
        b"nonsense\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 200 + b"\r\n",
        b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"POST /hooks/main HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"POST /hooks/main HTTP/1.1\r\nHost: x\r\nX-Sign: good\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["nonsense", "headers", "line", "smuggling", "chunk"],
)
async def test_malformed_requests_are_refused_and_the_connection_closed(
    request_: bytes, door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    reader, writer = await raw(door, request_)
    assert b" 400 " in await asyncio.wait_for(reader.readline(), 10)
    await asyncio.wait_for(reader.read(), 10)
    writer.close()
    assert door.host.deliveries == []
    assert all(record.exc_info is None for record in caplog.records)
    assert all("\n" not in record.getMessage() for record in caplog.records)


# --- how much one address may ask ---------------------------------------------------------------------


async def test_a_provider_is_paced_per_channel(client: aiohttp.ClientSession) -> None:
    async with open_door(trusted=("127.0.0.1",), hooks_per_second=1, hook_burst=2) as door:
        url = f"{door.url}/hooks/main"
        for number in range(5):  # a stranger's requests use up nothing of the channel's
            async with client.post(
                url, data=b"x", headers={"X-Forwarded-For": f"203.0.113.{number}"}
            ) as answer:
                assert answer.status == 401
        statuses = []
        for number in range(3):
            headers = {**GOOD, "X-Forwarded-For": f"198.51.100.{number}"}
            async with client.post(url, data=str(number).encode(), headers=headers) as answer:
                statuses.append(answer.status)
        assert statuses == [200, 200, 429]
        assert door.counters.get("limited", "main") == 1
        assert len(door.host.deliveries) == 2
        door.now += 1
        async with client.post(url, data=b"2", headers={**GOOD, "X-Forwarded-For": "198.51.100.9"}) as answer:
            assert answer.status == 200


async def test_one_address_is_paced_and_others_are_not(client: aiohttp.ClientSession) -> None:
    async with open_door(trusted=("127.0.0.1",), requests_per_second=1, request_burst=2) as door:

        async def ask(address: str) -> tuple[int, str | None]:
            headers = {"X-Forwarded-For": address}
            async with client.get(f"{door.url}/echo/main/who", headers=headers) as answer:
                return answer.status, answer.headers.get("Retry-After")

        assert [await ask("203.0.113.1") for _ in range(3)] == [(200, None), (200, None), (429, "1")]
        assert await ask("203.0.113.2") == (200, None)
        assert [(await ask(f"2001:db8::{n}"))[0] for n in range(3)] == [200, 200, 429]
        assert (await ask("2001:db8:0:1::1"))[0] == 200


async def test_a_route_may_be_asked_for_less_often_than_others(client: aiohttp.ClientSession) -> None:
    async with open_door(trusted=("127.0.0.1",)) as door:

        async def ask(address: str) -> int:
            url, headers = f"{door.url}/echo/main/visitor", {"X-Forwarded-For": address}
            async with client.post(url, headers=headers) as answer:
                return answer.status

        assert [await ask("203.0.113.1") for _ in range(3)] == [200, 200, 429]
        assert await ask("203.0.113.2") == 200
        door.now += 30
        assert await ask("203.0.113.1") == 200


async def test_handlers_see_the_visitor_and_not_the_proxy(client: aiohttp.ClientSession) -> None:
    headers = {"X-Forwarded-For": "9.9.9.9, 203.0.113.7"}
    async with (
        open_door(trusted=("127.0.0.1",)) as door,
        client.get(f"{door.url}/echo/main/who", headers=headers) as answer,
    ):
        assert await answer.text() == "203.0.113.7"
    async with open_door() as door, client.get(f"{door.url}/echo/main/who", headers=headers) as answer:
        assert await answer.text() == "127.0.0.1"


async def test_streams_are_counted_per_address_and_given_back(client: aiohttp.ClientSession) -> None:
    async with open_door(streams_per_address=2) as door:
        url = f"{door.url}/echo/main/events"
        open_ones = [await client.get(url) for _ in range(2)]
        async with client.get(url) as answer:
            assert answer.status == 429
            assert "Retry-After" in answer.headers
        for answer in open_ones:
            assert await answer.content.readline() == b": hello\n"
        assert door.channel.streaming == 2


async def test_stopping_ends_streams_without_waiting_for_them(client: aiohttp.ClientSession) -> None:
    async with open_door(patience=3600) as door:
        answer = await client.get(f"{door.url}/echo/main/events")
        await answer.content.readline()
        channel = door.channel
    assert channel.streaming == 0
    answer.close()


# --- the address ------------------------------------------------------------------------------------


async def test_a_port_in_use_is_named(door: Door) -> None:
    settings = PublicSettings(listen=f"127.0.0.1:{door.port}")
    server = PublicServer(create_public_app(settings, {}, {}, Counters()), settings)
    with pytest.raises(ListenError) as caught:
        await server.start()
    assert str(door.port) in str(caught.value)
    assert "public.listen" in caught.value.hint


async def test_ipv6_and_base_url() -> None:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        pytest.fail("this host has no IPv6 loopback")
    settings = PublicSettings(listen="[::1]:0")
    server = PublicServer(create_public_app(settings, {}, {}, Counters()), settings)
    await server.start()
    try:
        assert server.url == f"http://[::1]:{server.port}"
        async with aiohttp.ClientSession() as client, client.get(f"{server.url}/healthz") as answer:
            assert answer.status == 200
        settings.base_url = "https://help.example"
        assert server.url == "https://help.example"
    finally:
        await server.stop()
