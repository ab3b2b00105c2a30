"""Killed around each step of telling a receiver, then started again: it has every event, in order, and knows
what was repeated by its id."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from server.failpoints import POINTS
from server.store.offline import DATABASE
from server.webhooks import kinds
from tests.fakes.event_receiver import SECRET, EventReceiver
from tests.fakes.harsh_world import HarshWorld
from tests.fakes.patience import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEPS = [name for name in POINTS if name.startswith("webhook.")]
HASTY = "outbox.backoff=set:0.01"


class Bench:
    """A world whose server tells one receiver of what customers do; it grows over all cases."""

    def __init__(self, world: HarshWorld, receiver: EventReceiver) -> None:
        self.world = world
        self.receiver = receiver
        self._number = 0

    async def start(self, rules: str = "") -> None:
        await self.world.stop_server()
        self.world.arm(";".join(filter(None, (HASTY, rules))))
        await self.world.recover()

    async def until_killed(self) -> None:
        assert self.world.process is not None
        async with asyncio.timeout(30):
            assert await self.world.process.wait() == -signal.SIGKILL, self.world.log_text()[-4000:]

    def customers_write(self, count: int = 3) -> list[asyncio.Task[None]]:
        """Each repeats it until it is acknowledged, over any death of the server."""

        async def write() -> None:
            self._number += 1
            number = self._number
            await self.world.market.customer(f"Buyer {number}", f"buyer-{number}").say("Is it blue?")

        return [asyncio.create_task(write()) for _ in range(count)]

    def wanted(self) -> list[int]:
        path = self.world.data / DATABASE
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as books:
            rows = books.execute("SELECT seq, kind FROM event ORDER BY seq")
            return [seq for seq, kind in rows if kinds.wanted(kinds.DEFAULT, kind)]

    async def until_told(self) -> None:
        async def told() -> bool:
            return set(self.wanted()) <= set(self.receiver.seqs())

        await until(told, "the receiver is told of everything")
        taken = self.receiver.seqs()
        assert taken == self.wanted()[: len(taken)], "in the order of the log, which goes on"
        assert self.receiver.forged == 0


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncIterator[Bench]:
    receiver = EventReceiver()
    # Short: a Unix socket's path may have 107 bytes, and pytest's own are long.
    with tempfile.TemporaryDirectory(prefix="omni-") as folder:
        async with receiver.served():
            secret = Path(folder) / "crm.secret"
            secret.write_text(SECRET, encoding="utf-8")
            secret.chmod(0o600)
            table = f'[[webhooks]]\nname = "crm"\nurl = "{receiver.url}"\nsecret = "file:crm.secret"\n\n'
            head = '[[deadlines]]\npriority = "urgent"\n'
            async with HarshWorld(Path(folder), {head: table + head}) as world:
                yield Bench(world, receiver)


@pytest.mark.parametrize("hit", [1, 2])
@pytest.mark.parametrize("point", STEPS)
async def test_no_event_is_lost_and_each_repeat_is_known(bench: Bench, point: str, hit: int) -> None:
    await bench.start(f"{point}=kill@{hit}")
    writing = bench.customers_write()
    await bench.until_killed()
    taken = len(bench.receiver.taken)
    await bench.start()
    await asyncio.gather(*writing)
    await bench.until_told()
    repeated = len(bench.receiver.taken) - len(bench.receiver.once)
    if point == "webhook.after_send":
        assert bench.receiver.taken[taken]["id"] in {body["id"] for body in bench.receiver.taken[:taken]}
        assert repeated > 0


async def test_a_kill_while_the_receiver_is_away(bench: Bench) -> None:
    await bench.start()
    await bench.receiver.down()
    await asyncio.gather(*bench.customers_write())
    await bench.world.kill_server()
    await bench.start()
    await asyncio.gather(*bench.customers_write())
    await bench.receiver.up()
    await bench.until_told()
