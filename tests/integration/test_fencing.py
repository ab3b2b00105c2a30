"""A worker that was away for longer than its lease: what was decided meanwhile stands.

Stopped programs, suspended machines and slow disks all look like this. Two processes cannot share a data
directory, so two workers on one database show the rule; a process that is really stopped shows the rest.
"""

from __future__ import annotations

import asyncio
import signal
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from msgspec.structs import replace

from channels.base import Channel, ChannelSpec, Failed, Retry, SendResult, Sent
from omni_console.client import ServerClient
from omni_console.demo.customers import Customer, SiteVisitor
from server.outbox import LEASE_MS, Outbox
from server.protocol import Message
from server.store.transaction import Event
from tests.fakes.harsh_world import HarshWorld
from tests.fakes.letters import LettersChannel
from tests.fakes.patience import until as patiently
from tests.fakes.running_server import Running, only, running_server, until
from tests.integration.test_faults_send import answered


class NumberedLetters(LettersChannel):
    """Letters whose receiver knows a repeat by its key."""

    spec: ClassVar[ChannelSpec] = replace(
        LettersChannel.spec, capabilities=replace(LettersChannel.spec.capabilities, idempotent=True)
    )


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


def second_worker(run: Running, letters: LettersChannel) -> Outbox:
    """Another outbox on the same database, as a second process would be."""
    channels: dict[str, Channel] = {"mail": letters}
    server = run.server
    return Outbox(server.database, server.blobs, channels, run.clock, lambda channel, health: None, "other")


def be_idempotent(run: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(run.letters), "spec", NumberedLetters.spec)


def look_again(run: Running) -> None:
    """Wake the server's own worker: its pauses are real time."""
    for listener in run.server.hub.on_event:
        listener(Event(seq=0, at=0, kind="message.queued"))


async def held_at_the_gate(run: Running, client: ServerClient) -> Message:
    """A reply that the server's own worker is sending, and that does not come back."""
    run.letters.gate.clear()
    await run.letters.hear("ivan@example.org", "hello")
    reply = await run.answer(client, (await only(client)).id, "the answer")
    await until(lambda: len(run.letters.sent) == 1)
    return reply


async def state_of(run: Running, reply: Message) -> tuple[str, str, int]:
    [row] = await run.read(
        "SELECT o.state, m.status, o.attempts FROM outbox o JOIN message m ON m.id = o.message_id"
        " WHERE m.id = ?",
        reply.id,
    )
    return row["state"], row["status"], row["attempts"]


async def late_result(run: Running, result: SendResult) -> None:
    """The first worker comes back with its result, and has nothing more to do with it."""
    run.letters.results.append(result)
    before = await run.newest()
    run.letters.gate.set()
    await until(lambda: not any(task.get_name().startswith("send ") for task in asyncio.all_tasks()))
    assert await run.newest() == before


@pytest.mark.parametrize("result", [Sent(remote_id="late"), Failed("late"), Retry("late")])
async def test_a_late_result_changes_nothing_that_was_decided_meanwhile(
    result: SendResult, run: Running
) -> None:
    """Not idempotent: shown as unknown, and whatever the first worker learns later, it stays that."""
    olga = await run.client()
    reply = await held_at_the_gate(run, olga)
    run.clock.advance(LEASE_MS + 1)
    letters = LettersChannel("mail", run.letters.settings)
    other = second_worker(run, letters)
    await other.start()
    try:
        assert await state_of(run, reply) == ("unknown", "unknown", 1)
        await late_result(run, result)
        assert await state_of(run, reply) == ("unknown", "unknown", 1)
        assert letters.sent == []  # never by itself
    finally:
        await other.stop(1.0)


