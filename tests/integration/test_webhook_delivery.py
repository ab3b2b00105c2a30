"""Replies delivered to a real HTTP receiver."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from channels.base import BadCredentials, Failed, Outbound, OutboundFile, Retry, Sent
from channels.secret import Secret
from channels.testkit import MemoryHost
from channels.webhook import WebhookChannel, WebhookSettings, standard

KEY = "whsec_" + base64.b64encode(b"k" * 32).decode()
OLD = "whsec_" + base64.b64encode(b"o" * 32).decode()
NOW = 1_795_262_400_000

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Receiver:
    def __init__(self) -> None:
        self.answer: Answer | None = None
        self.seen: list[tuple[dict[str, str], bytes]] = []

    async def handle(self, request: web.Request) -> web.StreamResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        self.seen.append((headers, await request.read()))
        if self.answer is not None:
            return await self.answer(request)
        return web.Response()


@pytest.fixture
async def receiver() -> AsyncIterator[tuple[Receiver, str]]:
    peer = Receiver()
    app = web.Application()
    app.router.add_route("*", "/in", peer.handle)
    async with TestServer(app) as server:
        yield peer, str(server.make_url("/in"))


async def started(url: str, timeout: float = 5.0) -> tuple[WebhookChannel, MemoryHost]:
    host = MemoryHost("shop")
    host.clock = NOW
    channel = WebhookChannel(
        "shop",
        WebhookSettings(
            kind="webhook", secrets=[Secret(KEY), Secret(OLD)], deliver_url=url, deliver_timeout_s=timeout
        ),
    )
    await channel.start(host)
    return channel, host


def outbound(*files: OutboundFile, attempt: int = 1) -> Outbound:
    return Outbound(
        key="out_17",
        message_id=17,
        conversation_id=3,
        to="77",
        to_name="Иван",
        thread="order-1187",
        text="Завтра до 18:00",
        subject=None,
        author="Olga",
        references=("m-1", "m-2"),
        files=files,
        written_at=NOW - 60_000,
        attempt=attempt,
    )


async def test_a_reply_arrives_signed_with_its_files(receiver: tuple[Receiver, str], tmp_path: Path) -> None:
    peer, url = receiver
    (tmp_path / "f").write_bytes(b"%PDF-1.7")
    file = OutboundFile(name="счёт.pdf", content_type="application/pdf", size=8, path=str(tmp_path / "f"))
    channel, _ = await started(url)
    assert await channel.send(outbound(file)) == Sent(remote_id="out_17")
    headers, body = peer.seen[0]
    for secret in (KEY, OLD):
        assert standard.check([standard.read_secret(secret)], headers, body, NOW // 1000) == "out_17"
    assert json.loads(body) == {
        "type": "reply",
        "timestamp": "2026-11-21T11:59:00.000Z",
        "data": {
            "message_id": "out_17",
            "conversation_key": "order-1187",
            "recipient": {"id": "77", "name": "Иван"},
            "author": "Olga",
            "text": "Завтра до 18:00",
            "subject": None,
            "reply_to": "m-2",
            "attachments": [
                {
                    "name": "счёт.pdf",
                    "content_type": "application/pdf",
                    "base64": base64.b64encode(b"%PDF-1.7").decode(),
                }
            ],
        },
    }
    await channel.send(outbound(file, attempt=2))
    assert peer.seen[1][1] == body and peer.seen[1][0]["webhook-id"] == "out_17"
    await channel.stop()


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (204, {}, Sent),
        (301, {"Location": "/elsewhere"}, Failed),
        (400, {}, Failed),
        (401, {}, BadCredentials),
        (403, {}, BadCredentials),
        (408, {}, Retry),
        (410, {}, Failed),
        (425, {}, Retry),
        (429, {"Retry-After": "30"}, Retry),
        (500, {}, Retry),
        (503, {"Retry-After": "Sat, 21 Nov 2026 12:02:00 GMT"}, Retry),
    ],
)
async def test_what_an_answer_means(
    receiver: tuple[Receiver, str], status: int, headers: dict[str, str], expected: type
) -> None:
    peer, url = receiver

    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers=headers)

    peer.answer = answer
    channel, host = await started(url)
    result = await channel.send(outbound())
    assert isinstance(result, expected)
    if isinstance(result, Retry):
        assert result.after == {429: 30.0, 503: 120.0}.get(status)
    if status == 410:
        assert host.health[-1].state == "failed"
    if isinstance(result, BadCredentials):
        assert host.health[-1].state == "bad_credentials"
    assert len(peer.seen) == 1
    await channel.stop()


async def test_a_cut_or_silent_answer_is_tried_again(receiver: tuple[Receiver, str]) -> None:
    peer, url = receiver

    async def cut(request: web.Request) -> web.Response:
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    peer.answer = cut
    channel, host = await started(url)
    assert isinstance(await channel.send(outbound()), Retry)
    assert host.health[-1].state == "retrying"
    await channel.stop()

    async def hang(request: web.Request) -> web.Response:
        await asyncio.sleep(30)
        return web.Response()

    peer.answer = hang
    channel, _ = await started(url, timeout=0.2)
    assert isinstance(await channel.send(outbound()), Retry)
    await channel.stop()


async def test_a_refused_connection_is_tried_again_and_probe_says_so(unused_tcp_port: int) -> None:
    channel, _ = await started(f"http://127.0.0.1:{unused_tcp_port}/in")
    assert isinstance(await channel.send(outbound()), Retry)
    (line,) = await channel.probe()
    assert not line.ok and line.hint
    await channel.stop()


async def test_a_lost_file_is_a_failure_that_says_so(receiver: tuple[Receiver, str], tmp_path: Path) -> None:
    peer, url = receiver
    channel, _ = await started(url)
    gone = OutboundFile(name="a", content_type="text/plain", size=1, path=str(tmp_path / "gone"))
    assert isinstance(await channel.send(outbound(gone)), Failed)
    assert peer.seen == []
    await channel.stop()


async def test_without_an_address_it_only_listens() -> None:
    channel, _ = await started("")
    assert isinstance(await channel.send(outbound()), Failed)
    assert (await channel.probe())[0].ok
    await channel.stop()
    assert isinstance(await channel.send(outbound()), Failed)
