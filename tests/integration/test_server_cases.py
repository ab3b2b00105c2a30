"""A case from the first message to the last, through the real doors of a whole server."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from server.protocol import Draft, NoteCommand, ReplyCommand
from tests.fakes.running_server import IVAN, OLGA, Running, only, refusal, running_server, until

DAY_MS = 86_400_000


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


# --- the main job ---------------------------------------------------------------------------------


async def test_from_a_webhook_to_the_receiver(run: Running) -> None:
    olga = await run.client()
    ivan = await run.client(IVAN)
    stream = await run.listen()
    await run.hook("Where is my order?", person={"name": "Пётр"}, subject="Order 1")
    [queued] = (await olga.conversations("queue")).items
    assert (queued.customer, queued.state, queued.assignee_id) == ("Пётр", "open", None)
    assert (queued.preview, queued.subject, queued.mark) == ("Where is my order?", "Order 1", "h")
    assert queued.waiting_since == run.clock.now()
    assert (await olga.counts()).queue == 1

    claimed = await olga.claim(queued.id, None)
    assert claimed.assignee == "Olga"
    taken = await refusal(ivan.claim(queued.id, None))
    assert (taken.status, taken.body.code, taken.body.holder) == (409, "taken", "Olga")
    assert (await ivan.conversations("queue")).items == []
    assert [row.id for row in (await olga.conversations("mine")).items] == [queued.id]

    message = await run.answer(olga, queued.id, "It is on its way")
    assert (message.kind, message.author, message.status) == ("out", "Olga", "queued")
    await until(lambda: run.receiver.texts() == ["It is on its way"])
    [data] = run.receiver.heard
    assert (data["recipient"], data["author"]) == ({"id": "buyer-1", "name": "Пётр"}, "Olga")
    assert data["conversation_key"] == "order-1"
    await run.settled()
    await stream.reached(await run.newest())
    assert [event.kind for event in stream.events()] == [
        "conversation.opened",
        "message.received",
        "conversation.assigned",
        "message.queued",
        "conversation.state",
        "message.status",
    ]
    last = stream.bodies()[-1]
    assert last.message is not None
    assert (last.message.id, last.message.status) == (message.id, "sent")
    assert last.conversation is not None
    assert last.conversation.state == "waiting"
    assert [row.id for row in (await olga.conversations("waiting")).items] == [queued.id]


async def test_a_claim_race_has_one_winner(run: Running) -> None:
    await run.hook("hello")
    people = [await run.client(uid) for uid in (OLGA, IVAN, None)]
    conversation = await only(people[0])
    answers = await asyncio.gather(
        *(one.claim(conversation.id, None) for one in people), return_exceptions=True
    )
    winners = [answer for answer in answers if not isinstance(answer, BaseException)]
    assert len(winners) == 1
    assert (await only(people[0])).assignee_id == winners[0].assignee_id


async def test_a_reply_said_twice_is_one(run: Running) -> None:
    olga, ivan = await run.client(), await run.client(IVAN)
    await run.hook("hello")
    conversation = await only(olga)
    detail = await olga.detail(conversation.id)
    command = run.command("hi", detail.ways[0], detail.history.seq, client_id="the-same-id")
    answers = await asyncio.gather(*(olga.reply(conversation.id, command) for _ in range(5)))
    assert len({answer.id for answer in answers}) == 1
    # Another operator's id is another id.
    command.after_seq = await run.newest()
    assert (await ivan.reply(conversation.id, command)).id != answers[0].id
    await until(lambda: len(run.receiver.heard) == 2)
    await run.settled()
    assert run.receiver.texts() == ["hi", "hi"]
    assert len(set(run.receiver.tries)) == 2


async def test_a_client_id_means_one_message_for_ever(run: Running) -> None:
    """Something else under an id that was used is refused: answered as done it would be lost in silence."""
    olga = await run.client()
    await run.hook("hello", sender="buyer-1", key="order-1")
    await run.hook("hello", sender="buyer-2", key="order-2")
    first, second = (await olga.conversations("queue")).items
    detail = await olga.detail(second.id)
    await olga.note(first.id, NoteCommand(client_id="once", text="a note"))
    problem = await refusal(
        olga.reply(second.id, run.command("hi", detail.ways[0], detail.history.seq, client_id="once"))
    )
    assert (problem.status, problem.body.code) == (409, "illegal_state")
    empty = run.command("hi", detail.ways[0], detail.history.seq)
    empty.client_id = ""
    assert (await refusal(olga.reply(second.id, empty))).status in (400, 409)


# --- what is held, and what is not ------------------------------------------------------------------


async def test_a_colleagues_reply_holds_mine_until_i_have_seen_it(run: Running) -> None:
    olga, ivan = await run.client(), await run.client(IVAN)
    await run.hook("hello")
    conversation = await only(olga)
    detail = await olga.detail(conversation.id)
    await run.answer(ivan, conversation.id, "Ivan was quicker")
    mine = run.command("Olga too", detail.ways[0], detail.history.seq)
    held = await refusal(olga.reply(conversation.id, mine))
    assert (held.status, held.body.code) == (409, "stale")
    assert [message.text for message in held.body.news] == ["Ivan was quicker"]
    await run.settled()
    assert run.receiver.texts() == ["Ivan was quicker"]
    mine.after_seq = held.body.seq  # the consent
    await olga.reply(conversation.id, mine)
    await until(lambda: run.receiver.texts() == ["Ivan was quicker", "Olga too"])


async def test_what_a_colleague_wrote_outside_of_the_console_holds_too(run: Running) -> None:
    olga = await run.client()
    await run.hook("hello")
    conversation = await only(olga)
    detail = await olga.detail(conversation.id)
    await run.hook("Answered from my telephone", sender="us", is_echo=True)
    held = await refusal(olga.reply(conversation.id, run.command("late", detail.ways[0], detail.history.seq)))
    assert [message.text for message in held.body.news] == ["Answered from my telephone"]


async def test_a_newer_letter_holds_and_a_newer_chat_line_does_not(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("ivan@example.org", "first", subject="Help")
    letter = await only(olga)
    seen = await olga.detail(letter.id)
    await run.letters.hear("ivan@example.org", "second thoughts")
    command = run.command("answer to the first", seen.ways[0], seen.history.seq)
    held = await refusal(olga.reply(letter.id, command))
    assert [message.text for message in held.body.news] == ["second thoughts"]
    command.after_seq = held.body.seq
    await olga.reply(letter.id, command)
    await olga.close_conversation(letter.id, "help", "given")

    await run.hook("one")
    chat = await only(olga)
    seen = await olga.detail(chat.id)
    await run.hook("two")
    await olga.reply(chat.id, run.command("answer", seen.ways[0], seen.history.seq))


async def test_notes_receipts_and_looking_hold_nothing(run: Running) -> None:
    olga, ivan = await run.client(), await run.client(IVAN)
    await run.letters.hear("ivan@example.org", "first")
    conversation = await only(olga)
    seen = await olga.detail(conversation.id)
    note = await ivan.note(conversation.id, NoteCommand(client_id="n-1", text="he is a regular"))
    assert (note.kind, note.mark, note.author) == ("note", "#", "Ivan")
    await ivan.claim(conversation.id, None)
    await ivan.seen(conversation.id, await run.newest())
    await ivan.save_draft(Draft(conversation_id=conversation.id, text="I was going to say"))
    await olga.reply(conversation.id, run.command("hi", seen.ways[0], seen.history.seq))
    await run.settled()
    assert [message.text for message in run.letters.sent] == ["hi"]  # a note goes to nobody
    again = await ivan.note(conversation.id, NoteCommand(client_id="n-1", text="said again"))
    assert again.id == note.id


# --- to whom ----------------------------------------------------------------------------------------


async def test_a_reply_goes_only_to_the_customers_own_addresses(run: Running) -> None:
    olga = await run.client()
    await run.hook("mine", sender="buyer-1", key="order-1", person={"email": "claimed@example.org"})
    await run.hook("theirs", sender="buyer-2", key="order-2")
    await run.letters.hear("writer@example.org", "a letter")
    mine, theirs, letter = (await olga.conversations("queue")).items
    ways = {row.id: (await olga.detail(row.id)).ways for row in (mine, theirs, letter)}
    [own] = ways[mine.id]
    claimed = next(
        address
        for address in (await olga.customer(mine.customer_id)).addresses
        if address.external_id == "claimed@example.org"
    )
    assert not claimed.verified
    seq = await run.newest()
    for channel, address in [
        ("market", ways[theirs.id][0].address_id),
        ("mail", ways[letter.id][0].address_id),
        ("mail", claimed.id),
        ("mail", own.address_id),
        ("site", own.address_id),
        ("gone", own.address_id),
        ("market", 0),
        ("market", 10**6),
    ]:
        command = ReplyCommand(
            client_id=f"wrong-{channel}-{address}",
            text="hi",
            channel_id=channel,
            address_id=address,
            after_seq=seq,
        )
        assert (await refusal(olga.reply(mine.id, command))).status in (404, 409)
    assert await run.read("SELECT * FROM outbox") == []


async def test_an_answer_goes_to_the_thread_in_which_he_wrote_last(run: Running) -> None:
    """One buyer, two orders: the answer belongs to the order he asks about."""
    olga = await run.client()
    for key in ("order-9", "order-10", "order-1"):
        await run.hook(f"about {key}", key=key)
        conversation = await only(olga)
        await run.answer(olga, conversation.id, f"answer about {key}")
        await run.settled()
        assert run.receiver.heard[-1]["conversation_key"] == key
    await run.hook("again about order-9", key="order-9")
    await run.answer(olga, conversation.id, "again")
    await run.settled()
    assert run.receiver.heard[-1]["conversation_key"] == "order-9"


async def test_what_cannot_be_sent_is_refused_before_it_is_queued(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("ivan@example.org", "first")
    conversation = await only(olga)
    detail = await olga.detail(conversation.id)
    way, seq = detail.ways[0], detail.history.seq
    for text, files in (
        ("", []),
        (" \n", []),
        ("x" * 2001, []),
        ("see", [99]),
        ("", [99]),
        ("see", [1, 2, 3]),
    ):
        problem = await refusal(olga.reply(conversation.id, run.command(text, way, seq, file_ids=files)))
        assert problem.status in (404, 409), (text[:5], files)
    assert await run.read("SELECT * FROM outbox") == []
    empty = await refusal(olga.note(conversation.id, NoteCommand(client_id="empty", text=" ")))
    assert empty.status == 409


# --- the states -------------------------------------------------------------------------------------


async def test_closing_needs_both_and_the_customer_reopens_on_another_channel(run: Running) -> None:
    olga = await run.client()
    visitor = await run.visitor(sub="7", name="Ivan", email="ivan@example.org", email_verified=True)
    await visitor.say("my card is blocked")
    conversation = await only(olga)
    await run.answer(olga, conversation.id, "a new one is on its way")
    for topic, result in (("", "sent"), ("card", " ")):
        assert (await refusal(olga.close_conversation(conversation.id, topic, result))).status == 409
    closed = await olga.close_conversation(conversation.id, "card", "sent")
    assert (closed.state, closed.topic, closed.result) == ("closed", "card", "sent")
    assert (await refusal(olga.claim(conversation.id, None))).body.code == "illegal_state"
    assert (await olga.conversations("all")).items == []
    assert [row.id for row in (await olga.conversations("closed")).items] == [conversation.id]

    run.clock.advance(6 * DAY_MS)
    receipt = await run.letters.hear("ivan@example.org", "it did not come")
    assert receipt.conversation_id == conversation.id
    reopened = await only(olga)
    assert (reopened.state, reopened.topic, reopened.assignee_id) == ("open", "", None)
    assert reopened.marks == ["w", "l"]
    river = (await olga.detail(conversation.id)).history.messages
    assert [(message.kind, message.text) for message in river][-2:] == [
        ("system", "card: sent"),
        ("in", "it did not come"),
    ]

    await olga.close_conversation(conversation.id, "card", "sent again")
    run.clock.advance(8 * DAY_MS)
    late = await run.letters.hear("ivan@example.org", "something else")
    assert late.conversation_id != conversation.id


async def test_a_closed_one_returns_to_its_operator_who_is_there(run: Running) -> None:
    olga = await run.client()
    await run.hook("hello")
    conversation = await only(olga)
    await olga.claim(conversation.id, None)
    for present in (True, False):
        listening = await run.listen() if present else None
        await olga.close_conversation(conversation.id, "a", "b")
        await run.hook("again")
        assert (await only(olga)).assignee_id == (1 if present else None)
        if listening is not None:
            await listening.stop()
            await until(lambda: not run.server.hub.is_online(1))


async def test_a_snooze_wakes_by_itself_or_by_the_customer(run: Running) -> None:
    olga = await run.client()
    await run.hook("hello")
    conversation = await only(olga)
    run.clock.advance(1000)
    past = await refusal(olga.snooze(conversation.id, run.clock.now()))
    assert past.body.code == "illegal_state"
    asleep = await olga.snooze(conversation.id, run.clock.now() + 60_000)
    assert (asleep.state, asleep.assignee) == ("snoozed", "Olga")
    stream = await run.listen()
    run.clock.advance(60_000)
    await until(lambda: bool(stream.events("conversation.state")))
    awake = await only(olga)
    assert (awake.state, awake.snooze_until, awake.waiting_since) == (
        "open",
        None,
        conversation.waiting_since,
    )

    await olga.snooze(conversation.id, run.clock.now() + 60_000)
    await run.hook("I cannot wait")
    assert (await only(olga)).state == "open"


async def test_release_assign_and_reopen(run: Running) -> None:
    olga, ivan = await run.client(), await run.client(IVAN)
    await run.hook("hello")
    conversation = await only(olga)
    await olga.claim(conversation.id, None)
    assert (await olga.release(conversation.id)).assignee_id is None
    people = {person.login: person.id for person in await olga.operators()}
    given = await olga.assign(conversation.id, people["ivan"], "a note")
    assert given.assignee == "Ivan"
    taken = await refusal(olga.claim(conversation.id, None))
    assert taken.body.holder == "Ivan"
    assert (await olga.claim(conversation.id, people["ivan"])).assignee == "Olga"  # knowingly
    assert (await refusal(olga.assign(conversation.id, 999, "a note"))).status == 404
    assert (
        await refusal(olga.assign(conversation.id, people["rita"], "a note"))
    ).status == 409  # she only reads
    await olga.close_conversation(conversation.id, "a", "b")
    for move in (olga.release(conversation.id), olga.assign(conversation.id, people["ivan"], "a note")):
        assert (await refusal(move)).body.code == "illegal_state"
    reopened = await ivan.reopen(conversation.id)
    assert (reopened.state, reopened.assignee) == ("open", "Ivan")
    assert (await refusal(ivan.reopen(conversation.id))).body.code == "illegal_state"


# --- what is each operator's own ----------------------------------------------------------------------


async def test_drafts_are_private_and_outlive_the_server(run: Running) -> None:
    olga, ivan = await run.client(), await run.client(IVAN)
    await run.hook("hello")
    conversation = await only(olga)
    theirs = await run.listen(IVAN)
    mine = await run.listen(OLGA)
    draft = Draft(conversation_id=conversation.id, text="Dear клиент", channel_id="market", address_id=1)
    await olga.save_draft(draft)
    await olga.save_draft(Draft(conversation_id=conversation.id, kind="note", text="a thought"))
    assert {one.kind: one.text for one in (await olga.detail(conversation.id)).drafts} == {
        "reply": "Dear клиент",
        "note": "a thought",
    }
    assert (await ivan.detail(conversation.id)).drafts == []
    assert await ivan.drafts() == []
    await olga.seen(conversation.id, 1)
    await olga.claim(conversation.id, None)  # everybody hears this
    await theirs.reached(await run.newest())
    await mine.reached(await run.newest())
    assert [event.kind for event in theirs.events()] == ["conversation.assigned"]
    assert [event.kind for event in mine.events()] == [
        "draft.saved",
        "draft.saved",
        "conversation.seen",
        "conversation.assigned",
    ]
    await olga.save_draft(Draft(conversation_id=conversation.id, kind="note", text=""))
    [left] = await olga.drafts()
    assert (left.text, left.channel_id, left.address_id) == ("Dear клиент", "market", 1)


async def test_what_was_written_outlives_the_server() -> None:
    with tempfile.TemporaryDirectory(prefix="omni-") as made:
        for again in (False, True):
            async with running_server(Path(made)) as run:
                olga = await run.client()
                if not again:
                    await run.hook("hello")
                    await olga.save_draft(Draft(conversation_id=(await only(olga)).id, text="half a"))
                assert [draft.text for draft in await olga.drafts()] == ["half a"]
                assert (await only(olga)).preview == "hello"


async def test_unread_goes_by_seq_and_is_each_operators_own(run: Running) -> None:
    olga, ivan = await run.client(), await run.client(IVAN)
    await run.hook("one")
    first = await only(olga)
    assert first.customer_seq > first.seen_seq == 0
    await olga.seen(first.id, first.customer_seq)
    assert (await only(olga)).seen_seq == first.customer_seq
    assert (await only(ivan)).seen_seq == 0
    await olga.seen(first.id, 0)  # never backwards
    assert (await only(olga)).seen_seq == first.customer_seq
    # Our own answers, notes and moves are no news.
    await run.answer(ivan, first.id, "hi")
    await olga.note(first.id, NoteCommand(client_id="n-1", text="note"))
    await run.settled()
    after = await only(olga)
    assert after.customer_seq == first.customer_seq
    assert after.seq > first.seq
    await run.hook("two")
    assert (await only(olga)).customer_seq > after.seen_seq
    # What has not happened yet cannot have been seen.
    await olga.seen(first.id, 10**12)
    await run.hook("three")
    last = await only(olga)
    assert last.customer_seq > last.seen_seq


async def test_an_operators_own_choice_of_the_channel_is_kept(run: Running) -> None:
    olga = await run.client()
    ivan = await run.visitor(sub="u-7", email="ivan@example.org", email_verified=True)
    await ivan.say("my card is blocked")
    conversation = await only(olga)
    detail = await olga.detail(conversation.id)
    assert [way.why for way in detail.ways] == ["wrote last here", "verified address"]
    chat, mail = detail.ways
    by_rule = await olga.reply(conversation.id, run.command("one moment", chat, detail.history.seq))
    by_hand = await olga.reply(conversation.id, run.command("by mail then", mail, detail.history.seq))
    assert by_rule.detail == {}
    assert by_hand.detail["instead_of"] == chat.channel_title
    events = await run.read("SELECT data FROM event WHERE kind = 'message.queued' ORDER BY seq")
    assert [json.loads(row["data"]) for row in events] == [
        {"channel": "site"},
        {"channel": "mail", "instead_of": "site"},
    ]
