"""Undo send: a reply waits out its hold on the server; until its first try begins it can be taken back."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from omni_console.client import RefusedError, ServerClient
from server.protocol import Conversation, Draft, Message, NoteCommand, SpamCommand
from server.settings import SendingSettings
from server.store.transaction import Event
from tests.fakes.running_server import IVAN, NO_HOLD, Running, only, refusal, running_server, until

HOUR = 3_600_000
HOLD = SendingSettings(hold_letters_seconds=10, hold_chats_seconds=4)


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server(sending=HOLD) as running:
        yield running


def later(run: Running, seconds: float) -> None:
    """Time passes, and the outbox looks: its pauses are real, which the clock of a test does not move."""
    run.clock.advance(int(seconds * 1000))
    for listener in run.server.hub.on_event:
        listener(Event(seq=0, at=0, kind="message.queued"))


async def written(run: Running, olga: ServerClient, text: str = "good news") -> Message:
    receipt = await run.letters.hear("ivan@example.org", "hello")
    assert receipt.conversation_id is not None
    return await run.answer(olga, receipt.conversation_id, text)


async def test_it_waits_as_long_as_its_kind_of_channel_says_then_leaves(run: Running) -> None:
    olga = await run.client()
    letter = await written(run, olga)
    assert (letter.status, letter.leaves_at) == ("queued", run.clock.now() + 10_000)
    await run.hook("where is it?")
    [chat] = [one for one in (await olga.conversations("queue")).items if one.channel_id == "market"]
    reply = await run.answer(olga, chat.id, "on its way")
    assert reply.leaves_at == run.clock.now() + 4_000
    assert [one.id for one in await olga.held()] == [letter.id, reply.id]
    later(run, 5)
    await until(lambda: run.receiver.texts() == ["on its way"])
    assert run.letters.sent == []
    later(run, 5)
    await until(lambda: [one.text for one in run.letters.sent] == ["good news"])
    await run.settled()
    assert await olga.held() == []


async def test_taken_back_it_is_a_draft_and_the_conversation_is_as_before(run: Running) -> None:
    olga, ivan = await run.client(), await run.client(IVAN)
    receipt = await run.letters.hear("ivan@example.org", "hello")
    assert receipt.conversation_id is not None
    before = await only(olga)
    upload = await olga.put_up(before.id, "map.png", b"png")
    detail = await olga.detail(before.id)
    command = run.command("turn left", detail.ways[0], detail.history.seq, upload_ids=[upload.id])
    reply = await olga.reply(before.id, command)
    listening = await run.listen(IVAN)
    taken = await olga.withdraw(reply.id)
    assert (taken.message.status, taken.message.kind_of_event) == ("withdrawn", "withdrawn")
    assert (taken.draft.text, [file.name for file in taken.draft.files]) == ("turn left", ["map.png"])
    after = await only(olga)
    assert (after.state, after.assignee_id, after.waiting_since) == ("open", None, before.waiting_since)
    assert (after.preview, after.reply_seq) == (before.preview, before.reply_seq)
    assert after.sort_at == before.sort_at
    later(run, 60)
    assert run.letters.sent == []
    # Nobody is shown it; a repeat of the reply or of the taking back changes nothing.
    assert [one.text for one in (await ivan.detail(before.id)).history.messages] == ["hello"]
    assert (await olga.search("turn")).hits == []
    await until(lambda: bool(listening.events("message.withdrawn")))
    assert (await olga.reply(before.id, command)).status == "withdrawn"
    assert (await olga.withdraw(reply.id)).draft.text == "turn left"
    # Sent once more, its file goes along.
    again = run.command("turn right", detail.ways[0], detail.history.seq)
    again.upload_ids = [file.id for file in taken.draft.files]
    await olga.reply(before.id, again)
    later(run, 11)
    await until(lambda: bool(run.letters.sent))
    [sent] = run.letters.sent
    assert (sent.text, [file.name for file in sent.files]) == ("turn right", ["map.png"])


async def test_taken_back_the_conversation_does_not_say_that_somebody_replied(run: Running) -> None:
    olga, ivan = await run.client(), await run.client(IVAN)
    receipt = await run.letters.hear("ivan@example.org", "hello")
    assert receipt.conversation_id is not None
    key = receipt.conversation_id
    await ivan.note(key, NoteCommand(client_id="n1", text="he is in a hurry"))
    before = (await olga.detail(key)).stopped
    assert (before.acted, before.acted_by) == ("noted", "Ivan")
    for moved in (False, True):
        run.clock.advance(1000)
        reply = await run.answer(olga, key, "good news")
        assert (await olga.detail(key)).stopped.acted == "replied"
        if moved:
            await run.letters.hear("ivan@example.org", "forget it")
        await olga.withdraw(reply.id)
        assert (await olga.detail(key)).stopped == before


async def test_closed_on_the_strength_of_an_answer_that_is_taken_back_it_is_open_again(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("ivan@example.org", "hello")
    before = await only(olga)
    reply = await run.answer(olga, before.id, "good news")
    closed = await olga.close_conversation(before.id, "card", "answered")
    await olga.withdraw(reply.id)
    after = await only(olga)
    assert after == replace(before, seq=after.seq)
    # Taking back the closing too makes nothing worse.
    assert await olga.undo(before.id, closed.seq) == after
    later(run, 60)
    assert run.letters.sent == []
    assert [one.kind for one in (await olga.detail(before.id)).history.messages] == ["in"]


async def test_whoever_takes_back_both_finds_it_unanswered(run: Running) -> None:
    """What was done after the reply is taken back after it: the answer that never left does not come back."""
    olga, ivan = await run.client(), await run.client(IVAN)
    await run.letters.hear("ivan@example.org", "hello")
    before = await only(olga)
    to = (await ivan.hello()).operator.id
    since: list[Callable[[], Awaitable[Conversation]]] = [
        lambda: olga.snooze(before.id, run.clock.now() + HOUR),
        lambda: olga.assign(before.id, to, "please"),
        lambda: olga.release(before.id),
    ]
    for done in since:
        reply = await run.answer(olga, before.id, "good news")
        deed = await done()
        await olga.withdraw(reply.id)
        meanwhile = (await olga.detail(before.id)).conversation
        assert (meanwhile.state, meanwhile.waiting_since) != ("waiting", None)
        after = await olga.undo(before.id, deed.seq)
        assert after == replace(before, seq=after.seq)


async def test_what_was_set_apart_as_spam_comes_back_unanswered(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("ivan@example.org", "hello")
    before = await only(olga)
    reply = await run.answer(olga, before.id, "good news")
    await olga.people.spam(SpamCommand(conversation_ids=[before.id], spam=True))
    await olga.withdraw(reply.id)
    apart = (await olga.detail(before.id)).conversation
    assert (apart.state, apart.spam) == ("closed", True)
    await olga.people.spam(SpamCommand(conversation_ids=[before.id], spam=False))
    after = await only(olga)
    assert after == replace(before, seq=after.seq)


async def test_where_it_was_joined_into_another_case_that_is_open_again(run: Running) -> None:
    olga = await run.client()
    kept = await written(run, olga, "the first")
    later(run, 11)
    await until(lambda: bool(run.letters.sent))
    await run.settled()
    heard = await run.letters.hear("ivan@example.org", "another matter")
    assert heard.message_id is not None
    split = await olga.people.split(kept.conversation_id, [heard.message_id], "another matter")
    reply = await run.answer(olga, split.conversation_id, "good news")
    await olga.people.join(kept.conversation_id, reply.conversation_id)
    assert (await olga.detail(kept.conversation_id)).conversation.state == "waiting"
    await olga.withdraw(reply.id)
    row = (await olga.detail(kept.conversation_id)).conversation
    assert (row.state, row.waiting_since) == ("open", run.clock.now())


async def test_of_two_answers_the_one_that_stays_answers(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("ivan@example.org", "hello")
    before = await only(olga)
    first = await run.answer(olga, before.id, "good news")
    run.clock.advance(1000)
    second = await run.answer(olga, before.id, "better news")
    await olga.withdraw(first.id)
    still = (await olga.detail(before.id)).conversation
    assert (still.state, still.assignee, still.preview) == ("waiting", "Olga", "better news")
    await olga.withdraw(second.id)
    after = await only(olga)
    assert after == replace(before, seq=after.seq)


async def test_what_was_begun_meanwhile_is_not_written_over(run: Running) -> None:
    olga = await run.client()
    reply = await written(run, olga)
    await olga.save_draft(Draft(conversation_id=reply.conversation_id, text="and one thing more"))
    taken = await olga.withdraw(reply.id)
    assert taken.draft.text == "good news\n\nand one thing more"
    assert [one.text for one in await olga.drafts()] == [taken.draft.text]


async def test_too_late_is_said_and_changes_nothing(run: Running) -> None:
    olga = await run.client()
    reply = await written(run, olga)
    later(run, 11)
    await until(lambda: bool(run.letters.sent))
    await run.settled()
    error = await refusal(olga.withdraw(reply.id))
    assert (error.status, error.body.code) == (409, "illegal_state")
    assert error.body.message.startswith("too late")
    assert await olga.drafts() == []
    assert (await olga.detail(reply.conversation_id)).history.messages[-1].status == "sent"


async def test_only_its_author_or_a_lead_takes_it_back(run: Running) -> None:
    olga, ivan, anna = await run.client(), await run.client(IVAN), await run.client(None)
    reply = await written(run, olga)
    assert (await refusal(ivan.withdraw(reply.id))).body.code == "illegal_state"
    assert (await refusal(ivan.leave(reply.id))).body.code == "illegal_state"
    await anna.withdraw(reply.id)
    assert [one.text for one in await olga.drafts()] == ["good news"]
    assert await anna.drafts() == []


async def test_the_customers_word_in_the_hold_keeps_the_conversation_open(run: Running) -> None:
    olga = await run.client()
    await run.hook("where is it?")
    reply = await run.answer(olga, (await only(olga)).id, "on its way")
    await run.hook("forget it")
    await olga.withdraw(reply.id)
    conversation = await only(olga)
    assert (conversation.state, conversation.assignee, conversation.preview) == ("open", "Olga", "forget it")


async def test_it_can_be_let_go_at_once(run: Running) -> None:
    olga = await run.client()
    reply = await written(run, olga)
    await olga.leave(reply.id)
    await until(lambda: bool(run.letters.sent))
    await run.settled()
    assert (await refusal(olga.leave(reply.id))).body.code == "illegal_state"


async def test_order_within_a_thread_survives_a_hold(run: Running) -> None:
    olga = await run.client()
    first = await written(run, olga, "one")
    detail = await olga.detail(first.conversation_id)
    at_once = run.command("two", detail.ways[0], detail.history.seq, hold=False)
    assert (await olga.reply(first.conversation_id, at_once)).leaves_at == run.clock.now()
    later(run, 3)
    await asyncio.sleep(0.05)
    assert run.letters.sent == []
    later(run, 8)
    await until(lambda: [one.text for one in run.letters.sent] == ["one", "two"])


async def test_a_clock_that_is_set_back_holds_nothing_for_hours(run: Running) -> None:
    olga = await run.client()
    await written(run, olga)
    later(run, -3600)
    await until(lambda: bool(run.letters.sent))


async def test_a_restart_in_the_hold_loses_nothing_and_forgets_nothing() -> None:
    with tempfile.TemporaryDirectory(prefix="omni-") as folder:
        async with running_server(Path(folder), sending=HOLD) as run:
            olga = await run.client()
            one = await written(run, olga, "one")
            two = await run.answer(olga, one.conversation_id, "two")
        async with running_server(Path(folder), sending=HOLD) as run:
            olga = await run.client()
            assert [held.id for held in await olga.held()] == [one.id, two.id]
            await olga.withdraw(one.id)
            later(run, 11)
            await until(lambda: [sent.text for sent in run.letters.sent] == ["two"])


async def test_no_hold_is_as_before() -> None:
    async with running_server(sending=NO_HOLD) as run:
        olga = await run.client()
        reply = await written(run, olga)
        await until(lambda: bool(run.letters.sent))
        await run.settled()
        assert (await refusal(olga.withdraw(reply.id))).body.message.startswith("too late")


async def test_a_channel_has_its_own_hold() -> None:
    async with running_server(sending=NO_HOLD) as run:
        run.server.config.channels["mail"].hold_seconds = 3
        from server.offers import hold_ms

        mail = run.server.config.channels["mail"]
        assert hold_ms(mail, "email", NO_HOLD) == 3000
        assert hold_ms(run.server.config.channels["market"], "messenger", HOLD) == 4000


@pytest.mark.parametrize("seed", range(5))
async def test_of_a_hundred_races_with_the_sender_each_has_one_winner(seed: int) -> None:
    """Taken back, or sent: never both, never neither. The hold is real time here."""
    random_ = random.Random(seed)
    async with running_server(sending=NO_HOLD) as run:
        olga = await run.client()
        conversations = []
        for number in range(100):
            receipt = await run.letters.hear(f"c{number}@example.org", "hello")
            assert receipt.conversation_id is not None
            conversations.append(receipt.conversation_id)

        async def race(number: int, conversation_id: int) -> tuple[str, bool]:
            text = f"answer {number}"
            reply = await run.answer(olga, conversation_id, text)
            await asyncio.sleep(random_.random() * 0.004)
            try:
                await olga.withdraw(reply.id)
            except RefusedError as error:
                assert error.body.message.startswith("too late")
                return text, False
            return text, True

        outcomes = []
        for start in range(0, 100, 10):
            batch = enumerate(conversations[start : start + 10], start)
            outcomes += await asyncio.gather(*(race(number, key) for number, key in batch))
        await run.settled()
        sent = [one.text for one in run.letters.sent]
        assert sorted(sent) == sorted(text for text, taken in outcomes if not taken)
        drafts = [one.text for one in await olga.drafts()]
        assert sorted(drafts) == sorted(text for text, taken in outcomes if taken)
        assert await run.read("SELECT 1 FROM outbox WHERE state != 'sent'") == []
