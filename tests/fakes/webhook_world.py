"""Servers that tell a system of the company, and what it must know by then."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from channels.secret import Secret
from server.protocol import WebhookInfo
from server.webhooks import kinds
from server.webhooks.settings import EventWebhookSettings
from tests.fakes.event_receiver import SECRET, EventReceiver
from tests.fakes.running_server import Running, running_server, until

NUMBERS = itertools.count(1)
HASTY = {"OMNI_TESTING": "1", "OMNI_FAILPOINTS": "outbox.backoff=set:0.002"}  # tried again within the test


def told(receiver: EventReceiver, **more: Any) -> tuple[EventWebhookSettings, ...]:
    return (EventWebhookSettings(url=receiver.url, secret=Secret(SECRET), **{"name": "crm", **more}),)


@contextlib.asynccontextmanager
async def served(
    receiver: EventReceiver | None, kept: Path | None = None, **more: Any
) -> AsyncIterator[Running]:
    """A server that tells this receiver; None: nobody."""
    tables: dict[str, Any] = {} if receiver is None else {"webhooks": told(receiver, **more)}
    async with running_server(kept, **tables) as running:
        running.numbers = NUMBERS  # what is said to one server is no repeat to the next
        yield running


async def wanted(run: Running, patterns: tuple[str, ...] = kinds.DEFAULT, after: int = 0) -> list[int]:
    """The seq of every event in the log that is asked for."""
    rows = await run.read("SELECT seq, kind FROM event WHERE seq > ? ORDER BY seq", after)
    return [row["seq"] for row in rows if kinds.wanted(patterns, row["kind"])]


async def caught_up(run: Running, receiver: EventReceiver, patterns: tuple[str, ...] = kinds.DEFAULT) -> None:
    """Until it took the newest event that it asks for; then: each of them once, in order, none forged."""
    newest = (await wanted(run, patterns))[-1]
    await until(lambda: newest in receiver.seqs())
    assert receiver.seqs() == await wanted(run, patterns)
    assert receiver.forged == 0


async def info(run: Running) -> WebhookInfo:
    [found] = await run.server.webhooks.infos()
    return found


async def failing(run: Running, times: int = 1) -> WebhookInfo:
    """Once so many attempts failed."""
    async with asyncio.timeout(10):
        while (found := await info(run)).tries < times:  # noqa: ASYNC110 - it happens in the server
            await asyncio.sleep(0.01)
    return found
