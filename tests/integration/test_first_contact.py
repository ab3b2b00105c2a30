"""A card is there with the first message, once, however many come at the same moment."""

from __future__ import annotations

import asyncio
import itertools

import msgspec

from channels.webhook import standard
from tests.fakes.running_server import HOOK_SECRET, SHOP, Running, running_server

MANY = 50


async def hook(run: Running, number: int, sender: str) -> int:
    body = msgspec.json.encode(
        {"type": "message", "data": {"sender": {"id": sender, "name": "Иван"}, "text": f"message {number}"}}
    )
    signed = standard.headers(
        [standard.read_secret(HOOK_SECRET)], f"at-once-{number}", run.clock.now() // 1000, body
    )
    async with run.http.post(f"{run.url}/hooks/market", data=body, headers=signed) as answer:
        return answer.status


async def test_fifty_messages_of_one_address_at_once_make_one_card() -> None:
    async with running_server() as run:
        answers = await asyncio.gather(*(hook(run, number, "buyer-1") for number in range(MANY)))
        assert answers == [200] * MANY
        [counts] = await run.read(
            "SELECT (SELECT count(*) FROM customer) AS customers,"
            " (SELECT count(*) FROM address) AS addresses,"
            " (SELECT count(*) FROM conversation) AS conversations,"
            " (SELECT count(*) FROM message) AS messages,"
            " (SELECT count(DISTINCT customer_id) FROM message) AS people"
        )
        assert counts == {
            "customers": 1,
            "addresses": 1,
            "conversations": 1,
            "messages": MANY,
            "people": 1,
        }
        assert [row["value"] for row in await run.read("SELECT value FROM field WHERE name = 'name'")] == [
            "Иван"
        ]


async def test_one_person_on_three_channels_at_once_makes_one_card() -> None:
    """His verified address comes by three doors at the same moment; the first makes the card."""
    async with running_server() as run:
        visitor = await run.visitor(sub="7", name="Иван", email="ivan@example.org", email_verified=True)
        numbers = itertools.count(MANY)

        async def by_chat(number: int) -> None:
            body = {"client_id": f"at-once-{number:04}", "text": f"chat {number}"}
            headers = {"Origin": SHOP, "Authorization": f"Bearer {visitor.token}"}
            async with run.http.post(
                f"{run.url}/webchat/site/messages", json=body, headers=headers
            ) as answer:
                assert answer.status == 200

        async def by_letter(number: int) -> None:
            await run.letters.hear("ivan@example.org", f"letter {number}")

        async def by_market(number: int) -> None:
            person = {"email": "ivan@example.org", "verified": ["email"]}
            await run.hook(f"market {number}", sender="buyer-7", person=person)

        await asyncio.gather(
            *(way(next(numbers)) for _ in range(8) for way in (by_chat, by_letter, by_market))
        )
        assert len(await run.read("SELECT id FROM customer WHERE merged_into IS NULL")) == 1
        assert len(await run.read("SELECT id FROM message WHERE kind = 'in'")) == 24
        assert len(await run.read("SELECT DISTINCT customer_id FROM message")) == 1
