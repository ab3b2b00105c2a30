"""One person, one history: proofs join cards reversibly, and nobody else's words cross over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from channels.base import Reference
from omni_console.client import ServerClient
from server.protocol import Conversation, Merged, Unmerged
from tests.fakes.running_server import Running, only, running_server


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


def ref(remote_id: str, trusted: bool = False) -> tuple[Reference, ...]:
    return (Reference(remote_id=remote_id, trusted=trusted, how="by In-Reply-To"),)


async def rows(client: ServerClient) -> list[Conversation]:
    return (await client.conversations("all")).items


async def addresses(run: Running, customer_id: int) -> set[tuple[str, str, bool]]:
    customer = await (await run.client()).customer(customer_id)
    return {(one.scheme, one.external_id, one.verified) for one in customer.addresses}


async def test_a_signed_visitor_who_then_writes_a_letter_is_one_person(run: Running) -> None:
    olga = await run.client()
    visitor = await run.visitor(sub="7", name="Иван", email="ivan@example.org", email_verified=True)
    await visitor.say("my card is blocked")
    await run.letters.hear("ivan@example.org", "and by letter", "Иван П.")
    conversation = await only(olga)
    detail = await olga.detail(conversation.id)
    assert [message.text for message in detail.history.messages] == ["my card is blocked", "and by letter"]
    assert detail.customer.name == "Иван"
    assert [way.channel_id for way in detail.ways] == ["mail", "site"]
    await run.answer(olga, conversation.id, "by letter then")
    await run.settled()
    [sent] = run.letters.sent
    assert (sent.to, sent.references[-1]) == ("ivan@example.org", "<letter-1@theirs>")
    await visitor.say("I am back in the chat")
    assert (await olga.detail(conversation.id)).ways[0].channel_id == "site"
    assert len(await run.read("SELECT id FROM customer")) == 1


async def test_what_was_only_typed_joins_nobody(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("ivan@example.org", "a letter")
    visitor = await run.visitor()
    await visitor.say("hello")
    await visitor.post("/contact", {"email": "ivan@example.org", "name": "Ivan"})
    await visitor.say("it is me, Ivan")
    await run.hook("and I", person={"email": "ivan@example.org"})
    found = await rows(olga)
    assert len({row.customer_id for row in found}) == 3
    for row in found:
        ways = (await olga.detail(row.id)).ways
        assert len(ways) == 1


async def merged_world(run: Running, *, typed: bool) -> tuple[Any, int, int]:
    """An anonymous visitor, and a customer known by letters; then the visitor signs in as that one."""
    visitor = await run.visitor()
    await visitor.say("anonymous question")
    if typed:
        await visitor.post("/contact", {"email": "ivan@example.org"})
    first = await run.letters.hear("ivan@example.org", "a letter", "Иван")
    await run.letters.hear("other@example.org", "somebody else")
    before = await run.read("SELECT id, customer_id, scheme, external_id, verified FROM address ORDER BY id")
    owners = {row["id"]: row["customer_id"] for row in await run.read("SELECT * FROM conversation")}
    assert len(set(owners.values())) == 3
    await visitor.begin(sub="7", name="Иван", email="ivan@example.org", email_verified=True)
    assert first.conversation_id is not None
    return before, owners[1], owners[first.conversation_id]


@pytest.mark.parametrize("typed", [False, True])
async def test_signing_in_joins_two_cards(typed: bool, run: Running) -> None:
    olga = await run.client()
    stream = await run.listen()
    _before, target, source = await merged_world(run, typed=typed)
    found = await rows(olga)
    assert sorted(row.customer_id for row in found) == sorted([target, target, max(target, source) + 1])
    joined = [row for row in found if row.customer_id == target]
    assert {row.customer for row in joined} == {"Иван"}
    river = await olga.history(source, None)  # the old number leads to the person too
    assert [message.text for message in river.messages if message.channel_id != "site"] == ["a letter"]
    assert {message.customer_id for message in river.messages} == {target}
    known = await addresses(run, target)
    assert ("email", "ivan@example.org", True) in known
    assert ("email", "ivan@example.org", False) not in known

    # Every conversation of the person was told of, with the row as it is now.
    await stream.reached(await run.newest())
    told = {
        body.conversation_id: body.conversation
        for body in stream.bodies("customer.changed")
        if body.data.get("from") == source and body.conversation_id is not None
    }
    assert set(told) == {row.id for row in joined}
    assert all(row is not None and row.customer_id == target for row in told.values())

    # He goes on on both channels as one, and nothing is joined a second time.
    visitor_again = await run.letters.hear("ivan@example.org", "another letter")
    [last] = await run.read("SELECT customer_id FROM message WHERE id = ?", visitor_again.message_id)
    assert last["customer_id"] == target
    assert len(await run.read("SELECT id FROM merge")) == 1
    assert len(await run.read("SELECT id FROM customer WHERE merged_into IS NULL")) == 2


async def owners(run: Running) -> dict[str, dict[int, int]]:
    """Whose everything is, by table and id."""
    tables = ("address", "conversation", "message")
    return {
        table: {row["id"]: row["customer_id"] for row in await run.read(f"SELECT * FROM {table}")}  # noqa: S608
        for table in tables
    }


@pytest.mark.parametrize("typed", [False, True])
async def test_a_merge_can_be_taken_back(typed: bool, run: Running) -> None:
    before, target, source = await merged_world(run, typed=typed)
    [merge] = await run.read("SELECT * FROM merge")
    assert (merge["from_customer"], merge["into_customer"]) == (source, target)
    assert merge["evidence"]
    together = await owners(run)
    assert source not in [owner for found in together.values() for owner in found.values()]

    status, body = await run.ask("POST", f"/v1/merges/{merge['id']}/undo", b"")
    assert status == 200, body
    apart = msgspec.json.decode(body, type=Unmerged)
    assert (apart.customer_id, apart.restored_id) == (target, source)
    after = await owners(run)
    for row in before:
        assert after["address"][row["id"]] == row["customer_id"]
    olga = await run.client()
    assert [one.text for one in (await olga.history(source, None)).messages] == ["a letter"]
    assert "a letter" not in [one.text for one in (await olga.history(target, None)).messages]
    # Twice is once.
    status, body = await run.ask("POST", f"/v1/merges/{merge['id']}/undo", b"")
    assert status == 409


async def test_what_was_written_after_the_merge_goes_back_too(run: Running) -> None:
    """Nobody's words stay in somebody else's history, and nobody who waits is forgotten."""
    olga = await run.client()
    ours = await run.letters.hear("anna@example.org", "from Anna", "Anna")
    theirs = await run.letters.hear("boris@example.org", "from Boris", "Boris")
    [anna, boris] = [
        row["customer_id"] for row in await run.read("SELECT customer_id FROM conversation ORDER BY id")
    ]
    status, body = await run.ask(
        "POST", f"/v1/customers/{boris}/merge", msgspec.json.encode({"other_id": anna})
    )
    assert status == 200, body
    merged = msgspec.json.decode(body, type=Merged)
    assert merged.customer_id == anna
    assert theirs.conversation_id is not None
    assert ours.conversation_id is not None
    await run.answer(olga, ours.conversation_id, "hello")
    await run.settled()
    await run.letters.hear("anna@example.org", "Anna again")
    await run.letters.hear("boris@example.org", "Boris again")
    status, body = await run.ask("POST", f"/v1/merges/{merged.merge_id}/undo", b"")
    assert status == 200, body
    for customer, name in ((anna, "Anna"), (boris, "Boris")):
        river = await olga.history(customer, None)
        heard = [one.text for one in river.messages if one.kind == "in"]
        assert heard == [f"from {name}", f"{name} again"]
        [row] = [row for row in await rows(olga) if row.preview == f"{name} again"]
        assert (row.customer_id, row.state, row.customer) == (customer, "open", name)


async def test_an_anonymous_visitor_gets_his_name_when_he_signs_in(run: Running) -> None:
    olga = await run.client()
    visitor = await run.visitor()
    await visitor.say("hello")
    assert (await only(olga)).customer == visitor.name
    await visitor.begin(sub="7", name="Иван", email="ivan@example.org", email_verified=True)
    await visitor.say("it is me")
    assert (await only(olga)).customer == "Иван"
    # A name that a person has is not changed by whatever he calls himself next.
    await visitor.begin(sub="7", name="Grandmaster", email="ivan@example.org", email_verified=True)
    await visitor.say("and now?")
    assert (await only(olga)).customer == "Иван"


# --- references ---------------------------------------------------------------------------------------


async def test_a_stranger_with_our_own_reference_lands_in_the_thread_as_one(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("ivan@example.org", "my contract")
    conversation = await only(olga)
    reply = await run.answer(olga, conversation.id, "please ask your wife to confirm")
    await run.settled()
    ours = run.letters.sent[0].remote_id
    assert ours is not None
    receipt = await run.letters.hear(
        "wife@example.org", "I confirm", "Maria", references=ref(ours, trusted=True)
    )
    assert receipt.conversation_id == conversation.id
    detail = await olga.detail(conversation.id)
    last = detail.history.messages[-1]
    assert (last.text, last.author, last.stranger, last.reason) == (
        "I confirm",
        "Maria",
        True,
        "by In-Reply-To",
    )
    assert (await only(olga)).state == "open"
    # She is no way to answer Ivan, also not the first one.
    assert [way.label for way in detail.ways] == ["ivan@example.org"]
    assert reply.address_id == detail.ways[0].address_id
    await run.answer(olga, conversation.id, "thank you both")
    await run.settled()
    assert [message.to for message in run.letters.sent] == ["ivan@example.org"] * 2
    # As somebody who takes part she needs no proof any more, and what is not of here stays her own.
    again = await run.letters.hear("wife@example.org", "one more", references=ref(ours))
    assert again.conversation_id == conversation.id
    assert (await run.letters.hear("wife@example.org", "mine")).conversation_id != conversation.id


async def test_a_quoted_reference_of_somebody_elses_letter_never_crosses(run: Running) -> None:
    olga = await run.client()
    first = await run.letters.hear("ivan@example.org", "my secret", remote_message_id="<secret@theirs>")
    assert first.conversation_id is not None
    await run.answer(olga, first.conversation_id, "your secret is safe")
    await run.settled()
    ours = run.letters.sent[0].remote_id or ""
    for quoted in ("<secret@theirs>", ours, "<nothing@nowhere>"):
        receipt = await run.letters.hear("mallory@example.org", "me too", references=ref(quoted))
        assert receipt.conversation_id != first.conversation_id
    for conversation in await rows(olga):
        people = {message.customer_id for message in (await olga.detail(conversation.id)).history.messages}
        assert people == {conversation.customer_id}


async def test_a_letter_that_borrows_our_id_captures_no_answers(run: Running) -> None:
    olga = await run.client()
    first = await run.letters.hear("ivan@example.org", "hello")
    assert first.conversation_id is not None
    await run.answer(olga, first.conversation_id, "hi")
    await run.settled()
    ours = run.letters.sent[0].remote_id or ""
    await run.letters.hear("mallory@example.org", "trap", remote_message_id=ours)
    answer = await run.letters.hear("ivan@example.org", "thanks", references=ref(ours, trusted=True))
    assert answer.conversation_id == first.conversation_id


async def test_a_shared_thread_gives_nobody_anothers_answers(run: Running) -> None:
    """Two people in one chat of the market: each keeps a card, and each can be answered."""
    olga = await run.client()
    await run.hook("I bought it", sender="buyer-1", key="group")
    await run.hook("and I paid", sender="buyer-2", key="group")
    first, second = (await olga.conversations("queue")).items
    assert first.customer_id != second.customer_id
    for row, recipient in ((first, "buyer-1"), (second, "buyer-2")):
        await run.answer(olga, row.id, f"to {recipient}")
        await run.settled()
        assert run.receiver.heard[-1]["recipient"]["id"] == recipient


async def test_automatic_letters_reopen_nothing(run: Running) -> None:
    olga = await run.client()
    first = await run.letters.hear("ivan@example.org", "hello")
    assert first.conversation_id is not None
    await run.answer(olga, first.conversation_id, "hi")
    await run.settled()
    ours = run.letters.sent[0].remote_id or ""
    away = await run.letters.hear("ivan@example.org", "out of office", references=ref(ours), automatic=True)
    assert away.conversation_id == first.conversation_id
    row = (await olga.detail(first.conversation_id)).conversation
    assert (row.state, row.customer_seq) == ("waiting", first.seq)
    news = await run.letters.hear("ivan@example.org", "newsletter", automatic=True)
    assert news.conversation_id != first.conversation_id
