"""Killed around an announcement and a closing, then started again: each customer is told once, each
conversation closed once.

One world for all cases of a process: after each case all of them are judged, so that what is said or closed
again much later is found as well. The days that a silence takes pass between two starts: its moments are
moved back in the rows of the stopped server.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from omni_console.client import ServerClient
from omni_console.demo.customers import Customer
from omni_console.demo.world import ServerDiedError
from server.protocol import ReplyCommand
from server.store.offline import DATABASE
from tests.fakes.harsh_world import HarshWorld
from tests.fakes.patience import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

TERMS = '[[silence]]\nannounce_after = "7d"\nclose_after = "48h"\n'
DAYS_MS = 8 * 86_400_000
ANNOUNCING = [
    ("silence.before_commit", "mail"),
    ("silence.after_commit", "mail"),
    ("outbox.leased", "market"),
    ("outbox.after_send", "market"),
    ("outbox.recorded", "mail"),
]
CLOSING = [("silence.before_commit", "mail"), ("silence.after_commit", "market")]


class Case(msgspec.Struct):
    customer: Customer
    conversation_id: int
    closed: bool = False


class Bench:
    def __init__(self, world: HarshWorld, client: ServerClient) -> None:
        self.world = world
        self.client = client
        self.cases: list[Case] = []

    async def silent(self, channel: str) -> Case:
        """A customer who was answered and says nothing more."""
        await self.world.stop_server()
        self.world.arm("")
        await self.world.recover()
        number = len(self.cases)
        customer: Customer
        if channel == "mail":
            customer = self.world.mailer(f"Mail {number}", f"writer{number}@example.net")
        else:
            customer = self.world.market.customer(f"Buyer {number}", f"buyer-{number}")
        await customer.say("Do you have it in blue?")

        async def arrived() -> bool:
            return bool((await self.client.conversations("queue")).items)

        await until(arrived, "the question arrives")
        [row] = (await self.client.conversations("queue")).items
        detail = await self.client.detail(row.id)
        way = detail.ways[0]
        answer = ReplyCommand(
            client_id=f"answer-{number}",
            text="Yes. Which size?",
            channel_id=way.channel_id,
            address_id=way.address_id,
            after_seq=detail.history.seq,
        )
        await self.client.reply(row.id, answer)
        case = Case(customer, row.id)
        self.cases.append(case)
        await self.until_step(case, "announce")
        await until(self._heard(case, 1), "the answer arrives")
        return case

    def _heard(self, case: Case, number: int) -> Any:
        async def heard() -> bool:
            return len(case.customer.heard) >= number

        return heard

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        path = self.world.data / DATABASE
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as books:
            return books.execute(sql, values).fetchall()

    async def until_step(self, case: Case, step: str) -> None:
        async def due() -> bool:
            found = self.rows("SELECT step FROM silence WHERE conversation_id = ?", case.conversation_id)
            return found == [(step,)]

        await until(due, f"{step} is what comes next")

    async def until_closed(self, case: Case) -> None:
        async def closed() -> bool:
            return self.rows("SELECT state FROM conversation WHERE id = ?", case.conversation_id) == [
                ("closed",)
            ]

        await until(closed, "it is closed")
        case.closed = True

    async def let_days_pass(self, case: Case, point: str = "") -> None:
        """In a stopped server; then it is started, to be killed at `point`, and started again."""
        await self.world.stop_server()
        with contextlib.closing(sqlite3.connect(self.world.data / DATABASE)) as books, books:
            for sql in (
                "UPDATE conversation SET sort_at = sort_at - :days WHERE id = :case",
                "UPDATE silence SET since = since - :days, announced_at = announced_at - :days,"
                " next_at = next_at - :days WHERE conversation_id = :case",
            ):
                books.execute(sql, {"days": DAYS_MS, "case": case.conversation_id})
        if point:
            self.world.arm(f"{point}=kill")
            with contextlib.suppress(ServerDiedError):  # it may die before it says that it is ready
                await self.world.start_server()
            assert self.world.process is not None
            async with asyncio.timeout(30):
                assert await self.world.process.wait() == -signal.SIGKILL, self.world.log_text()[-4000:]
        self.world.arm("")
        await self.world.recover()

    async def judge(self) -> None:
        """Each was told once, and closed at most once, in the books and at the customer's end."""
        await self.world.stop_server()
        for case in self.cases:
            told = self.rows(
                "SELECT m.status FROM auto_answer a JOIN message m ON m.id = a.message_id"
                " WHERE m.conversation_id = ?",
                case.conversation_id,
            )
            assert [status for (status,) in told] == ["sent"]
            answer, announcement = case.customer.heard
            assert answer == "Yes. Which size?"
            assert "closed in 2 days" in announcement
            closings = self.rows(
                "SELECT 1 FROM message WHERE conversation_id = ? AND event_kind = 'closed'",
                case.conversation_id,
            )
            moves = self.rows(
                "SELECT 1 FROM event WHERE kind = 'conversation.state' AND conversation_id = ?"
                " AND json_extract(data, '$.to') = 'closed'",
                case.conversation_id,
            )
            assert (len(closings), len(moves)) == (1, 1) if case.closed else (0, 0)


async def _soon(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.05))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def bench() -> AsyncIterator[Bench]:
    # Short: a Unix socket's path may have 107 bytes, and pytest's own are long.
    with tempfile.TemporaryDirectory(prefix="omni-") as folder:
        async with HarshWorld(Path(folder)) as world, ServerClient(str(world.socket), sleep=_soon) as client:
            with world.config.open("a") as config:
                config.write(TERMS)
            yield Bench(world, client)


@pytest.mark.parametrize(("point", "channel"), ANNOUNCING)
async def test_killed_around_the_announcement(bench: Bench, point: str, channel: str) -> None:
    case = await bench.silent(channel)
    await bench.let_days_pass(case, point)
    await bench.until_step(case, "close")
    await bench.let_days_pass(case)
    await bench.until_closed(case)
    await bench.judge()


@pytest.mark.parametrize(("point", "channel"), CLOSING)
async def test_killed_around_the_closing(bench: Bench, point: str, channel: str) -> None:
    case = await bench.silent(channel)
    await bench.let_days_pass(case)
    await bench.until_step(case, "close")
    await bench.let_days_pass(case, point)
    await bench.until_closed(case)
    await bench.judge()
