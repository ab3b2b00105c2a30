"""How addresses are known to be somebody's, and what that may do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from channels.base import Reference
from server.protocol import Address
from server.store import customers
from tests.fakes.running_server import Running, only, running_server

DAY_MS = 86_400_000


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


async def known(run: Running, customer_id: int) -> dict[str, Address]:
    customer = await (await run.client()).customer(customer_id)
    return {one.scheme: one for one in customer.addresses}


async def forged(run: Running, address: str, text: str, **more: Any) -> int:
    """A letter under an address, which our mail server does not believe; its conversation."""
    event = run.letters.letter(address, text, "", **more)
    event = msgspec.structs.replace(event, sender=msgspec.structs.replace(event.sender, proven=False))
    [receipt] = await run.letters.hear_all([event])
    assert receipt.conversation_id is not None
    return receipt.conversation_id


async def test_every_address_says_how_it_is_known(run: Running) -> None:
    visitor = await run.visitor(sub="7", name="Иван", email="ivan@example.org", email_verified=True)
    await visitor.post("/contact", {"phone": "+7 (916) 123-45-67"})
    await visitor.say("hello")
    conversation = await only(await run.client())
    found = await known(run, conversation.customer_id)
    assert {scheme: (one.proof, one.verified) for scheme, one in found.items()} == {
        "webchat": ("channel", True),
        "webchat-user": ("signature", True),
        "email": ("signature", True),
        "phone": ("claim", False),
    }
    assert found["phone"].external_id == "+79161234567"
    await run.letters.hear("olga@example.org", "a letter")
    [letter] = [
        one for one in (await (await run.client()).conversations("all")).items if one.channel_id == "mail"
    ]
    assert (await known(run, letter.customer_id))["email"].proof == "channel"


async def test_nobody_is_asked_again_for_thirty_days(run: Running) -> None:
    olga = await run.client()
    began = run.clock.now()
    visitor = await run.visitor()
    await visitor.say("hello")
    conversation = await only(olga)
    [way] = (await olga.detail(conversation.id)).ways
    assert way.known_until is None  # a visit shows nobody
    run.clock.advance(120_000)
    await visitor.begin(sub="7", name="Иван")
    await visitor.say("it is me")
    [way] = (await olga.detail(conversation.id)).ways
    assert way.known_until == run.clock.now() + 30 * DAY_MS > began
    # What the site signed once counts until it is signed again.
    shown = run.clock.now()
    run.clock.advance(3_600_000)
    await visitor.say("still me")
    [way] = (await olga.detail(conversation.id)).ways
    assert way.known_until is not None and way.known_until >= shown + 30 * DAY_MS


async def test_a_letter_that_fails_authentication_is_nobodys_we_know(run: Running) -> None:
    first = await run.letters.hear("ivan@example.org", "my contract", "Иван")
    false = await forged(run, "ivan@example.org", "send the money elsewhere")
    again = await forged(run, "ivan@example.org", "well?")
    assert false != first.conversation_id and again == false
    olga = await run.client()
    doubted = (await olga.detail(false)).conversation.customer_id
    assert (await olga.detail(false)).ways == []
    one = (await known(run, doubted))["email"]
    assert (one.verified, one.proof, one.evidence) == (
        False,
        "claim",
        "mail in its name fails authentication",
    )
    # The real one goes on where he was.
    assert first.conversation_id is not None
    more = await run.letters.hear("ivan@example.org", "and?")
    assert more.conversation_id == first.conversation_id
    # Whoever answers a mail of ours was given it: a broken forwarder costs nobody his conversation.
    await run.answer(olga, first.conversation_id, "here it is")
    await run.settled()
    ours = run.letters.sent[-1].remote_id or ""
    reference = (Reference(remote_id=ours, trusted=True, how="by In-Reply-To"),)
    assert await forged(run, "ivan@example.org", "thanks", references=reference) == first.conversation_id


async def test_a_stranger_that_fails_authentication_can_be_answered_and_joins_nobody(run: Running) -> None:
    false = await forged(run, "new@example.org", "hello")
    olga = await run.client()
    assert [way.label for way in (await olga.detail(false)).ways] == ["new@example.org"]
    visitor = await run.visitor(sub="9", name="Пётр", email="new@example.org", email_verified=True)
    await visitor.say("hello, I am Pyotr")
    found = (await olga.conversations("all")).items
    assert len({one.customer_id for one in found}) == 2


async def test_a_family_mailbox_joins_nobody(run: Running) -> None:
    olga = await run.client()
    for sub, name in (("1", "Анна Петренко"), ("2", "Пётр Петренко")):
        visitor = await run.visitor(sub=sub, name=name, email="family@example.org", email_verified=True)
        await visitor.say(f"I am {name}")
        await visitor.say("and I write again")
    await run.letters.hear("family@example.org", "a letter", "Анна Петренко")
    found = (await olga.conversations("all")).items
    assert {one.customer for one in found} == {"Анна Петренко", "Пётр Петренко"}
    assert await run.read("SELECT 1 FROM merge") == []
    # The second one's is noted as what it is: a claim.
    claims = await run.read("SELECT proof FROM address WHERE external_id = 'family@example.org' ORDER BY id")
    assert [row["proof"] for row in claims] == ["signature", "claim"]


async def test_what_a_colleague_vouched_for_goes_to_who_shows_it(run: Running) -> None:
    await run.hook("I bought it", sender="buyer-1", key="order-1")
    [before] = await run.read("SELECT id FROM customer")

    await run.server.database.write(
        lambda tx: customers.add_address(
            tx,
            before["id"],
            scheme="email",
            account="",
            external_id="ivan@example.org",
            name="",
            verified=True,
            evidence="a colleague knows it",
            proof="colleague",
        )
    )
    visitor = await run.visitor()
    await visitor.say("anonymous")
    await visitor.begin(sub="7", email="ivan@example.org", email_verified=True)
    await visitor.say("signed in")
    rows = await run.read(
        "SELECT customer_id, verified, proof FROM address WHERE scheme = 'email' ORDER BY id"
    )
    assert [(row["verified"], row["proof"]) for row in rows] == [(0, "claim"), (1, "signature")]
    assert rows[0]["customer_id"] == before["id"] != rows[1]["customer_id"]
    assert await run.read("SELECT 1 FROM merge") == []


async def test_who_writes_from_a_vouched_address_is_that_person(run: Running) -> None:
    await run.hook("I bought it", sender="buyer-1", key="order-1")
    await run.server.database.write(
        lambda tx: customers.add_address(
            tx,
            1,
            scheme="email",
            account="",
            external_id="ivan@example.org",
            name="",
            verified=True,
            evidence="a colleague knows it",
            proof="colleague",
        )
    )
    await run.letters.hear("ivan@example.org", "it is me")
    assert len(await run.read("SELECT id FROM customer")) == 1
    assert (await known(run, 1))["email"].proof == "channel"


async def test_what_an_operator_took_apart_no_proof_puts_together(run: Running) -> None:
    visitor = await run.visitor()
    await visitor.say("anonymous question")
    await run.letters.hear("ivan@example.org", "a letter", "Иван")
    await visitor.begin(sub="7", name="Иван", email="ivan@example.org", email_verified=True)
    await visitor.say("signed in")
    [merge] = await run.read("SELECT id FROM merge")
    status, data = await run.ask("POST", f"/v1/merges/{merge['id']}/undo", b"{}")
    assert status == 200, data
    run.clock.advance(120_000)
    await visitor.say("still signed in")
    await run.letters.hear("ivan@example.org", "another letter")
    assert len(await run.read("SELECT id FROM merge")) == 1
    assert len(await run.read("SELECT id FROM customer WHERE merged_into IS NULL")) == 2
