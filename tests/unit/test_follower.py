"""What follows the commits: woken, gathered, alone, persistent, and gone when it is stopped."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from server.follower import Follower
from server.store.errors import StoreUnavailableError
from server.store.transaction import Event
from tests.fakes.virtual_time import in_virtual_time


class Rounds(Follower):
    """Notes when its rounds began; each takes `takes_s`, and may fail."""

    name = "rounds"

    def __init__(self) -> None:
        super().__init__()
        self.began: list[float] = []
        self.failures: list[Exception] = []
        self.takes_s = 0.0
        self.under_way = 0
        self.most_at_once = 0
        self.cut = 0

    def matters(self, event: Event) -> bool:
        return event.kind == "message.received"

    async def work(self) -> None:
        self.began.append(asyncio.get_running_loop().time())
        self.under_way += 1
        self.most_at_once = max(self.most_at_once, self.under_way)
        try:
            await asyncio.sleep(self.takes_s)
            if self.failures:
                raise self.failures.pop(0)
        except asyncio.CancelledError:
            self.cut += 1
            raise
        finally:
            self.under_way -= 1


def event(kind: str) -> Event:
    return Event(seq=1, at=0, kind=kind)


@in_virtual_time
async def test_it_begins_with_a_round_and_is_woken_by_what_matters() -> None:
    rounds = Rounds()
    await rounds.start()
    assert rounds.runs
    await asyncio.sleep(1)
    rounds.heard(event("conversation.state"))
    await asyncio.sleep(1)
    assert rounds.began == [0]
    rounds.heard(event("message.received"))
    await asyncio.sleep(1)
    assert rounds.began == [0, 2]
    await rounds.stop()


@in_virtual_time
async def test_commits_that_come_together_share_a_round() -> None:
    rounds = Rounds()
    rounds.gather_s = 0.5
    await rounds.start()
    await asyncio.sleep(10)
    for _ in range(4):
        rounds.heard(event("message.received"))
        await asyncio.sleep(0.1)
    await asyncio.sleep(10)
    assert rounds.began == [0.5, 10.5]
    await rounds.stop()


@in_virtual_time
async def test_what_comes_during_a_round_has_a_round_after_it() -> None:
    rounds = Rounds()
    rounds.takes_s = 2
    await rounds.start()
    await asyncio.sleep(1)
    rounds.soon()
    rounds.soon()
    await asyncio.sleep(10)
    assert rounds.began == [0, 2]
    await rounds.stop()


@in_virtual_time
async def test_it_never_runs_twice_at_once() -> None:
    rounds = Rounds()
    rounds.takes_s = 1
    await rounds.start()
    await asyncio.sleep(0.5)
    await asyncio.gather(rounds.catch_up(), rounds.catch_up())
    assert rounds.began == [0, 1, 2]
    assert rounds.most_at_once == 1
    await rounds.stop()


@in_virtual_time
async def test_it_comes_by_time_as_well() -> None:
    rounds = Rounds()
    rounds.every_s = 3
    await rounds.start()
    await asyncio.sleep(4)
    rounds.soon()
    await asyncio.sleep(5)
    assert rounds.began == [0, 3, 4, 7]
    await rounds.stop()


@in_virtual_time
async def test_after_a_failure_it_backs_off_says_so_and_goes_on() -> None:
    rounds = Rounds()
    rounds.failures = [StoreUnavailableError("the disk is full"), RuntimeError("planted")]
    with capture_logs() as lines:
        await rounds.start()
        await asyncio.sleep(1)
        rounds.soon()  # it would fail again: the store is as full as before
        await asyncio.sleep(19)
    assert rounds.began == [0, 5, 10]
    store, stumble = lines
    assert (store["log_level"], store["who"], store["reason"]) == ("warning", "rounds", "the disk is full")
    assert (stumble["log_level"], stumble["who"], stumble["exc_info"]) == ("error", "rounds", True)
    await rounds.stop()


@in_virtual_time
async def test_who_asks_for_a_round_hears_of_its_failure() -> None:
    rounds = Rounds()
    rounds.failures = [StoreUnavailableError("the disk is full")]
    with pytest.raises(StoreUnavailableError):
        await rounds.catch_up()
    await rounds.catch_up()  # and stands in nobody's way
    assert rounds.began == [0, 0]


@in_virtual_time
async def test_stopped_it_is_gone_whatever_it_was_at() -> None:
    idle, busy, failed, never = Rounds(), Rounds(), Rounds(), Rounds()
    busy.takes_s = 60
    failed.failures = [RuntimeError("planted")]
    with capture_logs():
        for one in (idle, busy, failed):
            await one.start()
        await asyncio.sleep(1)
    for one in (idle, busy, failed, never):
        await one.stop()
        await one.stop()
        one.soon()
    assert asyncio.get_running_loop().time() == 1
    await asyncio.sleep(100)
    assert (idle.began, busy.began, failed.began, never.began) == ([0], [0], [0], [])
    assert (idle.cut, busy.cut) == (0, 1)
    assert len(asyncio.all_tasks()) == 1
    assert not never.runs
