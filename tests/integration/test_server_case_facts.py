"""What is noted of a conversation: priority, summary, promise, tags; and where it stopped."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from server.protocol import Conversation, Message
from server.settings import UrgentSettings
from tests.fakes.running_server import IVAN, OLGA, RITA, Running, only, refusal, running_server, until

HOUR_MS = 3_600_000


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server(urgent=UrgentSettings(words=("заблокирована", "blocked"))) as running:
        yield running


async def patch(run: Running, conversation_id: int, uid: int = OLGA, **fields: Any) -> Conversation:
    status, body = await run.ask(
        "PATCH", f"/v1/conversations/{conversation_id}", json.dumps(fields).encode(), uid
    )
    assert status == 200, body
    return msgspec.json.decode(body, type=Conversation)


async def test_a_case_is_noted_and_everybody_hears_it(run: Running) -> None:
    olga, ivan = await run.client(), await run.listen(IVAN)
    await run.letters.hear("anna@example.org", "where is my parcel?")
    row = await only(olga)
    due = run.clock.now() + HOUR_MS
    changed = await patch(
        run, row.id, priority="high", summary="parcel", next_step="call", due_at=due, tags=["vip", "b", "b"]
    )
    assert (changed.priority, changed.summary, changed.next_step) == ("high", "parcel", "call")
    assert (changed.due_at, changed.due, changed.tags) == (due, False, ["b", "vip"])
    await ivan.reached(await run.newest())
    [told] = ivan.bodies("conversation.changed")
    assert told.data["fields"] == ["summary", "next_step", "due_at", "tags", "priority"]
    assert told.conversation is not None and told.conversation.tags == ["b", "vip"]
    assert "parcel" not in json.dumps(await run.read("SELECT data FROM event"))
    # What is not given stays, and the same again says nothing.
    before = await run.newest()
    assert (await patch(run, row.id, summary="parcel")).next_step == "call"
    assert await run.newest() == before
    assert (await patch(run, row.id, due_at=0)).due_at is None
    assert (await patch(run, row.id, tags=[])).tags == []
    status, _ = await run.ask("PATCH", f"/v1/conversations/{row.id}", b'{"priority": "low"}', RITA)
    assert status == 403
    status, _ = await run.ask("PATCH", f"/v1/conversations/{row.id}", b'{"due_at": -1}')
    assert status == 409


async def test_an_open_conversation_has_a_topic(run: Running) -> None:
    olga, ivan = await run.client(), await run.listen(IVAN)
    await run.letters.hear("anna@example.org", "where is my parcel?")
    row = await only(olga)
    assert (await patch(run, row.id, topic=" доставка ", summary="parcel 17")).topic == "доставка"
    await ivan.reached(await run.newest())
    [told] = ivan.bodies("conversation.changed")
    assert told.data["fields"] == ["topic", "summary"]
    assert "доставка" not in json.dumps(await run.read("SELECT data FROM event"), ensure_ascii=False)
    status, hits = await run.ask("GET", "/v1/search?q=topic:%D0%B4%D0%BE%D1%81%D1%82%D0%B0%D0%B2%D0%BA%D0%B0")
    assert status == 200 and b"where is my parcel?" in hits
    # Whatever happens to it, until somebody changes it.
    await olga.claim(row.id, None)
    message = await run.answer(olga, row.id, "on its way")
    assert message.id and (await olga.detail(row.id)).conversation.topic == "доставка"
    await run.letters.hear("anna@example.org", "thank you")
    assert (await only(olga)).topic == "доставка"
    # What it was closed with is its own; opened again it is about what it was about.
    closed = await olga.close_conversation(row.id, "доставка, курьер", "приехал")
    assert (closed.topic, closed.result) == ("доставка, курьер", "приехал")
    status, body = await run.ask("PATCH", f"/v1/conversations/{row.id}", b'{"topic": "other"}')
    assert (status, b"reopen it" in body) == (409, True)
    opened = await olga.reopen(row.id)
    assert (opened.topic, opened.result, opened.reopened) == ("доставка", "", 1)
    assert (await patch(run, row.id, topic="")).topic == ""
    # Spam and back is no end of it.
    await patch(run, row.id, topic="доставка")
    for spam in (True, False):
        command = json.dumps({"conversation_ids": [row.id], "spam": spam}).encode()
        assert (await run.ask("POST", "/v1/spam", command))[0] == 200
    back = (await olga.detail(row.id)).conversation
    assert (back.state, back.topic, back.reopened) == ("open", "доставка", 1)


async def test_an_urgent_word_is_first_of_all_and_says_why(run: Running) -> None:
    olga, ivan = await run.listen(OLGA), await run.listen(IVAN)
    client = await run.client()
    for number in range(5):
        await run.letters.hear(f"waiting{number}@example.org", "hello")
        run.clock.advance(1000)
    await run.letters.hear("anna@example.org", "Карты заблокированы! Я за границей")
    newest = await run.newest()
    for console in (olga, ivan):
        await console.reached(newest)
        row = console.bodies()[-1].conversation
        assert row is not None and (row.priority, row.priority_why) == (
            "urgent",
            "urgent word: заблокирована",
        )
    page = await client.conversations("queue", None, 2)
    assert page.items[0].customer == "anna@example.org"
    rest = await client.conversations("queue", page.next, 50)
    assert [row.customer for row in [*page.items, *rest.items]][1:] == [
        f"waiting{number}@example.org" for number in range(5)
    ]
    counts = await client.counts()
    assert counts.queue == 6
    assert counts.oldest_queued_at == page.items[1].waiting_since


async def test_what_an_operator_chose_no_rule_changes(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("anna@example.org", "hello")
    row = await only(olga)
    await patch(run, row.id, priority="normal")  # as it was: but now it is a choice
    await run.letters.hear("anna@example.org", "blocked")
    assert (await only(olga)).priority == "normal"
    await patch(run, row.id, priority="low")
    await run.letters.hear("anna@example.org", "still blocked")
    assert (await only(olga)).priority == "low"


async def test_machines_and_quotations_are_not_urgent(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("robot@example.org", "your mail was blocked", automatic=True)
    assert [row.priority for row in (await olga.conversations("queue")).items] == ["normal"]


async def test_urgency_ends_with_its_time(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("anna@example.org", "my card is blocked")
    row = await only(olga)
    assert row.priority == "urgent"
    await olga.close_conversation(row.id, "card", "works again")
    await run.letters.hear("anna@example.org", "thank you")
    assert ((await only(olga)).id, (await only(olga)).priority) == (row.id, "normal")


async def test_a_promise_comes_due_and_nothing_else_moves(run: Running) -> None:
    olga = await run.client()
    console = await run.listen()
    await run.letters.hear("anna@example.org", "when?")
    row = await only(olga)
    await olga.claim(row.id, None)
    await run.answer(olga, row.id, "we will call you")
    await patch(run, row.id, next_step="call her", due_at=run.clock.now() + HOUR_MS)
    before = await only(olga)
    run.clock.advance(HOUR_MS)
    await until(
        lambda: any(body.data.get("fields") == ["due"] for body in console.bodies("conversation.changed"))
    )
    after = await only(olga)
    assert after.due and not before.due
    assert (after.state, after.assignee_id, after.sort_at) == (
        before.state,
        before.assignee_id,
        before.sort_at,
    )
    assert (await olga.counts()).due == 1
    events = len(console.bodies("conversation.changed"))
    # Told once; a new time is a new promise.
    moved = await patch(run, row.id, due_at=run.clock.now() + HOUR_MS)
    assert not moved.due
    await console.reached(await run.newest())
    assert len(console.bodies("conversation.changed")) == events + 1
    assert (await olga.counts()).due == 0


async def test_where_it_stopped(run: Running) -> None:
    olga, ivan = await run.client(), await run.client(IVAN)
    await run.letters.hear("anna@example.org", "first words\nof many")
    row = await only(olga)
    stopped = (await olga.detail(row.id)).stopped
    assert (stopped.wants, stopped.wants_from, stopped.acted) == ("first words of many", "message", "")
    run.clock.advance(1000)
    await ivan.claim(row.id, None)
    stopped = (await olga.detail(row.id)).stopped
    assert (stopped.acted, stopped.acted_by, stopped.acted_at) == ("claimed", "Ivan", run.clock.now())
    run.clock.advance(1000)
    await run.answer(ivan, row.id, "an answer")
    stopped = (await olga.detail(row.id)).stopped
    assert (stopped.acted, stopped.acted_by, stopped.acted_at) == ("replied", "Ivan", run.clock.now())
    await patch(run, row.id, summary="wants her parcel", next_step="find it")
    await ivan.close_conversation(row.id, "parcel", "found")
    stopped = (await olga.detail(row.id)).stopped
    assert (stopped.wants, stopped.wants_from) == ("wants her parcel", "summary")
    assert (stopped.acted, stopped.acted_by) == ("closed", "Ivan")


async def test_closing_keeps_what_was_noted_in_the_river(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("anna@example.org", "the old matter")
    row = await only(olga)
    due = run.clock.now() + HOUR_MS
    await patch(run, row.id, summary="wants a refund", next_step="pay it", due_at=due)
    await olga.close_conversation(row.id, "refund", "paid")
    run.clock.advance(1000)
    await run.letters.hear("anna@example.org", "the new matter")
    detail = await olga.detail(row.id)
    [closing] = [message for message in detail.history.messages if message.kind == "system"]
    assert closing.text == "refund: paid\nwants a refund\npay it"
    assert closing.detail == {"due_at": str(due)}
    assert detail.conversation.summary == "wants a refund"
    await patch(run, row.id, summary="")
    stopped = (await olga.detail(row.id)).stopped
    assert (stopped.wants, stopped.wants_from) == ("the new matter", "message")


async def contact(run: Running, uid: int = OLGA, **fields: Any) -> Message:
    whole = {
        "client_id": f"contact-{next(run.numbers)}",
        "medium": "phone",
        "text": "asked for a date",
    } | fields
    status, body = await run.ask("POST", "/v1/contacts", json.dumps(whole).encode(), uid)
    assert status == 200, body
    return msgspec.json.decode(body, type=Message)


async def test_a_call_is_a_line_of_the_open_conversation(run: Running) -> None:
    olga = await run.client()
    console = await run.listen(IVAN)
    await run.letters.hear("anna@example.org", "hello")
    row = await only(olga)
    said = await contact(run, customer_id=row.customer_id, duration_s=75, result="answered", client_id="once")
    again = await contact(
        run, customer_id=row.customer_id, duration_s=75, result="answered", client_id="once"
    )
    assert said == again
    assert (said.conversation_id, said.mark, said.kind_of_event, said.author) == (row.id, "c", "call", "Olga")
    assert said.detail == {"medium": "phone", "duration_s": "75", "result": "answered"}
    after = await olga.detail(row.id)
    assert (after.conversation.state, after.conversation.waiting_since) == ("open", row.waiting_since)
    assert after.conversation.marks == ["l", "c"]
    assert after.conversation.customer_seq == row.customer_seq  # nothing unread
    assert (after.ways[0].channel_id, after.ways[0].why) == ("mail", "wrote last here")
    assert (after.stopped.acted, after.stopped.acted_by) == ("contact", "Olga")
    visit = await contact(run, conversation_id=row.id, medium="office", at=run.clock.now() - HOUR_MS)
    assert (visit.mark, visit.at) == ("o", run.clock.now() - HOUR_MS)
    paper = await contact(run, conversation_id=row.id, medium="paper", from_customer=False)
    assert (paper.mark, paper.kind) == ("p", "out")
    await console.reached(await run.newest())
    assert [body.message.mark for body in console.bodies("contact.added") if body.message] == ["c", "o", "p"]


async def test_a_stranger_on_the_telephone_gets_a_card(run: Running) -> None:
    olga = await run.client()
    said = await contact(run, name="Пётр", phone="8 (916) 123-45-67", text="wants a price")
    row = await only(olga)
    assert (row.id, row.state, row.assignee, row.customer) == (said.conversation_id, "open", "Olga", "Пётр")
    [address] = (await olga.detail(row.id)).customer.addresses
    assert (address.scheme, address.external_id, address.verified) == ("phone", "+79161234567", False)
    called = await contact(run, name="Anna", from_customer=False, text="called her back")
    assert (await olga.detail(called.conversation_id)).conversation.state == "waiting"


async def test_a_contact_that_makes_no_sense_is_refused(run: Running) -> None:
    await run.letters.hear("anna@example.org", "hello")
    await run.letters.hear("boris@example.org", "hello")
    for wrong, wanted in (
        ({}, 409),  # whose?
        ({"customer_id": 99}, 404),
        ({"conversation_id": 1, "customer_id": 2}, 409),
        ({"conversation_id": 1, "text": " "}, 409),
        ({"conversation_id": 1, "client_id": " "}, 409),
        ({"conversation_id": 1, "at": run.clock.now() + HOUR_MS}, 409),
        ({"name": "x", "phone": "hello"}, 409),
        ({"conversation_id": 1, "medium": "smoke"}, 400),
    ):
        whole = {"client_id": "c", "medium": "phone", "text": "t"} | wrong
        status, body = await run.ask("POST", "/v1/contacts", json.dumps(whole).encode())
        assert status == wanted, (wrong, body)
    status, _ = await run.ask("POST", "/v1/contacts", b'{"client_id":"c","medium":"phone","text":"t"}', RITA)
    assert status == 403


async def test_a_preview_follows_what_its_message_became(run: Running) -> None:
    olga = await run.client()
    await run.hook("first", message_id="m-1")
    await run.hook("second", message_id="m-2")
    await run.hook("secnd, I mean", kind="edit", target="m-2")
    assert (await only(olga)).preview == "secnd, I mean"
    await run.hook("first, better", kind="edit", target="m-1")
    assert (await only(olga)).preview == "secnd, I mean"
    await run.hook("", kind="delete", target="m-2")
    assert (await only(olga)).preview == "first, better"
    assert [hit.message.text for hit in (await olga.search("mean")).hits] == []
    assert len((await olga.search("better")).hits) == 1


async def test_a_closed_window_refuses_before_the_channel_does(run: Running) -> None:
    olga = await run.client()
    await run.hook("hello", key="order-1")
    offer = run.server.offers["market"]
    narrow = msgspec.structs.replace(offer.capabilities, reply_window_s=3600.0)
    run.server.offers["market"] = msgspec.structs.replace(offer, capabilities=narrow)
    row = await only(olga)
    way = (await olga.detail(row.id)).ways[0]
    assert way.window_until == run.clock.now() + HOUR_MS
    run.clock.advance(HOUR_MS)
    refused = await refusal(run.answer(olga, row.id, "too late"))
    assert refused.body.code == "illegal_state" and "window closed" in refused.body.message
    await run.settled()
    assert run.receiver.heard == []
    await run.hook("are you there?", key="order-1")
    assert (await run.answer(olga, row.id, "just now")).status == "queued"


async def test_what_was_written_down_by_hand_survives_a_split(run: Running) -> None:
    """A call is no message that waits, and its mark stays with the conversation in which it is."""
    olga = await run.client()
    await run.letters.hear("anna@example.org", "one matter")
    row = await only(olga)
    await run.answer(olga, row.id, "an answer")
    await run.settled()
    said = await contact(run, conversation_id=row.id, text="about something else")
    body = json.dumps({"message_ids": [said.id]}).encode()
    status, answer = await run.ask("POST", f"/v1/conversations/{row.id}/split", body)
    assert status == 200, answer
    made = await olga.detail(json.loads(answer)["conversation_id"])
    rest = await olga.detail(row.id)
    assert (made.conversation.marks, made.conversation.preview) == (["c"], "about something else")
    assert (rest.conversation.marks, rest.conversation.preview) == (["l"], "an answer")
    assert rest.conversation.state == made.conversation.state == "waiting"


async def test_what_is_joined_is_as_urgent_as_either_was(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("anna@example.org", "hello")
    calm = await only(olga)
    await run.letters.hear("anna@second.example", "my card is blocked")
    urgent = next(row for row in (await olga.conversations("queue")).items if row.id != calm.id)
    for path, body in (
        (f"/v1/customers/{calm.customer_id}/merge", {"other_id": urgent.customer_id}),
        (f"/v1/conversations/{calm.id}/join", {"other_id": urgent.id}),
    ):
        status, answer = await run.ask("POST", path, json.dumps(body).encode())
        assert status == 200, answer
    joined = await only(olga)
    assert (joined.id, joined.priority, joined.priority_why) == (calm.id, "urgent", "urgent word: blocked")
    status, _ = await run.ask("POST", f"/v1/regroupings/{json.loads(answer)['regrouping_id']}/undo")
    assert status == 200
    rows = {row.id: row.priority for row in (await olga.conversations("queue")).items}
    assert rows == {calm.id: "normal", urgent.id: "urgent"}
