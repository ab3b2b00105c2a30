"""Continue in e-mail and from e-mail, through a real mailbox and real SMTP."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import aiohttp
import msgspec

from omni_console.demo.customers import MailCustomer, SiteVisitor
from server.protocol import ConversationDetail
from server.store import customers
from server.store.transaction import Snapshot
from tests.fakes.in_process_world import InProcessWorld

PATIENCE_S = 20.0


async def rows(world: InProcessWorld, count: int, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    """The rows of a question once there are so many."""
    assert world.server is not None
    database = world.server.database

    def ask(tx: Snapshot) -> list[dict[str, Any]]:
        return [dict(row) for row in tx.all(sql, parameters)]

    async with asyncio.timeout(PATIENCE_S):
        while len(found := await database.read(ask)) < count:  # noqa: ASYNC110 - what is waited for happens in the server
            await asyncio.sleep(0.02)
    return found


async def api(world: InProcessWorld, method: str, path: str, body: object = None) -> bytes:
    connector = aiohttp.UnixConnector(path=str(world.socket))
    data = None if body is None else msgspec.json.encode(body)
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.request(method, f"http://omni{path}", data=data) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return await answer.read()


async def heard(customer: MailCustomer | SiteVisitor, count: int) -> str:
    async with asyncio.timeout(PATIENCE_S):
        while len(customer.heard) < count:  # noqa: ASYNC110 - what is waited for happens in the server
            await asyncio.sleep(0.02)
    return customer.heard[count - 1]


async def test_from_the_chat_to_a_mailbox(tmp_path: Path) -> None:
    async with InProcessWorld(tmp_path) as world:
        assert world.server is not None
        letters = world.post_office.add(MailCustomer("Иван", "ivan@example.org", world.mail))
        visitor = SiteVisitor("Иван", world.http, world.base_url, typed=letters.address)
        await visitor.say("my card is blocked")
        [row] = await rows(world, 1, "SELECT id, state, waiting_since FROM conversation")
        [claim] = await rows(world, 1, "SELECT id FROM address WHERE scheme = 'email'")
        await api(
            world,
            "POST",
            f"/v1/conversations/{row['id']}/codes",
            {"kind": "link", "channel_id": "mail", "address_id": claim["id"], "client_id": "one"},
        )
        text = await heard(letters, 1)
        # What no person wrote says so, and machines do not answer it.
        assert letters._last_heard is not None
        assert letters._last_heard["Auto-Submitted"] is not None
        found = re.search(r"https?://\S+/confirm/([\w-]{22})", text)
        assert found is not None
        page = letters._last_heard.get_body(("html",))
        assert page is None or f'href="{found[0]}"' in page.get_content()
        async with world.http.get(found[0]) as answer:
            assert answer.status == 200
        async with world.http.post(found[0]) as answer:
            assert answer.status == 200
        # He answers no mail of ours but writes a new one: it goes on all the same.
        letters._last_heard = None
        await letters.say("here I am", subject="something new")
        await rows(world, 1, "SELECT 1 FROM message WHERE text LIKE 'here I am%'")
        [after] = await rows(world, 1, "SELECT id, state, waiting_since FROM conversation")
        assert after == row
        await api(world, "POST", f"/v1/conversations/{row['id']}/claim", {"expect": None})
        detail = msgspec.json.decode(
            await api(world, "GET", f"/v1/conversations/{row['id']}"), type=ConversationDetail
        )
        way = detail.ways[0]
        assert (way.channel_id, way.label) == ("mail", letters.address)
        await api(
            world,
            "POST",
            f"/v1/conversations/{row['id']}/reply",
            {
                "client_id": "two",
                "text": "welcome",
                "channel_id": way.channel_id,
                "address_id": way.address_id,
                "after_seq": detail.history.seq,
            },
        )
        assert (await heard(letters, 2)).startswith("welcome")
        await visitor.leave()


async def test_from_a_mailbox_to_the_chat_and_by_a_code_back(tmp_path: Path) -> None:
    async with InProcessWorld(tmp_path) as world:
        assert world.server is not None
        letters = world.post_office.add(MailCustomer("Иван", "ivan@example.org", world.mail))
        await letters.say("my card is blocked")
        [row] = await rows(world, 1, "SELECT id FROM conversation")
        path = f"/v1/conversations/{row['id']}/codes"
        await api(world, "POST", path, {"kind": "link", "channel_id": "site", "client_id": "one"})
        found = re.search(r"#omni-chat=([\w-]{22})", await heard(letters, 1))
        assert found is not None
        visitor = SiteVisitor("Иван", world.http, world.base_url)
        await visitor.arrive()
        assert (await visitor._post("/continue", {"token": found[1]}))["continued"] is True
        await visitor.say("here I am")
        [message] = await rows(world, 1, "SELECT * FROM message WHERE text = 'here I am'")
        assert message["conversation_id"] == row["id"]
        await visitor.leave()
        # Somebody on the marketplace says that this mailbox is his, and tells what was sent there.
        buyer = world.market.customer("Иван", "order-1")
        await buyer.say("it is me, Ivan")
        [market] = await rows(world, 1, "SELECT * FROM conversation WHERE channel_id = 'market'")
        claim = await world.server.database.write(
            lambda tx: customers.add_address(
                tx,
                market["customer_id"],
                scheme="email",
                account="",
                external_id=letters.address,
                name="",
                verified=False,
                evidence="he said so",
            )
        )
        await api(
            world,
            "POST",
            f"/v1/conversations/{market['id']}/codes",
            {"kind": "digits", "channel_id": "mail", "address_id": claim, "client_id": "two"},
        )
        digits = re.search(r"\b(\d{6})\b", await heard(letters, 2))
        assert digits is not None
        await buyer.say(digits[1])
        await rows(world, 1, "SELECT 1 FROM merge WHERE evidence LIKE '%code%'")
        people = await rows(world, 1, "SELECT id FROM customer WHERE root_id IS NULL")
        assert len(people) == 1
