"""Texts kept ready: the wording that fits person and channel, filled in; what is missing is not sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from server.protocol import Customer, FilledTemplate, Template
from server.store import records
from server.store.records import Fact
from tests.fakes.asking import ask, refused
from tests.fakes.running_server import OLGA, RITA, Running, only, refusal, running_server

DELIVERY: dict[str, Any] = {
    "title": "Where it is",
    "variants": [
        {"text": "{name}, your order {order.number} is on its way. {operator}, {site}"},
        {"text": "{name}, заказ {order.number} в пути. {operator}", "language": "ru"},
        {"text": "{order.number}: on its way", "on": "chat"},
        {"text": "Order {order.number}: on its way", "on": "market"},
    ],
}


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        await ask(running, Template, "PUT", "/v1/templates/delivery", uid=None, **DELIVERY)
        yield running


async def filled(run: Running, query: str = "", uid: int = OLGA) -> list[FilledTemplate]:
    conversation = await only(await run.client())
    return await ask(
        run, list[FilledTemplate], "GET", f"/v1/conversations/{conversation.id}/templates{query}", uid=uid
    )


async def ordered(run: Running, customer_id: int, number: str = "A-7") -> None:
    await run.server.database.write(
        lambda tx: records.put(
            tx, Fact(kind="order", external_id=number, customer_id=customer_id, at=run.clock.now())
        )
    )


async def test_what_is_missing_stands_in_the_text_and_is_not_sent(run: Running) -> None:
    await run.hook("where is it?", person={"name": "Anna"})
    client = await run.client()
    [found] = await filled(run, "?channel=mail")
    assert found.text == "Anna, your order {order.number} is on its way. Olga, Shop"
    assert found.missing == ["order.number"]
    conversation = await only(client)
    error = await refusal(run.answer(client, conversation.id, found.text))
    assert (error.status, error.body.code, error.body.missing) == (409, "missing", ["order.number"])
    assert "{order.number}" in error.body.message
    await run.answer(client, conversation.id, found.text.replace("{order.number}", "A-7"))
    await run.settled()
    assert run.receiver.texts() == ["Anna, your order A-7 is on its way. Olga, Shop"]


async def test_braces_that_are_no_variable_of_ours_are_sent(run: Running) -> None:
    await run.hook("how do I write it?")
    client = await run.client()
    await run.answer(client, (await only(client)).id, 'as {"id": {id}} and { name }')
    await run.settled()
    assert run.receiver.texts() == ['as {"id": {id}} and { name }']


async def test_each_channel_and_language_has_its_wording(run: Running) -> None:
    await run.hook("where is it?", person={"name": "Anna"})
    client = await run.client()
    conversation = await only(client)
    await ordered(run, conversation.customer_id)
    texts = {
        channel: (await filled(run, f"?channel={channel}"))[0].text for channel in ("mail", "site", "market")
    }
    assert texts == {
        "mail": "Anna, your order A-7 is on its way. Olga, Shop",
        "site": "A-7: on its way",
        "market": "Order A-7: on its way",
    }
    await ask(run, Customer, "PATCH", f"/v1/customers/{conversation.customer_id}", language="ru-RU")
    [found] = await filled(run, "?channel=market")
    assert (found.text, found.language, found.missing) == ("Anna, заказ A-7 в пути. Olga", "ru", [])


async def test_a_channel_is_offered_its_own_set_and_what_is_for_all(run: Running) -> None:
    await run.hook("where is it?")
    sets = {"courier": "chat", "letterhead": "email", "pick-up": "market"}
    for code, on in sets.items():
        variants = [{"text": code, "on": on}]
        await ask(run, Template, "PUT", f"/v1/templates/{code}", uid=None, title=code, variants=variants)
    offered = {
        channel: [one.code for one in await filled(run, f"?channel={channel}")]
        for channel in ("mail", "site", "market")
    }
    assert offered == {
        "mail": ["delivery", "letterhead"],
        "site": ["courier", "delivery"],
        "market": ["delivery", "pick-up"],
    }
    assert len(await filled(run)) == 4  # by which channel it goes, nobody knows yet


async def test_a_name_is_never_read_as_a_variable(run: Running) -> None:
    await run.hook("hello", person={"name": "{order.number}"})
    client = await run.client()
    conversation = await only(client)
    await ordered(run, conversation.customer_id)
    [found] = await filled(run, "?channel=mail")
    assert found.text.startswith("(order.number), your order A-7")
    await run.answer(client, conversation.id, found.text)


async def test_nobody_is_asked_for_what_the_card_says(run: Running) -> None:
    await run.hook("call me", person={"name": "Anna", "phone": "+79161234567"})
    client = await run.client()
    conversation = await only(client)
    texts = [{"text": "May I have a number, and which order is it?"}]
    body = {"title": "Contact", "variants": texts, "asks": ["phone", "order.number", "city"]}
    status, answer = await run.ask("PUT", "/v1/templates/contact", msgspec.json.encode(body), None)
    assert status == 200, answer
    [found] = await filled(run, "?code=contact")
    assert found.known == {"phone": "+79161234567"}
    await ordered(run, conversation.customer_id)
    [found] = await filled(run, "?code=contact")
    assert found.known == {"phone": "+79161234567", "order.number": "A-7"}


async def test_codes_are_found_by_their_beginning_in_any_case(run: Running) -> None:
    await run.hook("hello")
    assert [one.code for one in await filled(run, "?code=DEL")] == ["delivery"]
    assert await filled(run, "?code=elivery") == []


async def test_who_may_write_them(run: Running) -> None:
    for uid in (OLGA, RITA):
        status, _ = await run.ask("PUT", "/v1/templates/x", msgspec.json.encode(DELIVERY), uid)
        assert status == 403
        assert (await run.ask("DELETE", "/v1/templates/delivery", uid=uid))[0] == 403
    [kept] = await ask(run, list[Template], "GET", "/v1/templates", uid=RITA)
    assert (kept.code, kept.by, len(kept.variants)) == ("delivery", "Anna", 4)
    await run.server.database.write(
        lambda tx: tx.run("UPDATE operator SET role = 'lead' WHERE login = 'olga'")
    )
    await ask(run, Template, "PUT", "/v1/templates/x", title="X", variants=[{"text": "x"}])
    await ask(run, Template, "DELETE", "/v1/templates/x")
    assert [one.code for one in await ask(run, list[Template], "GET", "/v1/templates")] == ["delivery"]


async def test_what_cannot_be_is_refused_whole(run: Running) -> None:
    fine = {"code": "fine", "title": "Fine", "variants": [{"text": "fine"}]}
    for wrong, why in (
        ([{"text": "a"}, {"text": "b"}], "two wordings"),
        ([{"text": "a", "on": "pigeon"}], "no channel pigeon"),
        ([{"text": "x" * 15_000, "on": "site"}], "too long"),
    ):
        both = [fine, {"code": "wrong", "title": "Wrong", "variants": wrong}]
        error = await refused(run, 409, "PUT", "/v1/templates", uid=None, templates=both)
        assert why in error.message and "wrong" in error.message
    twice = [fine, {**fine, "code": "FINE"}]
    assert "twice" in (await refused(run, 409, "PUT", "/v1/templates", uid=None, templates=twice)).message
    assert (await run.ask("PUT", "/v1/templates/a%20b", msgspec.json.encode(DELIVERY), None))[0] == 400
    assert [one.code for one in await ask(run, list[Template], "GET", "/v1/templates")] == ["delivery"]


async def test_consoles_hear_of_changes_without_their_words(run: Running) -> None:
    listening = await run.listen()
    await ask(run, Template, "DELETE", "/v1/templates/delivery", uid=None)
    await listening.reached(await run.newest())
    [body] = listening.bodies("template.changed")
    assert set(body.data) == {"template", "removed"}
    await refused(run, 404, "DELETE", "/v1/templates/delivery", uid=None)
