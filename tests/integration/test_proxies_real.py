"""The recipes of deploy/ with the real programs: TLS outside, streams at once, visitors as themselves."""

from __future__ import annotations

import asyncio
import io
import ssl
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from channels.webhook import standard
from server.app import Server
from server.clock import SystemClock
from server.settings import PublicLimits, PublicSettings
from tests.fakes.real_proxy import CERTIFICATE, RealProxy
from tests.fakes.running_server import HOOK_SECRET, SHOP, configuration

BURST = 20


@dataclass
class Site:
    """A server behind a proxy."""

    server: Server
    proxy: RealProxy
    sessions: dict[str, aiohttp.ClientSession]

    def visitor(self, address: str) -> aiohttp.ClientSession:
        """Somebody at this address of loopback."""
        if address not in self.sessions:
            trust = ssl.create_default_context(cafile=str(CERTIFICATE))
            connector = aiohttp.TCPConnector(ssl=trust, local_addr=(address, 0))
            self.sessions[address] = aiohttp.ClientSession(self.proxy.url, connector=connector)
        return self.sessions[address]


@pytest.fixture(params=["caddy", "nginx"])
async def site(request: pytest.FixtureRequest) -> AsyncIterator[Site]:
    with tempfile.TemporaryDirectory(prefix="omni-") as made:  # short, for the socket's sake
        folder = Path(made)
        config = configuration(folder, "http://127.0.0.1:9/")
        del config.channels["mail"]
        config.public = PublicSettings(
            listen="127.0.0.1:0",
            trusted_proxies=("127.0.0.1/32",),
            limits=PublicLimits(requests_per_second=1, request_burst=BURST),
        )
        server = Server(config, SystemClock())
        async with server.run():
            assert server.public is not None
            proxy = RealProxy(request.param, folder, server.public.port, config.server.socket)
            sessions: dict[str, aiohttp.ClientSession] = {}
            try:
                await asyncio.to_thread(proxy.start)
                yield Site(server, proxy, sessions)
            finally:
                for session in sessions.values():
                    await session.close()
                await asyncio.to_thread(proxy.stop)


def signed(body: bytes, number: str) -> dict[str, str]:
    moment = SystemClock().now() // 1000
    return standard.headers([standard.read_secret(HOOK_SECRET)], number, moment, body)


async def begin(session: aiohttp.ClientSession) -> dict[str, str]:
    """A chat session; the headers that go with it."""
    async with session.post(
        "/webchat/site/session", json={"protocol": 1}, headers={"Origin": SHOP}
    ) as answer:
        assert answer.status == 200, await answer.text()
        token = (await answer.json())["token"]
    return {"Origin": SHOP, "Authorization": f"Bearer {token}"}


async def say(session: aiohttp.ClientSession, headers: dict[str, str], number: int) -> None:
    body = {"client_id": f"client-{number:06}", "text": f"text {number}"}
    async with session.post("/webchat/site/messages", json=body, headers=headers) as answer:
        assert answer.status == 200, await answer.text()


async def next_message(answer: aiohttp.ClientResponse) -> Any:
    event = ""
    while line := (await answer.content.readline()).decode():
        name, _, value = line.strip().partition(": ")
        if name == "event":
            event = value
        elif name == "data" and event == "message":
            return msgspec.json.decode(value)
    raise AssertionError("the stream ended")


async def test_a_signed_webhook_gets_through_untouched(site: Site) -> None:
    body = msgspec.json.encode({"type": "message", "data": {"sender": {"id": "b"}, "text": "каков чайник?"}})
    async with site.visitor("127.0.0.2").post(
        "/hooks/market", data=body, headers=signed(body, "one")
    ) as answer:
        assert answer.status == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
    async with site.visitor("127.0.0.2").post(
        "/hooks/market", data=body + b" ", headers=signed(body, "two")
    ) as answer:
        assert answer.status == 401


async def test_every_event_of_a_stream_arrives_at_once(site: Site) -> None:
    """Each is waited for before the next is made: a proxy that gathers them would wait for ever."""
    session = site.visitor("127.0.0.2")
    headers = await begin(session)
    async with asyncio.timeout(10), session.get("/webchat/site/events", headers=headers) as answer:
        assert answer.status == 200
        assert answer.content_type == "text/event-stream"
        for number in range(3):
            await say(session, headers, number)
            assert (await next_message(answer))["text"] == f"text {number}"


async def test_limits_count_each_visitor_and_believe_no_forged_header(site: Site) -> None:
    async def ask(address: str, **headers: str) -> int:
        async with site.visitor(address).get("/healthz", headers=headers) as answer:
            return answer.status

    statuses = [await ask("127.0.0.2") for _ in range(BURST * 2)]
    assert statuses[:BURST] == [200] * BURST
    assert statuses[-1] == 429
    assert await ask("127.0.0.3") == 200, "he pays for somebody else"
    forged = ("203.0.113.9", "127.0.0.1", "127.0.0.3, 127.0.0.1", "::1")
    answers = [
        await ask(
            "127.0.0.2", **{"X-Forwarded-For": address, "Forwarded": f"for={address}", "X-Real-IP": address}
        )
        for address in forged
        for _ in range(3)
    ]
    # One request a second is his due.
    assert answers.count(429) >= len(answers) - 3, answers


async def test_too_much_is_refused_outside_or_inside(site: Site) -> None:
    session = site.visitor("127.0.0.2")
    headers = await begin(session)
    async with session.post("/hooks/market", data=io.BytesIO(b"x" * 2_000_000)) as answer:
        assert answer.status == 413
    try:
        async with session.post(
            "/webchat/site/upload", data=io.BytesIO(bytes(110 * 1024 * 1024)), headers=headers
        ) as answer:
            assert answer.status == 413
    except aiohttp.ClientOSError:
        pass  # closed before all of it was sent: refused as well
    assert site.server.counters.total("failed") == 0


async def test_nothing_of_the_operators_is_reachable(site: Site) -> None:
    session = site.visitor("127.0.0.2")
    for path in ("/v1/hello", "/v1/conversations", "/metrics", "/v1/backup"):
        async with session.get(path) as answer:
            assert answer.status == 404, path
    with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
        await session.ws_connect("/v1/events")
    assert caught.value.status in (400, 404, 426)


async def test_a_provider_is_told_to_come_again_while_the_server_is_away(site: Site) -> None:
    assert site.server.public is not None
    await site.server.public.stop()
    async with site.visitor("127.0.0.2").post("/hooks/market", data=b"{}") as answer:
        assert answer.status in (502, 503, 504)


@pytest.mark.parametrize("site", ["caddy"], indirect=True)
async def test_figures_and_nothing_else_by_way_of_caddy(site: Site) -> None:
    async with aiohttp.ClientSession(site.proxy.figures_url) as prometheus:
        for path, status in {"/metrics": 200, "/readyz": 200, "/v1/hello": 404, "/v1/backup": 404}.items():
            async with prometheus.get(path) as answer:
                assert answer.status == status, path
                text = await answer.text()
            assert ("omni_event_seq" in text) == (path == "/metrics")


@pytest.mark.parametrize("kind", ["caddy", "nginx"])
def test_a_missing_program_is_named(kind: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("tests.fakes.real_proxy.shutil.which", lambda *args, **more: None)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=f"apt-get install {kind}"):
        RealProxy(kind, tmp_path, 1)
