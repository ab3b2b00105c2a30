"""The site chat takes conversations over that began elsewhere, and forgets visits that are over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp.test_utils import TestClient, TestServer

from channels.base import ChannelError
from channels.testkit import MemoryHost, door
from channels.webchat import WebchatChannel, WebchatSettings, session
from channels.webchat.settings import check

SHOP = "https://shop.example"
DAY_MS = 86_400_000
TOKEN = "Zm9sbG93LXRoaXMtbGluaw"  # as a link of ours carries it


class Chat:
    def __init__(self) -> None:
        self.host = MemoryHost("site")
        self.host.clock = 1_795_262_400_000
        self.channel = WebchatChannel("site", WebchatSettings(kind="webchat", origins=[SHOP]))
        self.client: TestClient[Any, Any]

    async def post(self, path: str, body: dict[str, Any], token: str = "") -> tuple[int, dict[str, Any]]:
        headers = {"Origin": SHOP} | ({"Authorization": f"Bearer {token}"} if token else {})
        async with self.client.post(f"/webchat/site{path}", json=body, headers=headers) as answer:
            return answer.status, await answer.json()

    async def begin(self) -> str:
        status, answer = await self.post("/session", {"protocol": 1})
        assert status == 200
        return str(answer["token"])


@pytest.fixture
async def chat(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Chat]:
    monkeypatch.setattr(WebchatChannel, "sweep_every_s", 0.01)
    made = Chat()
    await made.channel.start(made.host)
    async with TestClient(TestServer(door(made.channel, made.host))) as client:
        made.client = client
        yield made
    await made.channel.stop()


async def test_a_link_is_taken_to_the_server_with_who_follows_it(chat: Chat) -> None:
    token = await chat.begin()
    assert await chat.post("/continue", {"token": TOKEN}, token) == (200, {"continued": True})
    [delivery] = chat.host.deliveries
    event = delivery.event
    assert event is not None
    assert (event.kind, event.token, event.thread) == ("continued", TOKEN, event.sender.external_id)
    # The journal keeps no token, nor does the key by which a repeat is known.
    assert TOKEN.encode() not in delivery.raw and TOKEN not in delivery.dedupe_key
    assert (await chat.post("/continue", {"token": TOKEN}, token))[0] == 200
    assert len(chat.host.deliveries) == 1


async def test_what_is_no_token_is_refused(chat: Chat) -> None:
    token = await chat.begin()
    for body in ({}, {"token": 1}, {"token": ""}, {"token": "a b c d e f g h"}, {"token": "x" * 65}):
        assert (await chat.post("/continue", body, token))[0] == 400
    assert (await chat.post("/continue", {"token": TOKEN}))[0] == 401


async def test_visits_that_are_over_are_swept(chat: Chat) -> None:
    assert chat.host.clock is not None
    old = await chat.begin()
    chat.host.clock += 100 * DAY_MS
    young = await chat.begin()
    assert set(chat.host.stored()) == {session.state_key(old), session.state_key(young)}
    chat.host.clock += 100 * DAY_MS
    async with asyncio.timeout(20):
        while session.state_key(old) in chat.host.stored():  # noqa: ASYNC110 - the channel knows no test
            await asyncio.sleep(0.005)
    assert session.state_key(young) in chat.host.stored()


async def test_thousands_of_visits_are_swept_page_by_page() -> None:
    host = MemoryHost("site")
    host.clock = 1_795_262_400_000
    for number in range(1203):
        await session.create(host, 1 if number % 3 else 2, None)
    host.clock += DAY_MS
    assert await session.sweep(host) == 802
    assert len(host.stored()) == 401
    assert await session.sweep(host) == 0


def test_where_a_link_leads() -> None:
    settings = WebchatSettings(kind="webchat", origins=[SHOP, "https://other.example"])
    assert WebchatChannel("site", settings).continue_link("TOKEN") == f"{SHOP}/#omni-chat=TOKEN"
    settings.page_url = "https://other.example/help?lang=ru"
    assert (
        WebchatChannel("site", settings).continue_link("TOKEN")
        == "https://other.example/help?lang=ru#omni-chat=TOKEN"
    )
    for wrong in ("https://evil.example/", f"{SHOP}/#top", "https://shop.example.evil.example/", "help"):
        settings.page_url = wrong
        with pytest.raises(ChannelError):
            check("site", settings)
