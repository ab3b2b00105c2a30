"""Lists that page by key while everything moves, and search."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

import msgspec
import pytest

from channels.base import InboundEvent
from omni_console.client import ServerClient
from server.protocol import Conversation, View
from tests.fakes.running_server import IVAN, Running, only, running_server

HOUR_MS = 3_600_000


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


async def crowd(run: Running, count: int) -> None:
    """So many customers, a minute apart, every third in the same millisecond as the one before."""
    letters: list[InboundEvent] = []
    for number in range(count):
        letters.append(run.letters.letter(f"writer{number}@example.org", f"question {number}"))
        if number % 3:
            await run.letters.hear_all(letters)
            letters = []
            run.clock.advance(60_000)
    await run.letters.hear_all(letters)


async def pages(client: ServerClient, view: View, limit: int) -> list[Conversation]:
    found: list[Conversation] = []
    after = None
    while True:
        page = await client.conversations(view, after, limit)
        assert len(page.items) <= limit
        found += page.items
        after = page.next
        if after is None:
            return found


async def test_paging_has_no_gaps_and_no_doubles(run: Running) -> None:
    olga = await run.client()
    await crowd(run, 300)
    for view, rising in (("queue", True), ("all", False)):
        rows = await pages(olga, view, 37)  # type: ignore[arg-type]
        assert len({row.id for row in rows}) == len(rows) == 300
        keys = [(row.sort_at, row.id) for row in rows]
        assert keys == sorted(keys, reverse=not rising)
        assert all(row.sort_at for row in rows)
    assert (await olga.counts()).queue == 300
    assert await pages(olga, "mine", 37) == []


async def test_paging_while_everything_moves(run: Running) -> None:
    """What stays in the list is seen once; only what moved meanwhile may be missing or new."""
    olga, ivan = await run.client(), await run.client(IVAN)
    await crowd(run, 240)
    chance = random.Random(3)
    seen: list[int] = []
    moved: set[int] = set()
    after = None
    while True:
        page = await olga.conversations("queue", after, 20)
        seen += [row.id for row in page.items]
        after = page.next
        if after is None:
            break
        for conversation_id in chance.sample(range(1, 241), 5):
            if conversation_id in moved:
                continue
            moved.add(conversation_id)
            move = chance.choice(["claim", "snooze", "close", "write"])
            run.clock.advance(1)
            if move == "claim":
                await ivan.claim(conversation_id, None)
            elif move == "snooze":
                await ivan.snooze(conversation_id, run.clock.now() + 100 * HOUR_MS)
            elif move == "close":
                await ivan.close_conversation(conversation_id, "a", "b")
            else:
                await run.letters.hear(f"new{conversation_id}@example.org", "new in the queue")
    assert len(set(seen)) == len(seen)
    assert set(range(1, 241)) - moved <= set(seen)


async def test_the_queue_shows_who_waits_longest_first(run: Running) -> None:
    olga = await run.client()
    for name in ("first", "second", "third"):
        await run.letters.hear(f"{name}@example.org", name)
        run.clock.advance(1000)
    await run.letters.hear("first@example.org", "still waiting")  # does not send him to the end
    rows = await pages(olga, "queue", 2)
    assert [row.preview for row in rows] == ["still waiting", "second", "third"]
    assert (await olga.counts()).oldest_queued_at == rows[0].waiting_since


async def test_a_river_pages_back_to_its_beginning(run: Running) -> None:
    olga = await run.client()
    visitor = await run.visitor(sub="7", name="Ivan", email="ivan@example.org", email_verified=True)
    await visitor.say("line 0")
    texts = ["line 0"]
    for number in range(1, 130):
        texts.append(f"line {number}")
        if number % 4 == 0:
            run.clock.advance(1)
        await run.letters.hear("ivan@example.org", texts[-1])
    conversation = await only(olga)
    detail = await olga.detail(conversation.id)
    found, before = [message.text for message in detail.history.messages], detail.history.before
    while before is not None:
        page = await olga.history(conversation.customer_id, before, 17)
        assert {message.conversation_id for message in page.messages} == {
            row.id for row in page.conversations
        }
        found = [message.text for message in page.messages] + found
        before = page.before
    assert found == texts


async def test_old_mail_takes_its_place_in_the_river(run: Running) -> None:
    olga = await run.client()
    now = run.clock.now()
    await run.letters.hear("ivan@example.org", "today")
    await run.letters.hear("ivan@example.org", "yesterday", occurred_at=now - 24 * HOUR_MS)
    await run.letters.hear("ivan@example.org", "tomorrow", occurred_at=now + 24 * HOUR_MS)
    messages = (await olga.detail((await only(olga)).id)).history.messages
    assert [message.text for message in messages] == ["yesterday", "today", "tomorrow"]
    assert messages[-1].at == now  # nobody writes from the future


# --- search ---------------------------------------------------------------------------------------------


async def found(client: ServerClient, query: str, limit: int = 50) -> list[str]:
    texts: list[str] = []
    before = None
    while True:
        page = await client.search(query, before, limit)
        texts += [hit.message.text for hit in page.hits]
        for hit in page.hits:
            assert hit.conversation.id == hit.message.conversation_id
            assert hit.message.mark
        before = page.next
        if before is None:
            return texts


async def test_search_is_newest_first_in_all_word_forms_and_pages(run: Running) -> None:
    olga = await run.client()
    texts = [f"Заблокирована карта номер {number}" for number in range(11)]
    for text in texts:
        run.clock.advance(1000)
        await run.letters.hear("ivan@example.org", text)
    await run.letters.hear("ivan@example.org", "Старая карта", occurred_at=run.clock.now() - 24 * HOUR_MS)
    newest_first = [*reversed(texts), "Старая карта"]
    for limit in (50, 5, 1):
        assert await found(olga, "карты", limit) == newest_first
    assert await found(olga, "картой заблокировали") == newest_first[:-1]
    assert await found(olga, "посылка") == []
    assert await found(olga, '"карта" AND ( NOT') == []


async def test_search_knows_notes_answers_subjects_and_edits(run: Running) -> None:
    olga = await run.client()
    await run.hook("my parcel is lost", message_id="m-1", subject="Claim 17")
    conversation = await only(olga)
    await run.answer(olga, conversation.id, "we are looking for it")
    assert await found(olga, "parcels") == ["my parcel is lost"]
    assert await found(olga, "claim 17") == ["we are looking for it", "my parcel is lost"]
    assert await found(olga, "looking") == ["we are looking for it"]
    await run.hook("my letter is lost", kind="edit", target="m-1")
    assert await found(olga, "parcel") == []
    assert await found(olga, "letters") == ["my letter is lost"]
    [first, *_] = (await olga.detail(conversation.id)).history.messages
    assert first.edited_at is not None


async def test_nobody_edits_or_deletes_anothers_message(run: Running) -> None:
    olga = await run.client()
    await run.hook("mine", message_id="m-1")
    first = await only(olga)
    for kind in ("edit", "delete"):
        await run.hook(f"{kind} by another", sender="buyer-2", key="order-2", kind=kind, target="m-1")
    [message] = (await olga.detail(first.id)).history.messages
    assert (message.text, message.deleted, message.edited_at) == ("mine", False, None)
    await run.hook("", kind="delete", target="m-1")
    [message] = (await olga.detail(first.id)).history.messages
    assert message.deleted


async def test_whoever_was_left_without_an_answer_is_named(run: Running) -> None:
    olga = await run.client()
    for name in ("anna", "boris", "clara"):
        await run.letters.hear(f"{name}@example.org", f"{name} asks")
    rows = {row.preview.split()[0]: row for row in (await olga.conversations("all")).items}
    for name in ("anna", "boris", "clara"):
        if name == "boris":
            await run.answer(olga, rows[name].id, "here you are")
            await run.settled()
        await olga.close_conversation(rows[name].id, "a question", "done")
    run.clock.advance(30 * 86_400_000 - 60_000)
    await run.letters.hear("clara@example.org", "clara comes back")

    async def named() -> list[str]:
        status, body = await run.ask("GET", "/v1/forgotten")
        assert status == 200
        return [row.preview for row in msgspec.json.decode(body, type=list[Conversation])]

    assert await named() == ["anna asks"]
    anna = rows["anna"].id
    lead = await run.client(None)
    assert (await lead.lead.overview()).forgotten == 1
    assert [row.id for row in (await lead.lead.forgotten()).items] == [anna]
    assert b"omni_forgotten 1.0" in (await run.ask("GET", "/metrics"))[1]
    # That she called is no answer, nor is a call before she wrote; one of ours after it is.
    said = run.clock.now() - 40 * 86_400_000
    for number, (medium, inward, at) in enumerate(
        (("phone", True, None), ("phone", False, said), ("office", False, None))
    ):
        contact = {
            "client_id": f"c{number}",
            "medium": medium,
            "from_customer": inward,
            "text": "it is settled",
        }
        body = msgspec.json.encode({**contact, "conversation_id": anna, "at": at})
        status, told = await run.ask("POST", "/v1/contacts", body)
        assert status == 200, told
        assert len((await lead.lead.forgotten()).items) == (number < 2)
    assert (await lead.lead.overview()).forgotten == 0
    [contact_id] = [row["id"] for row in await run.read("SELECT max(id) AS id FROM message")]
    await run.server.database.write(lambda tx: tx.run("DELETE FROM message WHERE id = ?", (contact_id,)))
    run.clock.advance(120_000)
    assert await named() == []
