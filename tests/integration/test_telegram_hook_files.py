"""The public door lets a channel fetch files before the commit, and never loses words for their sake."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import aiohttp
import msgspec
import pytest

from channels.base import Attachment, InboundEvent
from tests.fakes.door import EchoChannel, open_door

Complete = Callable[[EchoChannel, list[InboundEvent]], Awaitable[list[InboundEvent]]]
FILES = (
    Attachment(name="a", content_type="text/plain", ref="a"),
    Attachment(name="b", content_type="text/plain", data=b"here"),
)


async def fetched(channel: EchoChannel, events: list[InboundEvent]) -> list[InboundEvent]:
    files = tuple(msgspec.structs.replace(file, data=b"fetched") for file in FILES)
    return [msgspec.structs.replace(event, attachments=files) for event in events]


async def fails(channel: EchoChannel, events: list[InboundEvent]) -> list[InboundEvent]:
    raise RuntimeError("a fault")


async def hangs(channel: EchoChannel, events: list[InboundEvent]) -> list[InboundEvent]:
    await asyncio.Event().wait()
    return events


async def forgets(channel: EchoChannel, events: list[InboundEvent]) -> list[InboundEvent]:
    return events


@pytest.mark.parametrize(
    ("complete", "problem"),
    [(fetched, ""), (fails, "RuntimeError"), (hangs, "in time"), (forgets, "not fetched")],
)
async def test_files_come_with_the_event_or_say_why_not(
    complete: Complete, problem: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = EchoChannel.parse
    monkeypatch.setattr("server.public.hooks.COMPLETE_S", 0.05)
    monkeypatch.setattr(EchoChannel, "complete", complete)
    monkeypatch.setattr(
        EchoChannel,
        "parse",
        lambda self, hook: [msgspec.structs.replace(one, attachments=FILES) for one in plain(self, hook)],
    )
    async with open_door() as door, aiohttp.ClientSession() as session:
        url = f"{door.url}/hooks/main"
        async with session.post(url, data=b"one\ntwo", headers={"X-Sign": "good"}) as answer:
            assert answer.status == 200
    events = [delivery.event for delivery in door.host.deliveries if delivery.event]
    assert [event.text for event in events] == ["one", "two"]
    for event in events:
        first, second = event.attachments
        assert (first.data, problem in first.problem) == (None if problem else b"fetched", True)
        assert bool(first.problem) == bool(problem) and second.problem == ""
