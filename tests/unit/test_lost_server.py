"""A server that falls silent: known within five seconds, by a clock that is not the wall's."""

from __future__ import annotations

import asyncio
from typing import Any

import aiohttp
import msgspec
import pytest

from omni_console.client import Link, ServerClient
from server import protocol as wire
from tests.fakes.virtual_time import in_virtual_time

KNOWN_WITHIN_S = 5.0


class Stream:
    """Says hello and two heartbeats, then nothing; and is as slow to close as it is let."""

    closed = False

    def __init__(self, close_s: float) -> None:
        self._close_s = close_s
        self._says = [wire.Envelope(type="welcome", seq=7), *[wire.Envelope(type="heartbeat", seq=8)] * 2]
        self.subscribed: list[wire.Subscribe] = []
        self.last_sign = 0.0

    async def __aenter__(self) -> Stream:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await asyncio.sleep(self._close_s)

    async def send_str(self, text: str) -> None:
        self.subscribed.append(msgspec.json.decode(text, type=wire.Subscribe))

    async def receive(self) -> aiohttp.WSMessage:
        if not self._says:
            await asyncio.sleep(3_600)
        await asyncio.sleep(wire.HEARTBEAT_S)
        self.last_sign = asyncio.get_running_loop().time()
        text = msgspec.json.encode(self._says.pop(0)).decode()
        return aiohttp.WSMessage(aiohttp.WSMsgType.TEXT, text, None)


class Session:
    def __init__(self) -> None:
        self.streams: list[Stream] = []

    async def ws_connect(self, _url: str, *, timeout: aiohttp.ClientWSTimeout, **_more: Any) -> Stream:
        assert timeout.ws_close is not None
        self.streams.append(Stream(timeout.ws_close))
        return self.streams[-1]


@in_virtual_time
async def test_a_silent_server_is_known_within_five_seconds_and_asked_for_what_was_missed() -> None:
    client, session = ServerClient("nowhere"), Session()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(client, "_open", lambda: session)
        patch.setattr(client, "_url", "http://nowhere", raising=False)
        told: list[tuple[float, Link]] = []
        now = asyncio.get_running_loop().time
        listening = asyncio.create_task(
            client.listen(lambda envelope: None, lambda link: told.append((now(), link)))
        )
        await asyncio.sleep(5 * KNOWN_WITHIN_S)
        listening.cancel()
    states = [link.state for _at, link in told]
    assert states[:3] == ["online", "offline", "online"]
    lost_at, lost = told[1]
    assert lost.why == "no sign of life"
    assert 0 < lost_at - session.streams[0].last_sign <= KNOWN_WITHIN_S
    assert session.streams[0].last_sign == pytest.approx(3 * wire.HEARTBEAT_S)
    assert session.streams[1].subscribed[0].resume == 8, "from the newest that was heard of"


def test_one_heartbeat_that_is_late_is_no_loss() -> None:
    assert 2 * wire.HEARTBEAT_S < wire.OFFLINE_AFTER_S < KNOWN_WITHIN_S
