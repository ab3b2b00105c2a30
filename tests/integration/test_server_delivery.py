"""Replies on their way: order, retries, the unknown result, and what an operator makes of it."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from channels.base import BadCredentials, Failed, Retry, Unknown
from omni_console.client import ServerClient
from server.pace import Pace
from server.protocol import Message, NoteCommand
from server.store.transaction import Event
from tests.fakes.running_server import Running, only, refusal, running_server, until


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


async def message(client: ServerClient, conversation_id: int, message_id: int) -> Message:
    river = (await client.detail(conversation_id)).history.messages
    return next(one for one in river if one.id == message_id)


def look_again(run: Running) -> None:
    """Wake the outbox: its pauses are real time, which the clock of a test does not move."""
    for listener in run.server.hub.on_event:
        listener(Event(seq=0, at=0, kind="message.queued"))


async def letter_answered(run: Running, client: ServerClient, address: str = "ivan@example.org") -> Message:
    receipt = await run.letters.hear(address, "hello")
    assert receipt.conversation_id is not None
    reply = await run.answer(client, receipt.conversation_id, f"hi {address}")
    await run.settled()
    return reply


async def test_an_unknown_result_comes_back_and_is_never_sent_again_by_itself(run: Running) -> None:
    olga = await run.client()
    run.letters.results.append(Unknown("the link broke after the last byte"))
    reply = await letter_answered(run, olga)
    shown = await message(olga, reply.conversation_id, reply.id)
    assert (shown.status, shown.error) == ("unknown", "the link broke after the last byte")
    conversation = await only(olga)
    assert (conversation.state, conversation.unsettled, conversation.assignee) == ("open", 1, "Olga")
    assert (await olga.counts()).unsettled == 1
    [item] = await olga.outbox()
    assert (item.message.id, item.state, item.attempts) == (reply.id, "unknown", 1)
    run.clock.advance(30 * 86_400_000)
    look_again(run)  # it may look as often as it likes
    await letter_answered(run, olga, "other@example.org")
    assert [sent.to for sent in run.letters.sent] == ["ivan@example.org", "other@example.org"]


@pytest.mark.parametrize("problem", [RuntimeError("a defect of the adapter"), Unknown("?")])
async def test_what_the_adapter_cannot_say_is_unknown(problem: Unknown | Exception, run: Running) -> None:
    olga = await run.client()
    run.letters.results.append(problem)
    reply = await letter_answered(run, olga)
    assert (await message(olga, reply.conversation_id, reply.id)).status == "unknown"


@pytest.mark.parametrize(
    ("verdict", "status", "state", "sends"),
    [("arrived", "sent", "waiting", 1), ("again", "sent", "waiting", 2), ("drop", "failed", "open", 1)],
)
async def test_settling_one(verdict: str, status: str, state: str, sends: int, run: Running) -> None:
    olga = await run.client()
    run.letters.results.append(Unknown("?"))
    reply = await letter_answered(run, olga)
    settled = await olga.settle(verdict, [reply.id, 999])  # type: ignore[arg-type]
    assert settled.message_ids == [reply.id]
    await run.settled()
    shown = await message(olga, reply.conversation_id, reply.id)
    assert shown.status == status
    conversation = await only(olga)
    assert (conversation.state, conversation.unsettled) == (state, 0)
    assert await olga.outbox() == []
    assert len(run.letters.sent) == sends
    assert len({(sent.key, sent.remote_id) for sent in run.letters.sent}) == 1  # the same identity
    assert (await olga.settle(verdict, [reply.id])).message_ids == []  # type: ignore[arg-type]


async def test_settling_in_bulk(run: Running) -> None:
    olga = await run.client()
    run.letters.results += [Unknown("?"), Failed("no such mailbox"), Unknown("?"), Unknown("?")]
    replies = [await letter_answered(run, olga, f"writer{number}@example.org") for number in range(4)]
    assert (await olga.counts()).unsettled == 4
    some = await olga.settle("arrived", [replies[0].id, replies[1].id])
    assert some.message_ids == [replies[0].id, replies[1].id]
    rest = await olga.settle("again", everything=True)
    assert rest.message_ids == [replies[2].id, replies[3].id]
    await run.settled()
    assert (await olga.counts()).unsettled == 0
    assert sorted(sent.to for sent in run.letters.sent) == sorted(
        ["writer0@example.org", "writer1@example.org"] + ["writer2@example.org", "writer3@example.org"] * 2
    )
    assert (await olga.settle("drop", everything=True)).message_ids == []


async def test_one_doubt_settled_leaves_the_other(run: Running) -> None:
    olga = await run.client()
    run.letters.results += [Unknown("?"), Unknown("?")]
    first = await letter_answered(run, olga)
    second = await run.answer(olga, first.conversation_id, "and another thing")
    await run.settled()
    assert (await only(olga)).unsettled == 2
    await olga.settle("arrived", [second.id])
    row = await only(olga)
    assert (row.unsettled, row.state) == (1, "open")  # the ball is with us while one is in doubt
    await olga.settle("arrived", [first.id])
    row = await only(olga)
    assert (row.unsettled, row.state) == (0, "waiting")


async def test_a_customer_who_wrote_meanwhile_keeps_the_conversation_open(run: Running) -> None:
    olga = await run.client()
    run.letters.results.append(Unknown("?"))
    reply = await letter_answered(run, olga)
    await run.letters.hear("ivan@example.org", "no answer yet?")
    await olga.settle("arrived", [reply.id])
    assert (await only(olga)).state == "open"


async def test_a_failed_reply_gives_the_ball_back(run: Running) -> None:
    olga = await run.client()
    stream = await run.listen()
    run.letters.results.append(Failed("550 no such mailbox"))
    reply = await letter_answered(run, olga)
    await stream.reached(await run.newest())
    states = [body.data for body in stream.bodies("conversation.state")]
    assert states[-1] == {"from": "waiting", "to": "open", "why": "failed"}
    shown = await message(olga, reply.conversation_id, reply.id)
    assert (shown.status, shown.error) == ("failed", "550 no such mailbox")


async def test_a_message_that_is_sent_again_gets_its_whole_time_again(run: Running) -> None:
    olga = await run.client()
    run.letters.results += [Failed("mailbox full"), Retry("greylisted")]
    reply = await letter_answered(run, olga)
    run.clock.advance(86_400_000)
    await olga.settle("again", [reply.id])
    await until(lambda: len(run.letters.sent) == 2)
    await run.settled()
    assert (await message(olga, reply.conversation_id, reply.id)).status == "retrying"


async def test_transient_trouble_is_tried_again_with_the_same_key(run: Running) -> None:
    olga = await run.client()
    await run.hook("hello")
    run.receiver.answers += [503, 429, 200]
    conversation = await only(olga)
    reply = await run.answer(olga, conversation.id, "hi")
    for tries in (1, 2, 3):
        await until(lambda tries=tries: len(run.receiver.tries) == tries)  # type: ignore[misc]
        await run.settled()
        run.clock.advance(60_000)
        look_again(run)
    assert run.receiver.texts() == ["hi"]
    assert len(set(run.receiver.tries)) == 1
    assert (await message(olga, conversation.id, reply.id)).status == "sent"


async def test_a_later_reply_never_overtakes_an_earlier_one(run: Running) -> None:
    olga = await run.client()
    await run.hook("hello")
    conversation = await only(olga)
    run.receiver.answers += [503]
    await run.answer(olga, conversation.id, "first")
    await run.answer(olga, conversation.id, "second")
    await run.hook("somebody else", sender="buyer-2", key="order-2")
    [other] = (await olga.conversations("queue")).items
    await run.answer(olga, other.id, "in another thread")
    await until(lambda: run.receiver.texts() == ["in another thread"])
    run.clock.advance(60_000)
    look_again(run)
    await until(lambda: run.receiver.texts() == ["in another thread", "first", "second"])


async def test_wrong_credentials_pause_the_channel_and_lose_nothing(run: Running) -> None:
    olga = await run.client()
    run.letters.results.append(BadCredentials("535 rejected"))
    reply = await letter_answered(run, olga)
    [mail] = [channel for channel in await olga.channels() if channel.id == "mail"]
    assert (mail.state, mail.detail) == ("bad_credentials", "535 rejected")
    shown = await message(olga, reply.conversation_id, reply.id)
    assert (shown.status, "535" in shown.error) == ("retrying", True)
    second = await run.letters.hear("ivan@example.org", "hello?")
    assert second.conversation_id is not None
    await run.answer(olga, second.conversation_id, "patience")
    await asyncio.sleep(0.05)
    assert len(run.letters.sent) == 1


async def test_receipts_move_the_status_forward_only(run: Running) -> None:
    olga = await run.client()
    await run.hook("hello")
    conversation = await only(olga)
    texts = ["one", "two", "three"]
    replies = []
    for text in texts:
        replies.append(await run.answer(olga, conversation.id, text))
        await run.settled()
    key = run.receiver.tries

    async def statuses() -> list[str]:
        return [(await message(olga, conversation.id, reply.id)).status for reply in replies]

    await run.hook("", kind="delivery", target=key[0])
    assert await statuses() == ["delivered", "sent", "sent"]
    await run.hook("", kind="read", target=key[1])
    assert await statuses() == ["read", "read", "sent"]
    await run.hook("", kind="delivery", target=key[2])
    await run.hook("", kind="delivery", target=key[1])
    assert await statuses() == ["read", "read", "delivered"]
    assert (await only(olga)).state == "waiting"


async def test_what_was_closed_on_an_answer_that_fails_later_is_open_and_nobodys(run: Running) -> None:
    """Whoever closed it looks there no more, and the customer still waits."""
    olga = await run.client()
    await run.hook("hello")
    key = (await only(olga)).id
    await run.answer(olga, key, "hi")
    await run.settled()
    await olga.close_conversation(key, "greeting", "greeted")
    stream = await run.listen()
    await run.hook("", kind="failed", target=run.receiver.tries[0], detail={"reason": "number unknown"})
    row = await only(olga)
    assert (row.state, row.assignee_id, row.unsettled) == ("open", None, 1)
    assert row.waiting_since == run.clock.now()
    said = [(one.kind, one.text) for one in (await olga.detail(key)).history.messages]
    assert said == [("in", "hello"), ("out", "hi"), ("system", "greeting: greeted")]
    [moved] = stream.bodies("conversation.state")
    assert moved.data == {"from": "closed", "to": "open", "why": "failed"}


async def test_an_answer_at_which_it_was_not_left_opens_nothing_when_it_fails_late(run: Running) -> None:
    olga = await run.client()
    await run.hook("hello")
    key = (await only(olga)).id
    await run.answer(olga, key, "hi")
    await run.settled()
    await run.hook("I called you meanwhile, thanks")
    await olga.close_conversation(key, "greeting", "greeted")
    await run.hook("", kind="failed", target=run.receiver.tries[0], detail={"reason": "number unknown"})
    row = (await olga.detail(key)).conversation
    assert (row.state, row.unsettled) == ("closed", 1)


async def test_a_provider_that_fails_after_it_took_over_is_noticed(run: Running) -> None:
    """The bounce after the "sent": the customer did not get it, so somebody must see it."""
    olga = await run.client()
    await run.hook("hello")
    conversation = await only(olga)
    reply = await run.answer(olga, conversation.id, "hi")
    await run.settled()
    await run.hook("", kind="failed", target=run.receiver.tries[0], detail={"reason": "number unknown"})
    shown = await message(olga, conversation.id, reply.id)
    assert (shown.status, shown.error) == ("failed", "number unknown")
    row = await only(olga)
    assert (row.state, row.unsettled) == ("open", 1)
    [item] = await olga.outbox()
    assert (item.message.id, item.state) == (reply.id, "failed")
    assert (await olga.settle("drop", [reply.id])).message_ids == [reply.id]
    # What he has read did arrive, whatever comes after it.
    second = await run.answer(olga, conversation.id, "again")
    await run.settled()
    await run.hook("", kind="read", target=run.receiver.tries[-1])
    await run.hook("", kind="failed", target=run.receiver.tries[-1])
    assert (await message(olga, conversation.id, second.id)).status == "read"


async def test_a_visitor_reads_the_answer_and_we_hear_of_it(run: Running) -> None:
    olga = await run.client()
    visitor = await run.visitor()
    await visitor.say("hello")
    conversation = await only(olga)
    await olga.note(conversation.id, NoteCommand(client_id="n-1", text="for us alone"))
    reply = await run.answer(olga, conversation.id, "hi")
    await run.settled()
    seen = await visitor.read(2)
    assert [(one["mine"], one["text"], one["author"]) for one in seen] == [
        (True, "hello", ""),
        (False, "hi", "Olga"),
    ]
    await visitor.post("/read", {"seq": seen[-1]["seq"]})
    assert (await message(olga, conversation.id, reply.id)).status == "read"


async def test_a_stop_in_the_middle_of_a_send(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was in the air is unknown at the next start; what waited behind it is sent then."""
    monkeypatch.setattr("server.app.DRAIN_S", 0.05)
    with tempfile.TemporaryDirectory(prefix="omni-") as made:
        async with running_server(Path(made)) as run:
            olga = await run.client()
            run.letters.gate.clear()
            await run.letters.hear("ivan@example.org", "hello")
            conversation = await only(olga)
            inside = await run.answer(olga, conversation.id, "in the air")
            await until(lambda: len(run.letters.sent) == 1)
            waiting = await run.answer(olga, conversation.id, "behind it")
        async with running_server(Path(made)) as run:
            olga = await run.client()
            await run.settled()
            assert (await message(olga, conversation.id, inside.id)).status == "unknown"
            assert (await message(olga, conversation.id, waiting.id)).status == "sent"
            assert [sent.text for sent in run.letters.sent] == ["behind it"]
            assert (await only(olga)).unsettled == 1


