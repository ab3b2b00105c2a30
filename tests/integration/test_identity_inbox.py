"""Suggestions: found after the commit, decided by one key, never asked again, and nothing by itself."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from server.people.cards import put_record
from server.protocol import Merged, Suggestion, SuggestionPage
from server.store.records import Fact
from tests.fakes.running_server import RITA, Running, running_server


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


async def looked(run: Running) -> None:
    assert run.server.suggester is not None
    await run.server.suggester.catch_up()


async def inbox(run: Running, query: str = "") -> SuggestionPage:
    await looked(run)
    status, data = await run.ask("GET", f"/v1/identity/suggestions{query}")
    assert status == 200, data
    return msgspec.json.decode(data, type=SuggestionPage)


async def decide(run: Running, which: int, verb: str) -> tuple[int, bytes]:
    return await run.ask("POST", f"/v1/identity/suggestions/{which}/{verb}", b"{}")


async def typed(run: Running, **contact: str) -> Any:
    """A visitor who types where he can be reached."""
    visitor = await run.visitor()
    await visitor.say("hello")
    await visitor.post("/contact", contact)
    return visitor


async def order(run: Running, number: str, **whose: Any) -> None:
    fact = Fact(kind="order", external_id=number, title="a lamp", **whose)
    await run.server.database.write(lambda tx: put_record(tx, fact))


async def test_a_typed_address_that_somebody_has_is_asked_about(run: Running) -> None:
    await run.letters.hear("ivan@example.org", "a letter", "Иван")
    await typed(run, email="Ivan@Example.org")
    page = await inbox(run)
    [one] = page.items
    assert (one.one.id, one.other.id, one.state, page.open) == (1, 2, "open", 1)
    assert [(reason.kind, reason.text) for reason in one.reasons] == [("email", "ivan@example.org")]
    # Nothing was joined, and the log names ids only.
    assert await run.read("SELECT 1 FROM merge") == []
    [event] = await run.read("SELECT * FROM event WHERE kind = 'identity.suggested'")
    assert event["data"] == '{"suggestion":1}'
    [row] = await run.read("SELECT reasons FROM suggestion")
    assert "ivan" not in row["reasons"]


async def test_accepting_is_a_merge_that_can_be_taken_back_and_is_then_not_asked_again(run: Running) -> None:
    await run.letters.hear("ivan@example.org", "a letter", "Иван")
    visitor = await typed(run, email="ivan@example.org")
    [one] = (await inbox(run)).items
    status, data = await decide(run, one.id, "accept")
    assert status == 200, data
    merged = msgspec.json.decode(data, type=Merged)
    assert merged.customer_id == 1
    [row] = await run.read("SELECT customer_id FROM conversation WHERE channel_id = 'site'")
    assert row["customer_id"] == 1
    assert (await inbox(run)).items == []
    [accepted] = (await inbox(run, "?state=accepted")).items
    assert (accepted.merge_id, accepted.decided_by) == (merged.merge_id, "Olga")
    assert (await decide(run, one.id, "accept"))[0] == 409
    status, data = await run.ask("POST", f"/v1/merges/{merged.merge_id}/undo", b"{}")
    assert status == 200, data
    [refused] = (await inbox(run, "?state=refused")).items
    assert {refused.one.id, refused.other.id} == {1, 2}
    await visitor.post("/contact", {"email": "ivan@example.org", "phone": "+79161234567"})
    await run.hook("hi", sender="b", person={"phone": "+79161234567", "name": "Somebody"})
    page = await inbox(run)
    assert all({one.one.id, one.other.id} != {1, 2} for one in page.items)


async def test_refused_is_never_asked_again_also_of_who_they_become(run: Running) -> None:
    await run.letters.hear("ivan@example.org", "a letter", "Иван Сидоров")
    first = await typed(run, email="ivan@example.org")
    [one] = (await inbox(run)).items
    status, data = await decide(run, one.id, "refuse")
    assert (status, msgspec.json.decode(data, type=Suggestion).state) == (200, "refused")
    assert (await decide(run, one.id, "refuse"))[0] == 200
    assert (await decide(run, one.id, "accept"))[0] == 409
    # He types it once more, and becomes part of another card that says the same.
    await first.post("/contact", {"name": "Иван Сидоров"})
    assert (await inbox(run)).items == []
    body = msgspec.json.encode({"other_id": 2})
    await run.hook("hi", sender="b", person={"email": "ivan@example.org"})
    page = await inbox(run)
    pairs = {frozenset((found.one.id, found.other.id)) for found in page.items}
    assert frozenset((1, 2)) not in pairs and frozenset((1, 3)) in pairs
    status, data = await run.ask("POST", "/v1/customers/3/merge", body)
    assert status == 200, data
    # Card 3 is part of card 2 now, whom the operator has told apart from card 1.
    assert (await inbox(run)).items == [] or all(
        {found.one.id, found.other.id} != {1, 2} or found.id != one.id for found in (await inbox(run)).items
    )
    status, data = await decide(run, one.id, "reopen")
    assert (status, msgspec.json.decode(data, type=Suggestion).state) == (200, "open")


async def test_two_who_share_a_phone_stay_two(run: Running) -> None:
    for sub in ("1", "2"):
        visitor = await run.visitor(sub=sub, phone="8 (916) 123-45-67", phone_verified=True)
        await visitor.say("hello")
    await run.hook("call me", sender="b", person={"phone": "+7 916 1234567"})
    cards = await run.read("SELECT id FROM customer WHERE merged_into IS NULL")
    assert len(cards) == 3 and await run.read("SELECT 1 FROM merge") == []
    page = await inbox(run)
    assert page.items and {reason.kind for one in page.items for reason in one.reasons} == {"phone"}
    assert {reason.text for one in page.items for reason in one.reasons} == {"+79161234567"}
    # One is accepted: the others are asked about as what they are today, and none is lost.
    assert (await decide(run, page.items[0].id, "accept"))[0] == 200
    again = await inbox(run)
    assert all(one.one.id != one.other.id for one in again.items)
    assert (await run.read("SELECT count(*) AS n FROM suggestion WHERE state = 'open'"))[0]["n"] == again.open


async def test_a_rare_name_an_order_and_a_caller(run: Running) -> None:
    await run.letters.hear("a@example.org", "hello", "Евпатий Коловрат")
    await run.hook("hi", sender="b", person={"name": "Evpatii Kolovrat"})
    [one] = (await inbox(run)).items
    [reason] = one.reasons
    assert reason.kind == "name" and reason.text in ("Евпатий Коловрат", "Evpatii Kolovrat")
    await order(run, "A-1017", scheme="email", address="a@example.org")
    await run.hook("where is my order a-1017?", sender="b")
    [one] = (await inbox(run)).items
    assert [reason.kind for reason in one.reasons] == ["order", "name"]
    assert one.reasons[0].text == "A-1017"
    await run.hook("", sender="caller", key="call-1", kind="call", person={"phone": "+79160000001"})
    await typed(run, phone="+79160000001")
    newest = (await inbox(run)).items
    assert {reason.kind for found in newest for reason in found.reasons} >= {"caller"}


async def test_an_order_that_is_told_of_after_its_number_was_written(run: Running) -> None:
    await run.hook("where is 100500?", sender="b", person={"name": "B"})
    await run.letters.hear("a@example.org", "hello", "A")
    await looked(run)
    await run.context.indexer.catch_up()
    await order(run, "100500", scheme="email", address="a@example.org")
    [one] = (await inbox(run)).items
    assert [reason.kind for reason in one.reasons] == ["order"]


async def test_common_names_are_nobodys_reason(run: Running) -> None:
    for number in range(4):
        await run.letters.hear(f"ivan{number}@example.org", "hello", "Иван Петров")
        await run.letters.hear(f"i{number}@example.org", "hello", "Иван")
    assert (await inbox(run)).items == []


async def test_a_doubted_mail_is_asked_about(run: Running) -> None:
    await run.letters.hear("ivan@example.org", "my contract", "Иван")
    event = run.letters.letter("ivan@example.org", "send the money elsewhere")
    event = msgspec.structs.replace(event, sender=msgspec.structs.replace(event.sender, proven=False))
    await run.letters.hear_all([event])
    [one] = (await inbox(run)).items
    assert [reason.kind for reason in one.reasons] == ["unverified"]


async def test_the_inbox_pages_by_key_and_by_customer(run: Running) -> None:
    for number in range(7):
        await run.letters.hear(f"p{number}@example.org", "hello")
        await run.hook(
            "hi", sender=f"b{number}", key=f"k{number}", person={"email": f"p{number}@example.org"}
        )
    first = await inbox(run, "?limit=3")
    assert first.open == 7 and len(first.items) == 3
    seen = [one.id for one in first.items]
    following = first.next
    while following:
        page = await inbox(run, f"?limit=3&after={following}")
        seen += [one.id for one in page.items]
        following = page.next
    assert len(seen) == len(set(seen)) == 7
    [mine] = (await inbox(run, f"?customer={first.items[0].other.id}")).items
    assert mine.id == first.items[0].id
    assert (await run.ask("GET", "/v1/identity/suggestions?state=any"))[0] == 400
    assert (await run.ask("POST", f"/v1/identity/suggestions/{mine.id}/accept", b"{}", uid=RITA))[0] == 403
    assert (await decide(run, 4711, "accept"))[0] == 404


async def test_what_was_not_looked_at_is_looked_at_after_the_next_start(tmp_path: Path) -> None:
    async with running_server(tmp_path) as run:
        await run.letters.hear("ivan@example.org", "a letter", "Иван")
        await looked(run)
        assert run.server.suggester is not None
        await run.server.suggester.stop()
        await run.hook("hi", sender="b", person={"email": "ivan@example.org"})
    async with running_server(tmp_path) as run:
        assert len((await inbox(run)).items) == 1
        assert await run.read("SELECT 1 FROM card_to_compare") == []
        # Looking twice changes nothing.
        await run.server.database.write(
            lambda tx: tx.run("INSERT INTO card_to_compare (customer_id) SELECT id FROM customer")
        )
        page = await inbox(run)
        assert len(page.items) == 1
        assert len(await run.read("SELECT 1 FROM event WHERE kind = 'identity.suggested'")) == 1


async def test_what_becomes_one_by_proof_leaves_the_inbox(run: Running) -> None:
    await run.letters.hear("ivan@example.org", "a letter", "Иван")
    visitor = await typed(run, email="ivan@example.org")
    [one] = (await inbox(run)).items
    await visitor.begin(sub="7", name="Иван", email="ivan@example.org", email_verified=True)
    await visitor.say("signed in")
    page = await inbox(run)
    assert (page.items, page.open) == ([], 0)
    [accepted] = (await inbox(run, "?state=accepted")).items
    assert (accepted.id, accepted.decided_by) == (one.id, "")
    assert accepted.merge_id is not None


async def test_spam_asks_nothing(run: Running) -> None:
    await run.letters.hear("ivan@example.org", "a letter", "Иван")
    await run.hook("buy now", sender="b", person={"email": "ivan@example.org"})
    [row] = await run.read("SELECT id FROM conversation WHERE channel_id = 'market'")
    body = msgspec.json.encode({"conversation_ids": [row["id"]]})
    status, data = await run.ask("POST", "/v1/spam", body)
    assert status == 200, data
    assert (await inbox(run)).items == []
