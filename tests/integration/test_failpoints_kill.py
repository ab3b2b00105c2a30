"""Killed at each step of taking in and of sending, on each channel; then started again and judged.

One world for all cases of a process: its books grow, and are judged as a whole after each case, so that a
reply that is sent again much later is found as well. A second kill during the recovery is tried once;
OMNI_PROOF=1 tries it at more of the points that a recovery meets.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from omni_console.client import ServerClient
from omni_console.demo.customers import Customer, SiteVisitor
from omni_console.demo.world import ServerDiedError
from server.failpoints import POINTS
from tests.chaos.checker import Heard, History, Said, judge
from tests.chaos.evidence import collect
from tests.chaos.load import Operator
from tests.chaos.storm import IDEMPOTENT
from tests.fakes.harsh_world import HarshWorld
from tests.fakes.patience import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANNELS = ("site", "market", "mail")
INTAKE = [name for name in POINTS if name.startswith("intake.")]
PARSE = [name for name in POINTS if name.startswith("parse.")]
OUTBOX = [name for name in POINTS if name.startswith("outbox.")]
CASES = [
    *((point, channel) for point in (*INTAKE, *OUTBOX) for channel in CHANNELS),
    *((point, "mail") for point in PARSE),  # only mail is parsed apart
]
# Between these, a mail may have gone out or not, and nobody else can know: the operator is asked.
IN_DOUBT = ("outbox.leased", "outbox.before_send", "outbox.after_send", "outbox.before_record")
# What a recovery from a kill at the first point surely meets.
TWICE = [
    ("intake.before_commit", "intake.after_commit", "market"),
    ("intake.after_commit", "parse.begun", "mail"),
    ("parse.begun", "parse.before_commit", "mail"),
    ("parse.done", "parse.begun", "mail"),
    ("outbox.leased", "outbox.after_send", "market"),
    ("outbox.after_send", "outbox.after_send", "market"),
    ("outbox.after_send", "outbox.before_record", "site"),
    ("outbox.before_record", "outbox.recorded", "market"),
]
# Where the machine fails us once, and the process lives on.
ERRORS = (
    CASES
    if os.environ.get("OMNI_PROOF")
    else [("intake.after_commit", "mail"), ("outbox.after_send", "mail")]
)
SECOND_KILLS = TWICE if os.environ.get("OMNI_PROOF") else TWICE[5:6]


class Bench:
    """A world, an operator who answers everything and a console that listens, over any number of cases."""

    def __init__(self, world: HarshWorld, client: ServerClient) -> None:
        self.world = world
        self.history = History()
        self.operator = Operator(client, self.history)
        self.client = client
        self.numbers = itertools.count(1)
        self.told: set[str] = set()  # findings of earlier cases

    def customer(self, channel: str) -> Customer:
        number = next(self.numbers)
        name = f"{channel} {number}"
        made: Customer
        if channel == "site":
            made = self.world.visitor(name)
        elif channel == "market":
            made = self.world.market.customer(name, f"buyer-{number}")
        else:
            made = self.world.mailer(name, f"writer{number}@example.net")
        made.on_heard = lambda customer, text: self.history.heard.append(Heard(customer.name, text))
        return made

    def question(self, customer: Customer) -> str:
        return f"{customer.name} asks"

    def say(self, customer: Customer) -> asyncio.Task[None]:
        """He writes, and repeats it as his end does, until he is acknowledged."""
        text = self.question(customer)
        place = len(self.history.said)
        self.history.said.append(Said(customer.name, text, acknowledged=False))

        async def say() -> None:
            await customer.say(text)
            self.history.said[place] = Said(customer.name, text, acknowledged=True)

        return asyncio.create_task(say())

    async def start(self, point: str = "") -> None:
        """With a failpoint: to be killed there."""
        await self.start_with(f"{point}=kill" if point else "")

    async def start_with(self, rules: str) -> None:
        await self.world.stop_server()  # it still runs where the case before this one failed
        self.world.arm(rules)
        await self.world.recover()

    async def until_killed(self) -> None:
        """Until the server has killed itself; nobody else kills it here."""
        assert self.world.process is not None
        async with asyncio.timeout(30):
            assert await self.world.process.wait() == -signal.SIGKILL, self.world.log_text()[-4000:]

    async def until_settled(self, customer: Customer) -> None:
        """Until he was answered, has heard all that is not unknown, and nothing moves any more."""

        async def settled() -> bool:
            queue, mine = await self.client.conversations("queue"), await self.client.conversations("mine")
            if any(item.waiting_since is not None for item in [*queue.items, *mine.items]):
                return False
            left = await self.client.outbox()
            doubts = {item.message.text for item in left}
            due = [text for text in self.replies_to(customer) if text not in doubts]
            return (
                all(item.state in ("unknown", "failed") for item in left)
                and bool(due)
                and set(due) <= set(customer.heard)
            )

        await until(settled, f"{customer.name} is answered")
        assert await self.operator.found(self.question(customer))
        await self.operator.until_heard()

    def replies_to(self, customer: Customer) -> list[str]:
        return [reply.text for reply in self.history.replies if reply.customer == customer.name]

    async def end(self, customer: Customer, saying: asyncio.Task[None], folder: Path) -> None:
        async with asyncio.timeout(40):
            await saying
        await self.until_settled(customer)
        if isinstance(customer, SiteVisitor):
            await customer.leave()
        assert await self._judge(folder) == []

    async def _judge(self, folder: Path) -> list[str]:
        """Stop the server; what is wrong now and was not before."""
        await self.world.stop_server()
        verdict = judge(
            self.history, collect(self.world.data, folder), lambda channel_id: channel_id in IDEMPOTENT
        )
        news = [line for line in verdict.findings() if line not in self.told]
        self.told.update(news)
        return news


async def _soon(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.05))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncIterator[Bench]:
    # Short: a Unix socket's path may have 107 bytes, and pytest's own are long.
    with tempfile.TemporaryDirectory(prefix="omni-") as folder:
        async with HarshWorld(Path(folder)) as world, ServerClient(str(world.socket), sleep=_soon) as client:
            made = Bench(world, client)
            await world.stop_server()
            tasks = [asyncio.create_task(made.operator.listen()), asyncio.create_task(made.operator.work())]
            yield made
            for task in tasks:
                task.cancel()
            for end in await asyncio.gather(*tasks, return_exceptions=True):
                assert isinstance(end, asyncio.CancelledError), end


@pytest.mark.parametrize(("point", "channel"), CASES)
async def test_killed_at_each_step_and_started_again(
    bench: Bench, point: str, channel: str, tmp_path: Path
) -> None:
    await bench.start(point)
    customer = bench.customer(channel)
    saying = bench.say(customer)
    await bench.until_killed()
    await bench.start()
    await bench.end(customer, saying, tmp_path)

    replies = bench.replies_to(customer)
    if channel in IDEMPOTENT or point not in IN_DOUBT:
        assert customer.heard == replies
        assert len(replies) == 1
    else:
        # The operator was shown that it is unknown, and answered anew: the first is never sent by itself.
        gone_out = point in ("outbox.after_send", "outbox.before_record")
        assert customer.heard == (replies if gone_out else replies[1:])
        assert len(replies) == 2


@pytest.mark.parametrize(("point", "then", "channel"), SECOND_KILLS)
async def test_killed_again_while_it_recovers(
    bench: Bench, point: str, then: str, channel: str, tmp_path: Path
) -> None:
    await bench.start(point)
    customer = bench.customer(channel)
    saying = bench.say(customer)
    await bench.until_killed()
    with contextlib.suppress(ServerDiedError):  # it may die before it says that it is ready
        bench.world.arm(f"{then}=kill")
        await bench.world.start_server()
    await bench.until_killed()
    await bench.start()
    await bench.end(customer, saying, tmp_path)
    replies = bench.replies_to(customer)
    assert customer.heard == replies
    assert len(replies) == 1


@pytest.mark.parametrize(("point", "channel"), ERRORS)
async def test_an_error_at_each_step(bench: Bench, point: str, channel: str, tmp_path: Path) -> None:
    """Once, as a machine without memory or descriptors would; it goes on without a restart."""
    await bench.start_with(f"{point}=error@1;outbox.lease_ms=set:1500;outbox.backoff=set:0.1")
    customer = bench.customer(channel)
    await bench.end(customer, bench.say(customer), tmp_path)
    replies = bench.replies_to(customer)
    in_doubt = channel == "mail" and len(replies) == 2
    assert customer.heard in (replies, replies[1:] if in_doubt else replies)
    assert len(replies) == 1 or in_doubt
