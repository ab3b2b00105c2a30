"""Writing first: what speaks against it is looked at before, for one and for many."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from server.protocol import BulkDone, ErrorBody, Message
from server.store import records
from server.store.records import Fact
from tests.fakes.running_server import IVAN, OLGA, RITA, Running, only, running_server

DAY_MS = 86_400_000


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


async def known(run: Running, address: str = "anna@example.org", name: str = "Anna") -> tuple[int, int]:
    """(customer, address): somebody who wrote long ago, and was answered and closed by nobody."""
    receipt = await run.letters.hear(address, "hello", name)
    client = await run.client()
    detail = await client.detail(receipt.conversation_id or 0)
    await client.close_conversation(detail.conversation.id, "hello", "said")
    return detail.customer.id, detail.customer.addresses[0].id


async def first(
    run: Running, customer: int, address: int, uid: int = OLGA, **fields: Any
) -> Message | ErrorBody:
    body = {"client_id": f"first-{next(run.numbers)}", "text": "news", "channel_id": "mail"} | fields
    status, answer = await run.ask(
        "POST",
        f"/v1/customers/{customer}/first-message",
        json.dumps(body | {"address_id": address}).encode(),
        uid,
    )
    if status == 200:
        return msgspec.json.decode(answer, type=Message)
    return msgspec.convert(msgspec.json.decode(answer)["error"], type=ErrorBody)


async def bulk(run: Running, *customers: int, uid: int = OLGA, **fields: Any) -> BulkDone:
    body = {"client_id": "bulk-1", "text": "news", "purpose": "marketing", "customer_ids": customers} | fields
    status, answer = await run.ask("POST", "/v1/bulk-messages", json.dumps(body).encode(), uid)
    assert status == 200, answer
    return msgspec.json.decode(answer, type=BulkDone)


def kinds(answer: Message | ErrorBody) -> list[str]:
    assert isinstance(answer, ErrorBody) and answer.code == "held", answer
    return [one.kind for one in answer.obstacles]


async def refuse(run: Running, customer: int, scheme: str = "*") -> None:
    body = json.dumps({"purpose": "marketing", "granted": False, "scheme": scheme}).encode()
    status, answer = await run.ask("PUT", f"/v1/customers/{customer}/consents", body)
    assert status == 200, answer


async def test_nothing_speaks_against_it(run: Running) -> None:
    olga = await run.client()
    customer, address = await known(run)
    said = await first(run, customer, address, client_id="once", subject="About winter")
    assert isinstance(said, Message)
    assert said == await first(run, customer, address, client_id="once", subject="About winter")
    row = await only(olga)
    assert (row.id, row.state, row.assignee, row.subject) == (
        said.conversation_id,
        "waiting",
        "Olga",
        "About winter",
    )
    await run.settled()
    [sent] = run.letters.sent
    assert (sent.to, sent.text, sent.subject) == ("anna@example.org", "news", "About winter")
    # His answer comes back to it, and a reply to that is never held by what holds first words.
    await first(run, customer, address, IVAN, despite=["open_conversation", "colleague_wrote"])
    await run.letters.hear("anna@example.org", "tell me more", references=())
    assert (await run.answer(olga, row.id, "gladly")).status == "queued"


async def test_an_open_conversation_and_a_colleague_hold_it(run: Running) -> None:
    olga, ivan = await run.client(), await run.client(IVAN)
    customer, address = await known(run)
    await run.letters.hear("anna@example.org", "a new matter")
    row = await only(olga)
    assert kinds(await first(run, customer, address)) == ["open_conversation"]
    await run.answer(ivan, row.id, "an answer")
    await run.settled()
    held = await first(run, customer, address, despite=["open_conversation"])
    assert kinds(held) == ["open_conversation", "colleague_wrote"]
    assert isinstance(held, ErrorBody) and "Ivan wrote on" in held.obstacles[1].text
    assert held.obstacles[0].conversation_id == row.id
    # One's own words are no obstacle; ninety days on nobody's are.
    await ivan.close_conversation(row.id, "a", "b")
    assert isinstance(await first(run, customer, address, IVAN, text="mine"), Message)
    run.clock.advance(91 * DAY_MS)
    await (await run.client(IVAN)).close_conversation((await only(olga)).id, "a", "b")
    assert isinstance(await first(run, customer, address), Message)


@pytest.mark.parametrize(
    ("status", "automatic", "holds"), [("sent", 0, True), ("failed", 0, False), ("sent", 1, False)]
)
async def test_only_what_a_person_said_and_he_got_holds_it(
    run: Running, status: str, automatic: int, holds: bool
) -> None:
    ivan = await run.client(IVAN)
    customer, address = await known(run)
    await run.letters.hear("anna@example.org", "a new matter")
    row = await only(ivan)
    await run.answer(ivan, row.id, "an answer")
    await run.settled()
    await ivan.close_conversation(row.id, "a", "b")
    change = "UPDATE message SET status = ?, automatic = ? WHERE text = 'an answer'"
    await run.server.database.write(lambda tx: tx.run(change, (status, automatic)))
    assert isinstance(await first(run, customer, address), ErrorBody) == holds


async def test_a_recorded_order_holds_it(run: Running) -> None:
    customer, address = await known(run)
    order = Fact(kind="order", external_id="A-7", customer_id=customer, title="Winter stay", state="paid")
    await run.server.database.write(lambda tx: records.put(tx, order))
    held = await first(run, customer, address)
    assert kinds(held) == ["order"]
    assert isinstance(held, ErrorBody) and held.obstacles[0].text.startswith("order A-7, Winter stay, paid")
    assert isinstance(await first(run, customer, address, despite=["order"]), Message)


async def test_a_refusal_and_a_bar_are_never_gone_past(run: Running) -> None:
    olga = await run.client()
    customer, address = await known(run)
    await refuse(run, customer, "email")
    every = ["consent", "barred", "order", "colleague_wrote", "open_conversation"]
    held = await first(run, customer, address, purpose="marketing", despite=every)
    assert kinds(held) == ["consent"]
    assert isinstance(held, ErrorBody) and held.obstacles[0].blocks
    assert isinstance(await first(run, customer, address, client_id="s"), Message)  # service was not refused
    body = json.dumps({"conversation_ids": [(await only(olga)).id]}).encode()
    await run.letters.hear("anna@example.org", "buy", references=())
    rows = (await olga.conversations("all")).items
    body = json.dumps({"conversation_ids": [row.id for row in rows]}).encode()
    assert (await run.ask("POST", "/v1/spam", body))[0] == 200
    assert "barred" in kinds(await first(run, customer, address, despite=every))


async def test_it_is_looked_at_who_somebody_is_today(run: Running) -> None:
    """A colleague wrote to the card that became part of this one."""
    ivan = await run.client(IVAN)
    customer, address = await known(run)
    await run.hook("hello", sender="buyer-1")
    row = await only(ivan)
    await run.answer(ivan, row.id, "to the other card")
    await ivan.close_conversation(row.id, "a", "b")
    assert not isinstance(await first(run, row.customer_id, 99), Message)
    status, answer = await run.ask(
        "POST", f"/v1/customers/{customer}/merge", json.dumps({"other_id": row.customer_id}).encode()
    )
    assert status == 200, answer
    assert kinds(await first(run, customer, address)) == ["colleague_wrote"]
    assert kinds(await first(run, row.customer_id, address)) == ["colleague_wrote"]


async def test_ways_that_are_none_are_refused(run: Running) -> None:
    customer, address = await known(run)
    _, foreign = await known(run, "boris@example.org", "Boris")
    for wrong in (
        await first(run, customer, foreign),
        await first(run, customer, address, channel_id="market"),
        await first(run, customer, address, text=" "),
        await first(run, customer, address, client_id=""),
    ):
        assert isinstance(wrong, ErrorBody) and wrong.code == "illegal_state"
    missing = await first(run, 999, address)
    assert isinstance(missing, ErrorBody) and missing.code == "not_found"
    forbidden = await first(run, customer, address, RITA)
    assert isinstance(forbidden, ErrorBody) and forbidden.code == "forbidden"
    await run.settled()
    assert run.letters.sent == []


async def test_many_get_one_each_and_nobody_who_should_not(run: Running) -> None:
    olga = await run.client()
    people = [await known(run, f"p{number}@example.org", f"Person {number}") for number in range(5)]
    ids = [customer for customer, _ in people]
    await refuse(run, ids[1])
    await run.letters.hear("p2@example.org", "a new matter")
    nameless = (await run.letters.hear("noname@example.org", "hi")).conversation_id or 0
    ids.append((await olga.detail(nameless)).customer.id)
    await olga.close_conversation(nameless, "a", "b")
    dry = await bulk(run, *ids, 999, text="Dear {name}!", dry_run=True)
    assert (dry.queued, dry.held) == (3, 4)
    assert run.letters.sent == []
    done = await bulk(run, *ids, 999, text="Dear {name}!")
    again, more = await asyncio.gather(
        bulk(run, *ids, 999, text="Dear {name}!"), bulk(run, *reversed(ids), text="Dear {name}!")
    )
    by_id = {one.customer_id: one for one in done.outcomes}
    assert [[one.kind for one in by_id[key].obstacles] for key in ids] == [
        [], ["consent"], ["open_conversation"], [], [], [],
    ]  # fmt: skip
    assert by_id[ids[5]].problem == "missing: name"
    assert by_id[999].problem == "there is no such customer"
    assert (done.queued, done.held, again.queued, more.queued) == (3, 4, 3, 3)
    assert [one.message_id for one in again.outcomes] == [one.message_id for one in done.outcomes]
    await run.settled()
    assert sorted((one.to, one.text) for one in run.letters.sent) == [
        (f"p{number}@example.org", f"Dear Person {number}!") for number in (0, 3, 4)
    ]
    # Nobody has them on his list; whoever answers opens his own again.
    assert [row.id for row in (await olga.conversations("all")).items] == [
        row.id for row in (await olga.conversations("queue")).items
    ]
    sent = next(one for one in run.letters.sent if one.to == "p0@example.org")
    from channels.base import Reference

    await run.letters.hear(
        "p0@example.org", "thanks", references=(Reference(remote_id=sent.remote_id or ""),)
    )
    message = await run.read("SELECT conversation_id FROM message WHERE text = 'thanks'")
    assert message == [{"conversation_id": sent.conversation_id}]


async def test_a_bulk_message_is_sent_once_whatever_cards_become(run: Running) -> None:
    one, _ = await known(run)
    other, _ = await known(run, "anna@second.example", "Anna")
    await bulk(run, one)
    body = json.dumps({"other_id": other}).encode()
    assert (await run.ask("POST", f"/v1/customers/{one}/merge", body))[0] == 200
    again = await bulk(run, other)
    assert again.queued == 1
    await run.settled()
    assert len(run.letters.sent) == 1


async def test_a_text_is_filled_from_the_newest_record(run: Running) -> None:
    customer, _ = await known(run)
    for number, at in (("A-1", 1), ("A-2", 2)):
        fact = Fact(kind="booking", external_id=number, customer_id=customer, at=at, details={"room": number})
        await run.server.database.write(lambda tx, fact=fact: records.put(tx, fact))  # type: ignore[misc]
    done = await bulk(run, customer, text="{booking.number} {booking.room}", subject="for {name}")
    assert done.queued == 1
    await run.settled()
    assert [(one.text, one.subject) for one in run.letters.sent] == [("A-2 A-2", "for Anna")]
