"""Killed at each step of what leaves later: scheduled answers, and those that are taken back."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from omni_console.client import ServerClient
from omni_console.demo.customers import SiteVisitor
from server.protocol import Message, ReplyCommand
from tests.fakes.harsh_world import HarshWorld
from tests.fakes.killed_desk import KilledDesk
from tests.fakes.patience import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOUR_MS = 3_600_000


class Desk(KilledDesk):
    """Each case has a visitor of its own."""

    async def asked(self, name: str) -> tuple[SiteVisitor, int]:
        """Somebody new who has asked something, and the conversation."""
        visitor = self.world.visitor(name)
        await visitor.arrive()
        await visitor.say("When does it leave?")
        [row] = (await self.client.conversations("queue")).items
        return visitor, row.id

    async def answer(self, conversation_id: int, text: str, after_ms: int | None = None) -> Message:
        """The same text is the same answer; `after_ms`: it leaves later."""
        detail = await self.client.detail(conversation_id)
        way = detail.ways[0]
        command = ReplyCommand(
            client_id=text,
            text=text,
            channel_id=way.channel_id,
            address_id=way.address_id,
            after_seq=detail.history.seq,
            at=None if after_ms is None else int(time.time() * 1000) + after_ms,
        )
        return await self.client.reply(conversation_id, command)

    async def until_sent(self, visitor: SiteVisitor) -> None:
        async def sent() -> bool:
            return await self.client.outbox() == [] and bool(visitor.heard)

        await until(sent, "everything was sent")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk() -> AsyncIterator[Desk]:
    # Short: a Unix socket's path may have 107 bytes, and pytest's own are long.
    with tempfile.TemporaryDirectory(prefix="omni-") as folder:
        async with HarshWorld(Path(folder)) as world, ServerClient(str(world.socket)) as client:
            yield Desk(world, client)


@pytest.mark.parametrize("point", ["later.written", "outbox.accepted", "later.leaving"])
async def test_a_scheduled_answer_leaves_once(desk: Desk, point: str) -> None:
    await desk.start(f"{point}=kill")
    visitor, key = await desk.asked(point)
    writing = asyncio.create_task(desk.insist(lambda: desk.answer(key, point, after_ms=1500)))
    await desk.until_killed()
    await desk.start()
    await writing
    await desk.until_sent(visitor)
    assert desk.rows("SELECT m.kind, o.state FROM message m JOIN outbox o ON o.message_id = m.id"
                     " WHERE m.client_id = ?", point) == [("out", "sent")]  # fmt: skip
    assert desk.rows("SELECT message_id FROM scheduled") == []
    assert visitor.heard == [point]
    await visitor.leave()


async def test_what_is_taken_back_is_a_draft_once_and_is_not_sent(desk: Desk) -> None:
    await desk.start("later.taken_back=kill")
    visitor, key = await desk.asked("taken back")
    written = await desk.answer(key, "It leaves in the morning.", after_ms=HOUR_MS)
    taking = asyncio.create_task(desk.insist(lambda: desk.client.withdraw(written.id)))
    await desk.until_killed()
    assert desk.rows("SELECT message_id FROM scheduled") == [(written.id,)]
    await desk.start()
    taken, again = await taking, await desk.client.withdraw(written.id)
    assert taken.draft.text == again.draft.text == "It leaves in the morning."
    assert await desk.client.outbox() == []
    assert visitor.heard == []
    await visitor.leave()