async def test_a_stop_before_a_send_leaves_nothing_in_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    """It waits for its turn in the channel's pace: surely it was not sent."""
    monkeypatch.setattr("server.app.DRAIN_S", 0.05)
    with tempfile.TemporaryDirectory(prefix="omni-") as made:
        async with running_server(Path(made)) as run:
            olga = await run.client()
            turn = asyncio.Event()

            async def wait(self: Pace) -> None:
                turn.set()
                await asyncio.Event().wait()

            with monkeypatch.context() as patched:
                patched.setattr(Pace, "turn", wait)
                await run.letters.hear("ivan@example.org", "hello")
                conversation = await only(olga)
                reply = await run.answer(olga, conversation.id, "patience")
                await turn.wait()
        async with running_server(Path(made)) as run:
            olga = await run.client()
            await run.settled()
            assert (await message(olga, conversation.id, reply.id)).status == "sent"
            assert [sent.text for sent in run.letters.sent] == ["patience"]


async def test_replies_on_a_channel_that_is_gone_are_refused(run: Running) -> None:
    olga = await run.client()
    await run.hook("hello")
    conversation = await only(olga)
    detail = await olga.detail(conversation.id)
    command = run.command("hi", detail.ways[0], detail.history.seq)
    command.channel_id = "gone"
    problem = await refusal(olga.reply(conversation.id, command))
    assert (problem.status, problem.body.code) == (409, "illegal_state")
