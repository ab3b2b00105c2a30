"""Consoles that come at a bad moment still hear everything."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from server.clock import SystemClock
from server.hub import Frame, Hub, Subscription
from server.marks import Marks
from server.protocol import OperatorInfo
from server.store import offline
from server.store.database import Database
from server.store.transaction import Event, Snapshot

T = TypeVar("T")


class HeldDatabase(Database):
    """Reads wait until they are let through."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, SystemClock())
        self.let = asyncio.Event()
        self.let.set()
        self.read_begun = asyncio.Event()

    async def read(self, fn: Callable[[Snapshot], T]) -> T:
        result = await super().read(fn)
        self.read_begun.set()
        await self.let.wait()
        return result


async def test_a_console_that_subscribes_while_an_event_is_being_published_hears_it(tmp_path: Path) -> None:
    offline.create(tmp_path)
    database = HeldDatabase(tmp_path / offline.DATABASE)
    await database.open()
    try:
        hub = Hub(database, Marks({}), 0)
        database.on_commit = hub.publish
        hub.watch("site", "somebody's chat")  # a visitor is looking, no console yet
        database.let.clear()
        seq = await database.write(lambda tx: tx.emit("customer.changed"))
        await database.read_begun.wait()

        console = hub.subscribe(OperatorInfo(id=1, login="olga", name="Olga", role="admin"))
        resume_from = console.examined
        database.let.set()
        heard = await console.wait(10.0)

        assert resume_from < seq
        assert heard
        assert [number for number, _ in console.take()] == [seq]
    finally:
        database.let.set()
        await database.close()


async def test_an_event_that_comes_as_a_heartbeat_falls_due_is_sent_before_it() -> None:
    """The heartbeat says how far everything was sent: a console that believes it skips what is older."""
    subscription = Subscription(OperatorInfo(id=1, login="olga", name="Olga", role="admin"), 0)
    waiting = asyncio.create_task(subscription.wait(0.0))
    await asyncio.sleep(0)  # it waits
    await asyncio.sleep(0)  # its time is over, and it has not been told yet
    subscription.offer([Frame(Event(seq=1, at=0, kind="customer.changed"), b"{}")])
    assert await waiting
    assert [number for number, _ in subscription.take()] == [1]


async def test_a_stream_that_is_ended_for_a_gap_sends_nothing_beyond_it() -> None:
    """Whoever heard a later event would resume after it, and never hear what could not be read."""
    subscription = Subscription(OperatorInfo(id=1, login="olga", name="Olga", role="admin"), 0)
    subscription.offer([Frame(Event(seq=1, at=0, kind="customer.changed"), b"{}")])
    subscription.end("event 2 could not be read")
    subscription.offer([Frame(Event(seq=3, at=0, kind="customer.changed"), b"{}")])
    assert [number for number, _ in subscription.take()] == [1]
