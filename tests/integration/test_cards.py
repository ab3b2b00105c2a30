"""The card: fields with their history, consents, addresses by hand, links, and what it says of the person."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from channels.base import Sender
from server.people.card_settings import FieldSettings
from server.protocol import Customer, CustomerPage, Field, FieldSpec, LinkedPerson
from tests.fakes.asking import ask, refused
from tests.fakes.running_server import IVAN, RITA, Running, only, running_server

FIELDS = {
    "plan": FieldSettings(title="Plan", kind="choice", choices=["gold", "silver"], hidden_from=["reader"]),
    "since": FieldSettings(title="Since", kind="date"),
}
DAY_MS = 86_400_000


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server(fields=FIELDS) as running:
        yield running


async def somebody(run: Running, address: str = "ivan@example.org", name: str = "Иван Петров") -> int:
    receipt = await run.letters.hear(address, "hello", name)
    [row] = await run.read("SELECT customer_id FROM message WHERE id = ?", receipt.message_id)
    return int(row["customer_id"])


async def change(run: Running, customer: int, uid: int | None = None, **body: Any) -> Customer:
    who = {} if uid is None else {"uid": uid}
    return await ask(run, Customer, "PATCH", f"/v1/customers/{customer}", **who, **body)


def values(card: Customer) -> dict[str, str | None]:
    return {field.name: field.value for field in card.fields}


async def test_fields_have_source_time_and_author_and_can_be_taken_back(run: Running) -> None:
    customer = await somebody(run)
    listening = await run.listen()
    first = await change(run, customer, fields={"plan": "gold", "since": "31.12.2025"}, language="ru")
    assert values(first) == {
        "name": "Иван Петров",
        "plan": "gold",
        "since": "2025-12-31",
        "language": "ru",
    }
    assert first.language == "ru"
    run.clock.advance(1000)
    await change(run, customer, uid=IVAN, fields={"plan": "silver"}, name="Иван П.")
    history = await ask(run, list[Field], "GET", f"/v1/customers/{customer}/fields/plan")
    assert [(one.value, one.source, one.by) for one in history] == [
        ("silver", "operator", "Ivan"),
        ("gold", "operator", "Olga"),
    ]
    assert history[0].at == history[1].at + 1000
    names = await ask(run, list[Field], "GET", f"/v1/customers/{customer}/fields/name")
    assert [(one.value, one.source) for one in names] == [("Иван П.", "operator"), ("Иван Петров", "channel")]

    path = f"/v1/customers/{customer}/fields"
    back = await ask(run, Customer, "POST", f"{path}/plan/revert?to={history[1].id}")
    assert values(back)["plan"] == "gold"
    back = await ask(run, Customer, "POST", f"{path}/name/revert?to={names[1].id}")
    assert back.name == "Иван Петров" == (await only(await run.client())).customer
    gone = await change(run, customer, fields={"plan": ""})
    assert "plan" not in values(gone)
    assert (await ask(run, list[Field], "GET", f"{path}/plan"))[0].value is None
    await refused(run, 404, "POST", f"{path}/plan/revert?to={names[0].id}")

    # The stream names what changed, and no words.
    await listening.reached(await run.newest())
    told = [body.data["fields"] for body in listening.bodies("customer.changed")]
    assert ["language", "plan", "since"] in told and ["name", "plan"] in told
    [log] = await run.read("SELECT group_concat(data) AS words FROM event")
    assert "gold" not in log["words"] and "Иван" not in log["words"]


@pytest.mark.parametrize(
    "body",
    [
        {"fields": {"plan": "bronze"}},
        {"fields": {"since": "tomorrow"}},
        {"fields": {"unknown": "x"}},
        {"fields": {"name": "x"}},
        {"language": "no language"},
        {"time_zone": "Moscow/Europe"},
        {"preferred_channel": "pigeon"},
        {"tags": ["two words"]},
        {"name": "  "},
    ],
)
async def test_what_a_field_cannot_hold_changes_nothing(run: Running, body: dict[str, Any]) -> None:
    customer = await somebody(run)
    before = await run.newest()
    # What the wire type forbids is no request; what this site's fields cannot hold is refused in words.
    status = 400 if {"tags", "name"} & body.keys() else 409
    error = await refused(run, status, "PATCH", f"/v1/customers/{customer}", **({"name": "Other"} | body))
    assert error.code == ("bad_request" if status == 400 else "illegal_state")
    assert await run.newest() == before


async def test_the_same_again_is_no_change(run: Running) -> None:
    customer = await somebody(run)
    await change(run, customer, fields={"plan": "gold"}, tags=["vip"], time_zone="Europe/Moscow")
    before = await run.newest()
    await change(run, customer, fields={"plan": "gold"}, tags=["vip"], time_zone="Europe/Moscow")
    assert await run.newest() == before


async def test_a_field_is_hidden_from_whom_the_site_says(run: Running) -> None:
    customer = await somebody(run)
    await change(run, customer, fields={"plan": "gold"})
    seen = await ask(run, Customer, "GET", f"/v1/customers/{customer}", uid=RITA)
    assert "plan" not in values(seen)
    assert "plan" not in {one.name for one in await ask(run, list[FieldSpec], "GET", "/v1/fields", uid=RITA)}
    assert "plan" in {one.name for one in await ask(run, list[FieldSpec], "GET", "/v1/fields")}
    await refused(run, 404, "GET", f"/v1/customers/{customer}/fields/plan", uid=RITA)
    await refused(run, 403, "PATCH", f"/v1/customers/{customer}", uid=RITA, name="x")
    conversation = (await (await run.client(RITA)).conversations("all")).items[0]
    detail = await (await run.client(RITA)).detail(conversation.id)
    assert "plan" not in values(detail.customer)


async def test_channels_tell_of_language_and_name_and_never_replace_what_a_person_wrote(run: Running) -> None:
    def sender(locale: str, name: str = "Ivan") -> Sender:
        return Sender(external_id="i@example.org", name=name, username="ivan_p", locale=locale)

    await run.letters.hear("i@example.org", "1", sender=sender("ru_RU"))
    conversation = await only(await run.client())
    path = f"/v1/customers/{conversation.customer_id}"
    card = await ask(run, Customer, "GET", path)
    assert card.language == "ru-RU" and values(card)["username"] == "ivan_p"
    assert {field.source for field in card.fields} == {"channel"}
    run.clock.advance(120_000)
    await run.letters.hear("i@example.org", "2", sender=sender("en"))
    assert (await ask(run, Customer, "GET", path)).language == "en"
    await change(run, card.id, language="de")
    run.clock.advance(120_000)
    await run.letters.hear("i@example.org", "3", sender=sender("fr"))
    assert (await ask(run, Customer, "GET", path)).language == "de"
    run.clock.advance(120_000)
    await run.letters.hear("i@example.org", "4", sender=sender("<script>"))
    assert (await ask(run, Customer, "GET", path)).language == "de"


async def test_consents_by_purpose_and_scheme(run: Running) -> None:
    customer = await somebody(run)
    path = f"/v1/customers/{customer}/consents"
    await ask(run, Customer, "PUT", path, purpose="marketing.news", granted=True, scheme="email")
    card = await ask(run, Customer, "PUT", path, purpose="service", granted=False)
    assert [(one.purpose, one.scheme, one.granted, one.by) for one in card.consents] == [
        ("marketing.news", "email", True, "Olga"),
        ("service", "*", False, "Olga"),
    ]
    withdrawn = await ask(run, Customer, "PUT", path, purpose="marketing.news", granted=False, scheme="email")
    assert not any(one.granted for one in withdrawn.consents)
    assert "consent.service.*" not in values(card)
    kept = await ask(run, list[Field], "GET", f"/v1/customers/{customer}/fields/consent.marketing.news.email")
    assert [one.value for one in kept] == ["no", "yes"]


async def test_addresses_by_hand_are_claims_or_vouched(run: Running) -> None:
    ivan, anna = await somebody(run), await somebody(run, "anna@example.org", "Анна")
    path = f"/v1/customers/{ivan}/addresses"
    card = await ask(run, Customer, "POST", path, scheme="phone", external_id="8 (916) 123-45-67")
    [phone] = [one for one in card.addresses if one.scheme == "phone"]
    assert (phone.external_id, phone.verified, phone.proof) == ("+79161234567", False, "claim")
    card = await ask(run, Customer, "POST", path, scheme="email", external_id="I@Work.example", vouched=True)
    [work] = [one for one in card.addresses if one.external_id == "i@work.example"]
    assert (work.verified, work.proof) == (True, "colleague")
    # What another card has verified is not vouched for; a claim of it joins nobody.
    error = await refused(
        run, 409, "POST", path, scheme="email", external_id="anna@example.org", vouched=True
    )
    assert error.code == "illegal_state"
    await ask(run, Customer, "POST", path, scheme="email", external_id="anna@example.org")
    assert len(await run.read("SELECT id FROM customer WHERE merged_into IS NULL")) == 2
    # A claim goes again, what is verified or in use stays.
    card = await ask(run, Customer, "DELETE", f"{path}/{phone.id}")
    assert "phone" not in {one.scheme for one in card.addresses}
    for address in card.addresses:
        if address.verified:
            await refused(run, 409, "DELETE", f"{path}/{address.id}")
    await refused(run, 404, "DELETE", f"/v1/customers/{anna}/addresses/{work.id}")
    for scheme, external_id in (("phone", "12"), ("email", "nobody"), ("telegram", "77")):
        await refused(run, 409, "POST", path, scheme=scheme, external_id=external_id)


async def test_what_he_writes_is_offered_until_it_is_on_the_card(run: Running) -> None:
    visitor = await run.visitor()
    await visitor.say("звоните 8 916 123-45-67 или пишите ivan@example.org")
    conversation = await only(await run.client())
    path = f"/v1/customers/{conversation.customer_id}"
    card = await ask(run, Customer, "GET", path)
    assert [(one.scheme, one.external_id, one.shown) for one in card.findings] == [
        ("phone", "+79161234567", "8 916 123-45-67"),
        ("email", "ivan@example.org", "ivan@example.org"),
    ]
    taken = card.findings[0]
    card = await ask(
        run,
        Customer,
        "POST",
        f"{path}/addresses",
        scheme=taken.scheme,
        external_id=taken.external_id,
        message_id=taken.message_id,
    )
    assert [one.scheme for one in card.findings] == ["email"]
    assert not any(one.verified for one in card.addresses if one.scheme == "phone")
    other = await somebody(run)
    await refused(
        run,
        404,
        "POST",
        f"/v1/customers/{other}/addresses",
        scheme="phone",
        external_id="+79161234567",
        message_id=taken.message_id,
    )


async def test_people_who_belong_together(run: Running) -> None:
    ivan, anna = await somebody(run), await somebody(run, "anna@example.org", "Анна")
    card = await ask(
        run, Customer, "POST", f"/v1/customers/{ivan}/links", customer_id=anna, relation="her husband"
    )
    [linked] = card.linked
    assert (linked.customer_id, linked.name, linked.relation) == (anna, "Анна", "her husband")
    [back] = (await ask(run, Customer, "GET", f"/v1/customers/{anna}")).linked
    assert back.customer_id == ivan and back.id == linked.id
    await ask(run, Customer, "POST", f"/v1/customers/{anna}/links", customer_id=ivan, relation="a couple")
    assert len(await run.read("SELECT id FROM link")) == 1
    await refused(run, 409, "POST", f"/v1/customers/{ivan}/links", customer_id=ivan, relation="himself")
    gone = await ask(run, LinkedPerson, "DELETE", f"/v1/links/{linked.id}")
    assert gone.relation == "a couple"
    assert not (await ask(run, Customer, "GET", f"/v1/customers/{ivan}")).linked
    await refused(run, 404, "DELETE", f"/v1/links/{linked.id}")


async def test_the_preferred_channel_is_told_with_its_numbers_until_he_says_so_himself(run: Running) -> None:
    visitor = await run.visitor(sub="7", name="Иван", email="ivan@example.org", email_verified=True)
    for number in range(3):
        await visitor.say(f"hello {number}")
    await run.letters.hear("ivan@example.org", "by letter", "Иван")
    conversation = await only(await run.client())
    path = f"/v1/customers/{conversation.customer_id}"
    card = await ask(run, Customer, "GET", path)
    assert card.preferred is not None and not card.preferred.stated
    assert (card.preferred.channel_id, card.preferred.why) == ("site", "wrote 3 of 4 here in 180 days")
    stated = await change(run, card.id, preferred_channel="mail")
    assert stated.preferred is not None and stated.preferred.stated
    assert (stated.preferred.channel_id, stated.preferred.why) == ("mail", "asked for it")
    assert (await change(run, card.id, preferred_channel="")).preferred == card.preferred
    run.clock.advance(181 * DAY_MS)
    assert (await ask(run, Customer, "GET", path)).preferred is None


async def test_a_card_that_became_part_of_another_is_answered_by_that_one(run: Running) -> None:
    ivan, anna = await somebody(run), await somebody(run, "anna@example.org", "Анна")
    await change(run, anna, tags=["family"], fields={"plan": "silver"})
    await ask(run, dict[str, Any], "POST", f"/v1/customers/{ivan}/merge", other_id=anna)
    card = await change(run, anna, tags=["family", "vip"])
    assert card.id == ivan and card.tags == ["family", "vip"] and values(card)["plan"] == "silver"
    assert [one.name for one in card.merges] == ["Анна"]
    assert (await change(run, ivan, tags=[])).tags == []
    page = await ask(run, CustomerPage, "GET", "/v1/customers?find=анна")
    assert [one.id for one in page.items] == [ivan]
    await refused(run, 404, "GET", "/v1/customers/999")
    await refused(run, 404, "PATCH", "/v1/customers/999", name="x")
