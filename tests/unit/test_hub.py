"""The hub between the log and the consoles: the moments at which something could fall between two chairs."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from server import hub as module
from server.clock import HeldClock
from server.hub import Frame, Hub, Subscription
from server.marks import Marks
from server.protocol import Company, OperatorInfo, Whereabouts
from server.store import customer_view, offline
from server.store.database import Database
from server.store.transaction import Event, Snapshot

OLGA = OperatorInfo(id=1, login="olga", name="Olga", role="operator")
IVAN = OperatorInfo(id=2, login="ivan", name="Ivan", role="reader")


def frame(seq: int, kind: str = "message.received", owner: int | None = None, size: int = 10) -> Frame:
    return Frame(Event(seq=seq, at=0, kind=kind, operator_id=owner), b"x" * size)


def taken(subscription: Subscription) -> list[int]:
    return [seq for seq, _ in subscription.take()]


class World:
    def __init__(self, database: Database) -> None:
        self.database = database
        self.hub = Hub(database, Marks({}), 0)
        database.on_commit = self.hub.publish

    async def emit(self, kind: str = "operator.changed", owner: int | None = None) -> int:
        return await self.database.write(lambda tx: tx.emit(kind, operator_id=owner))

    async def published(self, seq: int) -> None:
        async with asyncio.timeout(10):
            while self.hub.last_published < seq:  # noqa: ASYNC110 - what is looked at has no event
                await asyncio.sleep(0.001)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    offline.create(tmp_path)
    database = Database(tmp_path / offline.DATABASE, HeldClock())
    await database.open()
    yield World(database)
    await database.close()


def test_each_event_once_in_order_and_only_ones_own() -> None:
    subscription = Subscription(OLGA, 5)
    subscription.offer([frame(4), frame(5), frame(6), frame(7, "draft.saved", 2), frame(8, "draft.saved", 1)])
    subscription.offer([frame(8), frame(9, "conversation.seen", 2)])
    assert taken(subscription) == [6, 8]
    assert subscription.examined == 9


def test_only_the_newest_glimpse_of_a_conversation_waits_and_it_cuts_nobody_off() -> None:
    subscription = Subscription(OLGA, 5)
    for number in range(module.QUEUE_EVENTS_MAX + 1):
        subscription.glimpse(Company(conversation_id=7 + number % 2), b"%d" % number)
    assert not subscription.cut_off
    assert subscription.is_empty  # nothing of the log waits
    assert subscription.take_passing() == [b"1000", b"999"]
    assert subscription.take_passing() == []
    assert (subscription.take(), subscription.examined) == ([], 5)


def test_who_is_shut_out_is_told_of_nobody() -> None:
    subscription = Subscription(structs.replace(OLGA, disabled=True), 5)
    subscription.glimpse(Company(conversation_id=7), b"x")
    assert subscription.take_passing() == []


def test_what_a_stream_that_is_over_says_is_not_heard() -> None:
    hub = Hub(Database(Path("nowhere"), HeldClock()), Marks({}), 0)
    subscription = hub.subscribe(OLGA)
    hub.attend(subscription, Whereabouts(open=[7]), 1_000)
    assert [one.conversation_id for one in hub.onlookers.told()] == [7]
    hub.unsubscribe(subscription, 2_000)
    hub.attend(subscription, Whereabouts(open=[7]), 3_000)
    assert hub.onlookers.told() == []


@pytest.mark.parametrize(
    ("count", "size"), [(module.QUEUE_EVENTS_MAX + 1, 1), (5, module.QUEUE_BYTES_MAX // 4)]
)
def test_a_full_queue_cuts_off_without_a_gap(count: int, size: int) -> None:
    subscription = Subscription(OLGA, 0)
    for seq in range(1, count + 1):
        subscription.offer([frame(seq, size=size)])
    assert subscription.cut_off
    subscription.offer([frame(count + 1)])
    assert taken(subscription) == list(range(1, count + 1))
    subscription.offer([frame(count + 2)])
    assert taken(subscription) == []  # sent now it would hide what was dropped


def test_an_ended_stream_sends_nothing_beyond_the_gap() -> None:
    subscription = Subscription(OLGA, 0)
    subscription.offer([frame(1)])
    subscription.end("the log could not be read")
    subscription.offer([frame(3)])
    assert taken(subscription) == [1]


async def test_what_comes_as_the_time_runs_out_is_no_silence() -> None:
    """A heartbeat would speak of it as sent, and the console would take it for old."""
    subscription = Subscription(OLGA, 0)
    waiting = asyncio.create_task(subscription.wait(0))
    await asyncio.sleep(0)  # it waits, and its time is over at the next turn of the loop
    await asyncio.sleep(0)
    subscription.offer([frame(1)])
    assert await waiting
    assert taken(subscription) == [1]
    assert not await subscription.wait(0.001)


async def test_a_console_that_comes_during_a_publication_misses_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = world.hub.watch("site", "visitor")  # somebody listens, but no console yet
    reading, go_on = threading.Event(), threading.Event()
    original = customer_view.threads_of

    def slowly(*arguments: Any) -> Any:
        reading.set()
        assert go_on.wait(10)
        return original(*arguments)

    monkeypatch.setattr(customer_view, "threads_of", slowly)
    seq = await world.emit()
    await asyncio.to_thread(reading.wait, 10)
    late = world.hub.subscribe(OLGA)
    resume = late.examined
    go_on.set()
    await world.published(seq)
    replayed: list[int] = []

    async def send(number: int, _: bytes) -> None:
        replayed.append(number)

    assert await world.hub.replay(OLGA, 0, resume, send)
    assert replayed + taken(late) == [seq]
    watch.close()


async def test_who_is_online_may_be_asked_from_another_thread(world: World) -> None:
    """The writer's thread asks while consoles come and go on the loop's."""

    class Coming:
        """A console during whose examination another one comes."""

        bearer = None

        @property
        def operator(self) -> OperatorInfo:
            world.hub.subscribe(IVAN)
            return OLGA

    world.hub.subscribe(OLGA)
    world.hub._subscriptions.add(Coming())  # type: ignore[arg-type]
    assert not world.hub.is_online(99)
    assert world.hub.is_online(OLGA.id)


async def test_replay_pages_and_knows_its_limits(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPLAY_PAGE", 7)
    seqs = [
        await world.emit("draft.saved" if number % 5 == 0 else "operator.changed", 2) for number in range(40)
    ]
    heard: list[int] = []

    async def send(number: int, _: bytes) -> None:
        heard.append(number)

    assert await world.hub.replay(OLGA, seqs[3], seqs[30], send)
    assert heard == [seq for number, seq in enumerate(seqs) if 3 < number <= 30 and number % 5]
    await world.database.write(lambda tx: tx.run("DELETE FROM event WHERE seq <= ?", (seqs[10],)))
    assert await world.hub.replay(OLGA, seqs[10], seqs[10], send)
    assert not await world.hub.replay(OLGA, seqs[9], seqs[30], send)
    assert not await world.hub.replay(OLGA, seqs[-1] + 100, seqs[-1], send)


async def test_a_log_that_cannot_be_read_ends_the_streams(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    subscription = world.hub.subscribe(OLGA)
    first = await world.emit()
    await world.published(first)

    def broken(tx: Snapshot, *_: Any) -> Any:
        raise RuntimeError("a defect")

    with monkeypatch.context() as patched:
        patched.setattr(module, "frames", broken)
        second = await world.emit()
        await world.published(second)
    assert "resume" in subscription.closed
    assert taken(subscription) == [first]
    third = await world.emit()
    await world.published(third)
    assert taken(subscription) == []


async def test_a_watch_wakes_for_its_own_thread_and_is_gone_when_closed(world: World) -> None:
    mine, other = world.hub.watch("site", "a"), world.hub.watch("site", "b")
    mine.wake()
    await asyncio.wait_for(mine.changed(), 5)
    for watch in (mine, other):
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(watch.changed(), 0.01)
    mine.close()
    mine.close()
    other.close()
    assert world.hub._watches == {}
