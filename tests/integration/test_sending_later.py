"""Scheduled replies leave at their time, or come back as a draft with the reason; they are never lost."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from omni_console.client import ServerClient
from server.cases import leaving
from server.protocol import Conversation, Message
from tests.fakes.running_server import IVAN, Running, only, refusal, running_server, until

HOUR = 3_600_000


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


async def scheduled(
    run: Running, client: ServerClient, conversation: Conversation, text: str = "good morning", **more: Any
) -> Message:
    detail = await client.detail(conversation.id)
    at = run.clock.now() + 2 * HOUR
    command = run.command(text, detail.ways[0], detail.history.seq, **({"at": at} | more))
    return await client.reply(conversation.id, command)


async def asked(run: Running, client: ServerClient) -> Conversation:
    await run.hook("when do you open?")
    return await only(client)


async def shown(client: ServerClient, message: Message) -> Message:
    river = (await client.detail(message.conversation_id)).history.messages
    return next(one for one in river if one.id == message.id)


async def came_back(client: ServerClient, message: Message, why: str) -> None:
    there = await shown(client, message)
    assert (there.status, there.kind_of_event, there.error) == ("withdrawn", "cancelled", why)
    assert [draft.text for draft in await client.drafts()] == [message.text]
    assert await client.outbox() == []


async def test_it_leaves_at_its_time_and_is_said_then(run: Running) -> None:
    olga = await run.client()
    conversation = await asked(run, olga)
    message = await scheduled(run, olga, conversation)
    assert (message.status, message.kind_of_event) == ("scheduled", "scheduled")
    assert message.leaves_at == run.clock.now() + 2 * HOUR
    asleep = await only(olga)
    assert (asleep.state, asleep.snooze_until, asleep.assignee) == ("snoozed", message.leaves_at, "Olga")
    [item] = await olga.outbox()
    assert (item.state, item.due_at, item.message.id) == ("scheduled", message.leaves_at, message.id)
    run.clock.advance(2 * HOUR - 1000)
    assert run.receiver.texts() == []
    run.clock.advance(2000)
    await until(lambda: run.receiver.texts() == ["good morning"])
    await run.settled()
    said = await shown(olga, message)
    assert (said.kind, said.status, said.leaves_at) == ("out", "sent", None)
    assert said.at == run.clock.now()
    assert said.seq > message.seq
    awake = await only(olga)
    assert (awake.state, awake.preview, awake.reply_seq) == ("waiting", "good morning", said.seq)
    assert await olga.outbox() == []
    assert [hit.message.id for hit in (await olga.search("morning")).hits] == [message.id]


async def test_the_customers_word_through_another_door_cancels_it(run: Running) -> None:
    olga = await run.client()
    ivan = await run.visitor(sub="u-7", email="ivan@example.org", email_verified=True)
    await ivan.say("my card is blocked")
    conversation = await only(olga)
    message = await scheduled(run, olga, conversation)
    listening = await run.listen()
    await run.letters.hear("ivan@example.org", "it works again, thank you")
    await came_back(olga, message, leaving.CUSTOMER_WROTE)
    assert [one.state for one in (await olga.conversations("all")).items] == ["open"]
    await until(lambda: bool(listening.bodies("message.withdrawn")))
    [told] = listening.bodies("message.withdrawn")
    assert told.message is not None
    assert told.message.status == "withdrawn"
    run.clock.advance(3 * HOUR)
    assert run.receiver.texts() == []


async def test_kept_it_goes_though_the_customer_writes(run: Running) -> None:
    olga = await run.client()
    conversation = await asked(run, olga)
    message = await scheduled(run, olga, conversation, keep=True)
    await run.hook("hello?")
    assert (await shown(olga, message)).status == "scheduled"
    run.clock.advance(2 * HOUR + 1000)
    await until(lambda: run.receiver.texts() == ["good morning"])


async def test_a_machine_that_answers_cancels_nothing(run: Running) -> None:
    olga = await run.client()
    receipt = await run.letters.hear("ivan@example.org", "hello")
    conversation = await only(olga)
    message = await scheduled(run, olga, conversation)
    assert receipt.conversation_id == conversation.id
    await run.letters.hear("ivan@example.org", "I am on holiday", automatic=True)
    assert (await shown(olga, message)).status == "scheduled"


async def test_a_colleagues_answer_cancels_it_and_ones_own_does_not(run: Running) -> None:
    olga, ivan = await run.client(), await run.client(IVAN)
    conversation = await asked(run, olga)
    message = await scheduled(run, olga, conversation)
    await run.answer(olga, conversation.id, "one moment")
    assert (await shown(olga, message)).status == "scheduled"
    await run.answer(ivan, conversation.id, "we open at nine")
    await run.settled()
    await came_back(olga, message, leaving.COLLEAGUE_ANSWERED)
    assert await ivan.drafts() == []


async def test_closing_gives_it_back(run: Running) -> None:
    olga = await run.client()
    conversation = await asked(run, olga)
    message = await scheduled(run, olga, conversation)
    await olga.close_conversation(conversation.id, "hours", "told")
    await came_back(olga, message, leaving.CLOSED)


async def test_a_blocked_address_gives_it_back_at_its_time(run: Running) -> None:
    olga = await run.client()
    conversation = await asked(run, olga)
    message = await scheduled(run, olga, conversation)
    await run.server.database.write(lambda tx: tx.run("UPDATE address SET blocked = 1"))
    run.clock.advance(2 * HOUR + 1000)
    async with asyncio.timeout(10):
        while await olga.outbox():  # noqa: ASYNC110 - the server looks by itself
            await asyncio.sleep(0.005)
    await came_back(olga, message, leaving.NO_WAY)
    assert (await only(olga)).state == "open"
    assert run.receiver.texts() == []


async def test_it_can_be_moved_sent_now_or_taken_back(run: Running) -> None:
    olga, ivan = await run.client(), await run.client(IVAN)
    conversation = await asked(run, olga)
    message = await scheduled(run, olga, conversation)
    later = run.clock.now() + 5 * HOUR
    assert (await refusal(ivan.leave(message.id, later))).body.code == "illegal_state"
    moved = await olga.leave(message.id, later, keep=True)
    assert moved.leaves_at == later
    assert (await only(olga)).snooze_until == later
    [item] = await olga.outbox()
    assert item.keep
    run.clock.advance(3 * HOUR)
    assert run.receiver.texts() == []
    await olga.leave(message.id)
    await until(lambda: run.receiver.texts() == ["good morning"])
    await run.settled()
    again = await scheduled(run, olga, conversation, "good night")
    taken = await olga.withdraw(again.id)
    assert taken.draft.text == "good night"
    assert (await only(olga)).state == "waiting"
    river = (await olga.detail(conversation.id)).history.messages
    assert again.id not in [one.id for one in river], "what its author takes back was never there"


async def test_a_time_must_be_one(run: Running) -> None:
    olga = await run.client()
    conversation = await asked(run, olga)
    for at in (run.clock.now(), run.clock.now() - 1, run.clock.now() + 400 * 24 * HOUR):
        assert (await refusal(scheduled(run, olga, conversation, at=at))).body.code == "illegal_state"
    await olga.close_conversation(conversation.id, "hours", "told")
    error = await refusal(scheduled(run, olga, conversation))
    assert error.body.message == "the conversation is closed"


async def test_clock_jumps_neither_lose_nor_double_it(run: Running) -> None:
    olga = await run.client()
    conversation = await asked(run, olga)
    await scheduled(run, olga, conversation)
    run.clock.advance(-24 * HOUR)
    await olga.outbox()
    assert run.receiver.texts() == []
    run.clock.advance(400 * 24 * HOUR)
    await until(lambda: run.receiver.texts() == ["good morning"])
    await run.settled()
    run.clock.advance(-400 * 24 * HOUR)
    run.clock.advance(400 * 24 * HOUR)
    await run.answer(olga, conversation.id, "still there?")
    await until(lambda: run.receiver.texts() == ["good morning", "still there?"])


async def test_what_came_due_while_the_server_was_away_leaves_when_it_is_back() -> None:
    with tempfile.TemporaryDirectory(prefix="omni-") as folder:
        async with running_server(Path(folder)) as run:
            olga = await run.client()
            conversation = await asked(run, olga)
            message = await scheduled(run, olga, conversation)
        async with running_server(Path(folder)) as run:
            olga = await run.client()
            assert (await shown(olga, message)).status == "scheduled"
            run.clock.advance(3 * HOUR)
            await until(lambda: run.receiver.texts() == ["good morning"])


async def test_an_erased_person_gets_nothing(run: Running) -> None:
    olga = await run.client()
    conversation = await asked(run, olga)
    await scheduled(run, olga, conversation)
    path = f"/v1/customers/{conversation.customer_id}/erase"
    body = msgspec.json.encode({"name": conversation.customer, "reason": "asked for it"})
    assert (await run.ask("POST", path, body, uid=None))[0] == 200
    assert await olga.outbox() == []
    assert await run.read("SELECT 1 FROM scheduled") == []
    run.clock.advance(3 * HOUR)
    assert run.receiver.texts() == []
