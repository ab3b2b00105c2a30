"""First messages and forwards wait out their hold beside the conversation where they were written. Taken back
they leave nothing behind; their words are a draft again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from omni_console.client import ServerClient
from server.cases import leaving
from server.protocol import (
    Addressee,
    ConsentCommand,
    Draft,
    FirstMessage,
    ForwardCommand,
    LeaveCommand,
    Message,
)
from server.settings import SendingSettings
from tests.fakes.post_office import PostOffice, post_office, written
from tests.fakes.running_server import IVAN, refusal

ANNA, CAROL = "anna@x.example", "carol@z.example"
HOLD = SendingSettings(hold_letters_seconds=10, hold_chats_seconds=0)


@pytest.fixture
async def post() -> AsyncIterator[PostOffice]:
    async with post_office(tables={"sending": HOLD}) as office:
        yield office


async def first(post: PostOffice, to: Message, text: str = "News", beside: Message | None = None) -> Message:
    detail = await post.detail(to.conversation_id)
    command = FirstMessage(
        client_id=f"first-{text}",
        text=text,
        subject="Something new",
        channel_id="mail",
        address_id=detail.ways[0].address_id,
        beside=(beside or to).conversation_id,
        despite=["open_conversation"],
    )
    return await post.client.people.first_message(to.customer_id, command)


async def forward(post: PostOffice, of: Message, text: str = "Can you help?", **more: Any) -> Message:
    command = ForwardCommand(
        client_id=f"forward-{text}",
        channel_id="mail",
        to=more.pop("to", written(CAROL)),
        text=text,
        hold=True,
        **more,
    )
    return await post.client.forward(of.id, command)


async def leaves(post: PostOffice, count: int = 1) -> None:
    post.server.clock.advance(11_000)
    async with asyncio.timeout(10):
        while len(post.smtp.mails) < count:  # noqa: ASYNC110 - another task's data
            await asyncio.sleep(0.02)
    await post.server.settled()


async def rows(post: PostOffice) -> dict[str, Any]:
    """How many there are of all that a message to somebody brings."""
    [found] = await post.server.read(
        "SELECT (SELECT count(*) FROM customer) AS customer, (SELECT count(*) FROM address) AS address,"
        " (SELECT count(*) FROM conversation) AS conversation, (SELECT count(*) FROM outbox) AS outbox,"
        " (SELECT count(*) FROM recipient) AS recipient, (SELECT count(*) FROM scheduled) AS scheduled,"
        " (SELECT count(*) FROM draft) AS draft"
    )
    return dict(found)


async def listed(client: ServerClient) -> list[int]:
    return [one.id for one in (await client.conversations("all")).items]


async def test_a_first_message_leaves_after_its_hold_and_begins_a_conversation(post: PostOffice) -> None:
    anna = await post.receive(ANNA, "Where is it?")
    held = await first(post, anna)
    assert (held.status, held.conversation_id) == ("scheduled", anna.conversation_id)
    assert held.leaves_at == post.server.clock.now() + 10_000
    assert held.detail["becomes"] == "first"
    assert [one.id for one in await post.client.held()] == [held.id]
    assert await listed(post.client) == [anna.conversation_id]
    assert (await post.detail(anna.conversation_id)).conversation.state == "open"
    assert (await first(post, anna)).id == held.id, "asked again"
    await leaves(post)
    said = await post.message(held.id)
    assert (said.kind, said.status, said.text) == ("out", "sent", "News")
    assert said.conversation_id != anna.conversation_id
    begun = (await post.detail(said.conversation_id)).conversation
    assert (begun.state, begun.subject, begun.assignee, begun.preview) == (
        "waiting",
        "Something new",
        "Olga",
        "News",
    )
    mail = post.sent()
    assert (mail["Subject"], mail["To"]) == ("Something new", ANNA)
    assert await post.client.held() == []
    back = await post.receive(ANNA, "Thank you", in_reply_to=mail["Message-ID"])
    assert back.conversation_id == said.conversation_id
    assert (await first(post, anna)).id == held.id


async def test_a_first_message_taken_back_is_a_draft_and_nothing_else(post: PostOffice) -> None:
    anna = await post.receive(ANNA, "Where is it?")
    before = await rows(post)
    held = await first(post, anna)
    await post.client.save_draft(
        Draft(conversation_id=anna.conversation_id, kind="first", text="and one thing more")
    )
    taken = await post.client.withdraw(held.id)
    assert (taken.message.status, taken.draft.kind) == ("withdrawn", "first")
    assert (taken.draft.text, taken.draft.subject) == ("News\n\nand one thing more", "Something new")
    assert (taken.draft.channel_id, taken.draft.address_id) == ("mail", held.address_id)
    assert (await post.client.withdraw(held.id)).draft == taken.draft
    assert await rows(post) == before | {"draft": 1}
    post.server.clock.advance(60_000)
    again = await first(post, anna, "Better news")
    assert again.id != held.id
    await leaves(post)
    assert [len(post.smtp.mails), (await post.message(again.id)).text] == [1, "Better news"]
    ivan = await post.server.client(IVAN)
    assert "News" not in [one.text for one in (await ivan.detail(anna.conversation_id)).history.messages]


async def test_a_first_message_is_looked_at_once_more_when_it_leaves(post: PostOffice) -> None:
    anna = await post.receive(ANNA, "Where is it?")
    held = await first(post, anna)
    refused = ConsentCommand(purpose="service", scheme="email", granted=False)
    await post.client.people.consent(anna.customer_id, refused)
    post.server.clock.advance(11_000)
    async with asyncio.timeout(10):
        while (await post.message(held.id)).status != "withdrawn":  # noqa: ASYNC110 - another task's data
            await asyncio.sleep(0.02)
    told = await post.message(held.id)
    assert (told.kind_of_event, told.error) == ("cancelled", leaving.SPEAKS_AGAINST)
    assert [(one.kind, one.text) for one in await post.client.drafts()] == [("first", "News")]
    assert post.smtp.mails == []


async def test_beside_another_persons_conversation_it_is_refused(post: PostOffice) -> None:
    anna, bob = await post.receive(ANNA), await post.receive("bob@y.example")
    error = await refusal(first(post, anna, beside=bob))
    assert error.body.code == "illegal_state"
    assert await post.client.held() == []


async def test_a_forward_leaves_after_its_hold_and_its_line_becomes_the_note(post: PostOffice) -> None:
    anna = await post.receive(ANNA, "My order is broken", subject="Order 12")
    held = await forward(post, anna)
    assert (held.status, held.conversation_id, held.customer_id) == (
        "scheduled",
        anna.conversation_id,
        anna.customer_id,
    )
    assert [one.address for one in held.recipients] == [CAROL]
    assert held.text.startswith("Can you help?\n\n---------- Forwarded message")
    assert (await forward(post, anna)).id == held.id, "asked again"
    assert await listed(post.client) == [anna.conversation_id]
    await post.client.close_conversation(anna.conversation_id, "order", "asked Carol")
    await leaves(post)
    mail = post.sent()
    assert (mail["Subject"], mail["To"]) == ("Fwd: Order 12", CAROL)
    sent = await forward(post, anna)  # the same once more is the message that left
    assert sent.id != held.id
    child = (await post.detail(sent.conversation_id)).conversation
    assert (child.state, child.parent_id, child.assignee) == ("waiting", anna.conversation_id, "Olga")
    note = await post.message(held.id)
    assert (note.kind, note.text, note.recipients) == ("note", f"forwarded to {CAROL}: #{child.id}", [])
    await post.server.settled()
    assert [one.message.id for one in (await post.client.search("forwarded")).hits] == [sent.id, held.id]
    back = await post.receive(CAROL, "Yes", in_reply_to=mail["Message-ID"])
    assert (back.conversation_id, back.stranger) == (child.id, False)


async def test_a_forward_taken_back_leaves_no_card_of_a_wrong_address(post: PostOffice) -> None:
    anna = await post.receive(ANNA, "My order is broken")
    before = await rows(post)
    held = await forward(post, anna, to=written("karol@z.example"), cc=written("dan@z.example"))
    taken = await post.client.withdraw(held.id)
    draft = taken.draft
    assert (draft.kind, draft.text) == ("forward", "Can you help?")
    assert draft.forwards is not None and draft.forwards.message_id == anna.id
    assert draft.to == [Addressee(address="karol@z.example", written=True)]
    assert draft.cc == [Addressee(address="dan@z.example", written=True)]
    assert (await post.client.withdraw(held.id)).draft == draft
    assert await rows(post) == before | {"draft": 1, "recipient": before["recipient"] + 2}
    assert (await post.client.people.find("karol")).items == []
    right = await forward(post, anna, "Can you help us?")
    assert await post.client.drafts() == [], "what was begun is sent"
    assert right.id != held.id
    await leaves(post)
    assert (len(post.smtp.mails), post.sent()["To"]) == (1, CAROL)


async def test_what_was_begun_of_another_message_is_not_thrown_away(post: PostOffice) -> None:
    anna = await post.receive(ANNA, "My order is broken")
    more = await post.receive(ANNA, "And so is the box")
    await post.client.withdraw((await forward(post, anna)).id)
    await forward(post, more, "Look at this, too")
    [draft] = await post.client.drafts()
    assert draft.forwards is not None
    assert (draft.text, draft.forwards.message_id) == ("Can you help?", anna.id)
    assert draft.to == written(CAROL)


async def test_a_forward_with_fewer_files_stays_one_with_fewer_files(post: PostOffice) -> None:
    anna = await post.receive(ANNA, "My order is broken")
    held = await forward(post, anna, file_ids=[])
    draft = (await post.client.withdraw(held.id)).draft
    assert draft.forwards is not None and draft.forwards.file_ids == []


async def test_a_forward_of_what_is_gone_meanwhile_comes_back(post: PostOffice) -> None:
    anna = await post.receive(ANNA, "My order is broken")
    held = await forward(post, anna)
    await post.server.server.database.write(
        lambda tx: tx.run("UPDATE message SET deleted = 1 WHERE id = ?", (anna.id,))
    )
    post.server.clock.advance(11_000)
    async with asyncio.timeout(10):
        while (await post.message(held.id)).status != "withdrawn":  # noqa: ASYNC110 - another task's data
            await asyncio.sleep(0.02)
    assert (await post.message(held.id)).error == leaving.NO_MORE
    assert [one.kind for one in await post.client.drafts()] == ["forward"]
    assert post.smtp.mails == []


async def test_now_means_now_and_another_time_is_no_forwards(post: PostOffice) -> None:
    anna = await post.receive(ANNA, "My order is broken")
    held = await forward(post, anna)
    later = LeaveCommand(at=post.server.clock.now() + 3_600_000)
    error = await refusal(post.client.leave(held.id, at=later.at))
    assert error.body.code == "illegal_state"
    await post.client.leave(held.id)
    await post.server.settled()
    assert [post.sent()["To"]] == [CAROL]


async def test_the_customers_word_and_a_colleagues_answer_hold_no_forward_back(post: PostOffice) -> None:
    anna = await post.receive(ANNA, "My order is broken")
    await forward(post, anna)
    await post.receive(ANNA, "Hello?")
    ivan = await post.server.client(IVAN)
    detail = await ivan.detail(anna.conversation_id)
    await ivan.reply(
        anna.conversation_id,
        post.server.command("we look at it", detail.ways[0], detail.history.seq, hold=False),
    )
    await leaves(post, 2)
    assert {one.rcpt_tos[0] for one in post.smtp.mails} == {CAROL, ANNA}
