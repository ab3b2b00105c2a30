"""Killed at each step of first messages and forwards in their hold: after the restart one message leaves, or
one draft is there, never both, never none. OMNI_PROOF=1 kills at each point on the way of each of the two."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from omni_console.client import RefusedError, ServerClient
from server.protocol import Addressee, Conversation, Draft, FirstMessage, ForwardCommand, Message
from tests.fakes.harsh_world import HarshWorld
from tests.fakes.killed_desk import KilledDesk
from tests.fakes.patience import until

pytestmark = pytest.mark.asyncio(loop_scope="module")

HOLD_S = 1.0
KINDS = ("first", "forward")
LEAVING = ("later.written", "outbox.accepted", "outbox.queued", "later.leaving")
CASES = [(point, kind) for point in LEAVING for kind in KINDS]
if not os.environ.get("OMNI_PROOF"):
    CASES = list(zip(LEAVING, ("forward", "first", "forward", "first"), strict=True))


class Desk(KilledDesk):
    """Each case has a customer of its own, who wrote by mail."""

    async def asked(self, name: str) -> Conversation:
        """Somebody new who has asked something by mail."""
        await self.world.mailer(name, f"{name}@example.net").say("When does it leave?")
        found: list[Conversation] = []

        async def there() -> bool:
            found[:] = [
                one for one in (await self.client.conversations("queue")).items if one.customer == name
            ]
            return bool(found)

        await until(there, f"{name} is heard")
        return found[0]

    async def write(self, kind: str, beside: Conversation, name: str) -> Message:
        """The same name is the same message."""
        detail = await self.client.detail(beside.id)
        if kind == "first":
            first = FirstMessage(
                client_id=name,
                text=name,
                channel_id="mail",
                address_id=detail.ways[0].address_id,
                beside=beside.id,
                despite=["open_conversation"],
            )
            return await self.client.people.first_message(beside.customer_id, first)
        forward = ForwardCommand(
            client_id=name,
            channel_id="mail",
            to=[Addressee(address=f"{name}@else.example", written=True)],
            text=name,
            hold=True,
        )
        [asked] = [one for one in detail.history.messages if one.kind == "in"]
        return await self.client.forward(asked.id, forward)

    def left(self, name: str) -> int:
        """How many mails with this word were handed over."""
        return sum(f"\n{name}\r\n".encode() in mail.data for mail in self.world.sink.mails)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk() -> AsyncIterator[Desk]:
    hold = {
        "hold_letters_seconds = 0\n": f"hold_letters_seconds = {HOLD_S}\n",
        "poll_seconds = 2": "poll_seconds = 1",
    }
    # Short: a Unix socket's path may have 107 bytes, and pytest's own are long.
    with tempfile.TemporaryDirectory(prefix="omni-") as folder:
        async with HarshWorld(Path(folder), hold) as world, ServerClient(str(world.socket)) as client:
            yield Desk(world, client)


@pytest.mark.parametrize(("point", "kind"), CASES)
async def test_it_leaves_once(desk: Desk, point: str, kind: str) -> None:
    name = f"{kind}-{point}"
    await desk.start(f"{point}=kill")
    beside = await desk.asked(name)
    writing = asyncio.create_task(desk.insist(lambda: desk.write(kind, beside, name)))
    await desk.until_killed()
    assert desk.left(name) == 0
    await desk.start()
    await writing

    async def sent() -> bool:
        return await desk.client.outbox() == [] and desk.left(name) > 0

    await until(sent, "it was sent")
    said = desk.rows(
        "SELECT m.kind, m.status, o.state, m.conversation_id != ? FROM message m"
        " JOIN outbox o ON o.message_id = m.id WHERE m.client_id = ?",
        beside.id,
        name,
    )
    assert said == [("out", "sent", "sent", 1)]
    assert desk.rows("SELECT message_id FROM scheduled") == desk.rows("SELECT operator_id FROM draft") == []
    assert desk.left(name) == 1
    # Beside which it was written: the note about the forward, once; of a first message nothing.
    notes = desk.rows("SELECT text FROM message WHERE conversation_id = ? AND kind != 'in'", beside.id)
    assert len(notes) == (kind == "forward")


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_taken_back_is_a_draft_once_or_it_has_left(desk: Desk, kind: str) -> None:
    name = f"back-{kind}"
    await desk.start("later.taken_back=kill")
    beside = await desk.asked(name)
    written = await desk.write(kind, beside, name)
    taking = asyncio.create_task(desk.insist(lambda: desk.client.withdraw(written.id)))
    await desk.until_killed()
    assert desk.rows("SELECT message_id FROM scheduled") == [(written.id,)]
    assert desk.rows("SELECT operator_id FROM draft") == []
    await desk.start()
    with contextlib.suppress(RefusedError):  # the hold was over before the server was there again
        await taking

    async def decided() -> bool:
        return await desk.client.outbox() == [] and desk.rows("SELECT message_id FROM scheduled") == []

    await until(decided, "it left, or is a draft")
    left = desk.left(name)
    drafts = [(one.kind, one.text) for one in await desk.client.drafts()]
    assert drafts == ([] if left else [(kind, name)])
    assert desk.rows(
        "SELECT count(*) FROM outbox o JOIN message m ON m.id = o.message_id WHERE m.client_id = ?", name
    ) == [(left,)]
    assert left < 2
    for one in await desk.client.drafts():
        await desk.client.save_draft(Draft(conversation_id=one.conversation_id, kind=one.kind))