@pytest.mark.parametrize("result", [Sent(remote_id="late"), Failed("late"), Retry("late")])
async def test_on_an_idempotent_channel_the_second_worker_sends_and_the_first_changes_nothing(
    result: SendResult, run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_idempotent(run, monkeypatch)
    olga = await run.client()
    reply = await held_at_the_gate(run, olga)
    run.clock.advance(LEASE_MS + 1)
    letters = LettersChannel("mail", run.letters.settings)
    other = second_worker(run, letters)
    await other.start()
    try:
        await run.settled()
        assert await state_of(run, reply) == ("sent", "sent", 2)
        await late_result(run, result)
        assert await state_of(run, reply) == ("sent", "sent", 2)
        assert [sent.message_id for sent in letters.sent] == [reply.id]
    finally:
        await other.stop(1.0)


async def test_a_late_result_is_not_taken_for_that_of_a_later_try_of_the_same_worker(run: Running) -> None:
    """The operator sends again what was declared unknown; the same worker leases it anew. What its first,
    forgotten try says now is not what became of the second."""
    olga = await run.client()
    reply = await held_at_the_gate(run, olga)
    first_gate, run.letters.gate = run.letters.gate, asyncio.Event()
    other = second_worker(run, LettersChannel("mail", run.letters.settings))
    await other.start()  # it declares unknown what it finds, as a new process does
    await other.stop(1.0)
    assert (await state_of(run, reply))[0] == "unknown"
    await olga.settle("again", [reply.id])
    await until(lambda: len(run.letters.sent) == 2)
    run.letters.results.append(Failed("the first try, late"))
    first_gate.set()
    await until(lambda: sum(task.get_name() == f"send {reply.id}" for task in asyncio.all_tasks()) == 1)
    assert (await state_of(run, reply))[0] == "sending"
    run.letters.gate.set()
    await run.settled()
    assert (await state_of(run, reply))[:2] == ("sent", "sent")
    assert len(run.letters.sent) == 2


async def test_no_two_leases_are_the_same(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("ivan@example.org", "hello")
    tokens: list[str] = []
    for text in ("one", "two"):
        run.letters.gate.clear()
        await run.answer(olga, (await only(olga)).id, text)
        await until(lambda: not run.letters.gate.is_set() and len(run.letters.sent) == len(tokens) + 1)
        [row] = await run.read("SELECT lease FROM outbox WHERE state = 'sending'")
        tokens.append(row["lease"])
        run.letters.gate.set()
        await run.settled()
    assert tokens[0] != tokens[1]


@pytest.mark.parametrize("idempotent", [False, True])
async def test_a_worker_that_still_sends_does_not_doubt_itself(
    idempotent: bool, run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine slept in the middle of a send: the lease is over, but nobody else could have taken it,
    and the answer is about to come."""
    if idempotent:
        be_idempotent(run, monkeypatch)
    olga = await run.client()
    reply = await held_at_the_gate(run, olga)
    run.clock.advance(10 * LEASE_MS)
    look_again(run)
    await run.letters.hear("other@example.org", "hello")  # the worker has surely looked since
    for _ in range(5):
        look_again(run)
        await asyncio.sleep(0.02)
    assert (await state_of(run, reply))[0] == "sending"
    run.letters.gate.set()
    await run.settled()
    assert await state_of(run, reply) == ("sent", "sent", 1)
    assert len(run.letters.sent) == 1


async def test_a_lease_whose_send_ended_without_a_result_is_resolved(
    run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody sends it any more: when its lease is over it is shown as unknown, also without a restart."""

    async def break_down(*_: object) -> None:
        raise RuntimeError("a defect of ours")

    monkeypatch.setattr(Outbox, "_finish", break_down)
    olga = await run.client()
    await run.letters.hear("ivan@example.org", "hello")
    reply = await run.answer(olga, (await only(olga)).id, "the answer")
    await until(lambda: len(run.letters.sent) == 1)
    assert (await state_of(run, reply))[0] == "sending"
    run.clock.advance(LEASE_MS + 1)
    look_again(run)

    async def unknown() -> bool:
        return (await state_of(run, reply))[0] == "unknown"

    await patiently(unknown, "it is shown as unknown")
    assert len(run.letters.sent) == 1


async def test_a_stop_gives_back_what_has_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow pace lets replies wait longer than any stop: they are sent after the next start, and the stop
    does not wait for them."""
    monkeypatch.setattr("server.app.DRAIN_S", 3600.0)
    slow = replace(
        LettersChannel.spec, capabilities=replace(LettersChannel.spec.capabilities, pace_per_s=1e-3)
    )
    with tempfile.TemporaryDirectory(prefix="omni-") as made:
        with monkeypatch.context() as patched:
            patched.setattr(LettersChannel, "spec", slow)
            async with asyncio.timeout(60), running_server(Path(made)) as run:
                olga = await run.client()
                writers = [f"writer{number}@example.org" for number in range(4)]
                replies = []
                for writer in writers:
                    receipt = await run.letters.hear(writer, "hello")
                    assert receipt.conversation_id is not None
                    replies.append(await run.answer(olga, receipt.conversation_id, f"hi {writer}"))
                leased = "SELECT count(*) AS n FROM outbox WHERE state = 'sending'"

                async def waiting() -> bool:
                    return len(run.letters.sent) == 1 and (await run.read(leased))[0]["n"] == 3

                await patiently(waiting, "one is sent and three wait for their turn")
        async with running_server(Path(made)) as run:
            await run.settled()
            for reply in replies:
                assert await state_of(run, reply) == ("sent", "sent", 1)
            # Between conversations there is no order.
            assert sorted(sent.to for sent in run.letters.sent) == writers[1:]


LEASE = "outbox.lease_ms=set:400"
AWAY_S = 1.0


async def until_stopped(world: HarshWorld) -> None:
    async def stopped() -> bool:
        fields = Path(f"/proc/{world.pid}/stat").read_text().rpartition(")")[2].split()
        return fields[0] == "T"

    await patiently(stopped, "the server stands still")


async def outcome(client: ServerClient, reply: Message) -> str:
    async def settled() -> bool:
        return all(item.state in ("unknown", "failed") for item in await client.outbox())

    await patiently(settled, "the outbox is quiet")
    history = await client.history(reply.customer_id, None)
    return next(message.status for message in history.messages if message.id == reply.id)


@pytest.mark.parametrize("channel", ["site", "market", "mail"])
async def test_a_process_that_stood_still_with_the_result_in_its_hands(channel: str, tmp_path: Path) -> None:
    """Stopped after the send and before the result is stored, for longer than the lease: it goes on and
    stores the result. Nothing is sent twice and nobody is asked."""
    async with HarshWorld(tmp_path) as world, ServerClient(str(world.socket)) as client:
        await world.stop_server()
        world.arm(f"{LEASE};outbox.after_send=stop@1")
        await world.start_server()
        customer: Customer = world.visitor("Vera")
        if channel == "market":
            customer = world.market.customer("Boris", "boris")
        elif channel == "mail":
            customer = world.mailer("Anna", "anna@example.org")
        await customer.say("the question")
        answering = asyncio.create_task(answered(client, customer))
        await until_stopped(world)
        await asyncio.sleep(AWAY_S)
        world.signal(signal.SIGCONT)
        reply = await answering
        assert await outcome(client, reply) == "sent"

        async def heard() -> bool:
            return bool(customer.heard)

        await patiently(heard, "the customer hears the answer")
        await asyncio.sleep(AWAY_S)  # some leases long: it would be sent again by now
        assert customer.heard == ["the answer"]
        assert await client.outbox() == []
        if isinstance(customer, SiteVisitor):
            await customer.leave()


async def test_a_process_that_stood_still_in_the_middle_of_a_mail(tmp_path: Path) -> None:
    """Stopped while the mail server holds its answer back, for longer than the lease."""
    async with HarshWorld(tmp_path) as world, ServerClient(str(world.socket)) as client:
        await world.stop_server()
        world.arm(LEASE)
        await world.start_server()
        taken = world.sink.handle_DATA
        has_it, may_answer = asyncio.Event(), asyncio.Event()

        async def hold(server: SMTP, session: Session, envelope: Envelope) -> Any:
            answer = await taken(server, session, envelope)
            has_it.set()
            await may_answer.wait()
            return answer

        world.sink.handle_DATA = hold  # type: ignore[method-assign]
        writer = world.mailer("Anna", "anna@example.org")
        await writer.say("the question")
        reply = await answered(client, writer)
        async with asyncio.timeout(30):
            await has_it.wait()
        world.signal(signal.SIGSTOP)
        await until_stopped(world)
        await asyncio.sleep(AWAY_S)
        world.signal(signal.SIGCONT)
        await asyncio.sleep(AWAY_S)  # it works again, its lease long over, and the answer is still to come
        assert [item.state for item in await client.outbox()] == ["sending"]
        may_answer.set()
        assert await outcome(client, reply) == "sent"
        assert len(world.sink.mails) == 1
        assert writer.heard == ["the answer"]
