"""Continue in any channel from any other: the conversation, its owner, priority, tags and clock stay."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from channels.base import ChannelHealth
from channels.messenger.listening import Waits
from channels.secret import Secret
from channels.telegram import TelegramChannel, TelegramSettings
from channels.webhook.channel import WebhookSettings
from server.protocol import CodeMade
from server.settings import Config
from server.store import customers
from tests.fakes import running_server as whole
from tests.fakes.running_server import Running, Visitor, running_server, until
from tests.fakes.telegram import SECRET, TOKEN, FakeTelegram

MASK = "\u2022" * 6
PLACES = ("mail", "site", "bot", "market")
_configuration = whole.configuration


class World:
    """A server with four channels, and one person who can write on each of them."""

    def __init__(self, run: Running, telegram: FakeTelegram) -> None:
        self.run = run
        self.telegram = telegram
        self.visitor: Visitor | None = None
        self.numbers = itertools.count(1)

    async def say(self, place: str, text: str) -> None:
        """The person writes there; returns once it is stored."""
        if place == "mail":
            await self.run.letters.hear("ivan@example.org", text, "Иван")
        elif place == "market":
            await self.run.hook(text, sender="buyer-1", key="order-1")
        elif place == "bot":
            self.telegram.say(77, text)
            await self.stored(text)
        else:
            if self.visitor is None:
                self.visitor = await self.run.visitor()
            await self.visitor.say(text)

    async def stored(self, text: str) -> None:
        async with asyncio.timeout(8):
            while not await self.run.read("SELECT 1 FROM message WHERE text = ?", text):  # noqa: ASYNC110 - what is waited for happens in the server
                await asyncio.sleep(0.01)

    async def heard(self, place: str) -> str:
        """The latest text of ours that came to him there."""
        await self.run.settled()
        if place == "mail":
            return self.run.letters.sent[-1].text
        if place == "market":
            return self.run.receiver.texts()[-1]
        if place == "bot":
            return self.telegram.texts()[-1]
        assert self.visitor is not None
        rows = await self.run.read(
            "SELECT 1 FROM message WHERE channel_id = 'site' AND visible_seq IS NOT NULL"
        )
        return str((await self.visitor.read(len(rows)))[-1]["text"])

    async def ask(self, conversation: int, place: str, **more: Any) -> tuple[int, bytes]:
        body = {"kind": "link", "channel_id": place, "client_id": f"link-{next(self.numbers)}", **more}
        path = f"/v1/conversations/{conversation}/codes"
        return await self.run.ask("POST", path, msgspec.json.encode(body))

    async def link(self, conversation: int, place: str, **more: Any) -> CodeMade:
        status, data = await self.ask(conversation, place, **more)
        assert status == 200, data
        return msgspec.json.decode(data, type=CodeMade)

    async def follow(self, place: str, text: str) -> bool:
        """He follows the link in a text of ours; whether it still led anywhere."""
        arrived = "SELECT id FROM message WHERE event_kind IN ('continued', 'started')"
        before = len(await self.run.read(arrived))
        if place == "mail":
            return await self.press(text) == 200
        token = token_in(text)
        if place == "market":
            await self.run.hook("", sender="buyer-1", key="order-1", kind="continued", token=token)
        elif place == "bot":
            self.telegram.say(77, f"/start {token}")
            async with asyncio.timeout(8):
                while len(await self.run.read(arrived)) == before:  # noqa: ASYNC110 - as above
                    await asyncio.sleep(0.01)
        else:
            if self.visitor is None:
                self.visitor = await self.run.visitor()
            answer = await self.visitor.post("/continue", {"token": token})
            return bool(answer["continued"])
        return True

    async def press(self, text: str, method: str = "POST") -> int:
        found = re.search(r"https?://\S+/confirm/[\w-]{22}", text)
        assert found is not None, text
        async with self.run.http.request(method, found[0]) as answer:
            body = await answer.text()
            assert "Set-Cookie" not in answer.headers and "script-src" not in body
            return answer.status

    async def conversation(self) -> dict[str, Any]:
        [row] = await self.run.read("SELECT * FROM conversation WHERE joined_into IS NULL")
        return row


def token_in(text: str) -> str:
    found = re.search(r"(?:start=|omni-chat=|continue=|/confirm/)([\w-]{22})(?![\w-])", text)
    assert found is not None, text
    return found[1]


@contextlib.asynccontextmanager
async def world(kept: Path | None = None) -> AsyncIterator[World]:
    telegram = FakeTelegram()

    def configured(folder: Path, deliver_url: str) -> Config:
        config = _configuration(folder, deliver_url)
        market = config.channels["market"]
        assert isinstance(market, WebhookSettings)
        market.continue_url = "https://market.example/chat?continue={token}"
        config.channels["bot"] = TelegramSettings(
            kind="telegram", token=Secret(TOKEN), secret=Secret(SECRET), api_base=telegram.url, timeout=5.0
        )
        return config

    with (
        patch.object(TelegramChannel, "waits", Waits(first=0.01, longest=0.05, refused=0.02)),
        patch.object(TelegramChannel, "per_chat_s", 0.001),
        patch.object(whole, "configuration", configured),
    ):
        async with telegram.served(), running_server(kept) as run:
            await until(lambda: run.server.running.health["bot"] == ChannelHealth(state="connected"))
            bot = run.server.channels["bot"]
            await until(lambda: bot.continue_link("x") is not None)
            yield World(run, telegram)


@pytest.mark.parametrize(
    ("begun", "target"), [pair for pair in itertools.product(PLACES, PLACES) if pair[0] != pair[1]]
)
async def test_from_any_channel_to_any_other(begun: str, target: str) -> None:
    async with world() as there:
        run = there.run
        olga = await run.client()
        await there.say(begun, "my card is blocked")
        row = await there.conversation()
        await olga.claim(row["id"], None)
        await run.server.database.write(
            lambda tx: (
                tx.run("UPDATE conversation SET priority = 0 WHERE id = ?", (row["id"],)),
                tx.run(
                    "INSERT INTO conversation_tag (conversation_id, tag, at) VALUES (?, 'cards', 1)",
                    (row["id"],),
                ),
            )
        )
        before = await there.conversation()
        run.clock.advance(60_000)
        if target == "mail":
            # Nobody can be led to a mailbox: he says which is his, and is asked there.
            claim = await claimed(run, before["customer_id"], "ivan@example.org")
            made = await there.link(before["id"], "mail", address_id=claim)
            text = await there.heard("mail")
        else:
            made = await there.link(before["id"], target)
            text = await there.heard(begun)
        assert made.url == "" and MASK not in text
        shown = await run.read("SELECT text FROM message WHERE id = ?", made.message_id)
        assert MASK in shown[0]["text"] and token_in(text) not in shown[0]["text"]
        assert await there.follow(target, text)
        after = await there.conversation()
        kept = (
            "id",
            "state",
            "assignee_id",
            "priority",
            "waiting_since",
            "sort_at",
            "opened_at",
            "customer_seq",
        )
        assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
        assert await run.read("SELECT tag FROM conversation_tag WHERE conversation_id = ?", after["id"])
        detail = await olga.detail(after["id"])
        assert detail.ways[0].channel_id == target
        assert detail.history.messages[-1].kind_of_event == "continued"
        # What he writes there goes on here, and so does what we answer.
        await there.say(target, "and here I am")
        assert (await there.conversation())["id"] == before["id"]
        await run.answer(olga, before["id"], "welcome")
        assert await there.heard(target) == "welcome"
        # He has shown who he is; the link is used up.
        [proof] = await run.read("SELECT proof FROM address WHERE id = ?", detail.ways[0].address_id)
        assert proof["proof"] == "code"
        assert detail.ways[0].known_until is not None
        [code] = await run.read("SELECT * FROM code")
        assert (code["ended"], code["nonce"]) == ("used", None)
        kinds = await run.read("SELECT kind FROM event WHERE kind LIKE 'identity.%' ORDER BY seq")
        assert [one["kind"] for one in kinds] == ["identity.code_sent", "identity.code_used"]


async def claimed(run: Running, customer_id: int, address: str) -> int:
    return await run.server.database.write(
        lambda tx: customers.add_address(
            tx,
            customer_id,
            scheme="email",
            account="",
            external_id=address,
            name="",
            verified=False,
            evidence="he said so",
        )
    )


async def test_whoever_he_was_there_becomes_the_same_person() -> None:
    async with world() as there:
        olga = await there.run.client()
        await there.say("bot", "an old question")
        [old] = (await olga.conversations("all")).items
        await there.say("mail", "my card is blocked")
        mail = next(one for one in (await olga.conversations("all")).items if one.id != old.id)
        await there.link(mail.id, "bot")
        assert await there.follow("bot", await there.heard("mail"))
        rows = (await olga.conversations("all")).items
        assert len(rows) == 2 and len({row.customer_id for row in rows}) == 1
        # He was led to the letter's conversation, not to the one he had there.
        await there.say("bot", "about the card")
        [last] = await there.run.read("SELECT conversation_id FROM message WHERE text = 'about the card'")
        assert last["conversation_id"] == mail.id
        [merge] = await there.run.read("SELECT id FROM merge")
        assert (await there.run.ask("POST", f"/v1/merges/{merge['id']}/undo", b"{}"))[0] == 200
        parted = (await olga.conversations("all")).items
        assert len({row.customer_id for row in parted}) == 2


async def test_a_link_works_once_within_its_hour_and_the_newest_counts() -> None:
    async with world() as there:
        await there.say("mail", "hello")
        row = await there.conversation()
        urls = []
        for _ in range(2):
            urls.append((await there.link(row["id"], "site", send=False)).url)
        assert all(re.fullmatch(r"https://shop\.example/#omni-chat=[\w-]{22}", url) for url in urls)
        assert not await there.follow("site", urls[0])  # replaced
        assert await there.follow("site", urls[1])
        there.visitor = None  # somebody else finds the same link
        assert not await there.follow("site", urls[1])
        late = (await there.link(row["id"], "site", send=False)).url
        there.run.clock.advance(3_600_000)
        assert not await there.follow("site", late)
        assert len(await there.run.read("SELECT 1 FROM message")) == 2
        reasons = await there.run.read(
            "SELECT data FROM event WHERE kind = 'identity.code_failed' ORDER BY seq"
        )
        said = [msgspec.json.decode(one["data"])["why"] for one in reasons]
        assert said == ["replaced", "used", "expired"]


async def test_a_start_with_something_else_is_a_start() -> None:
    async with world() as there:
        there.telegram.say(77, "/start spring-campaign")
        await until_rows(there.run, "SELECT 1 FROM message WHERE event_kind = 'started'")
        await there.run.hook("", sender="b", kind="continued", token="x" * 22)
        assert len(await there.run.read("SELECT 1 FROM message")) == 1


async def test_a_token_of_one_channel_opens_no_other() -> None:
    async with world() as there:
        await there.say("mail", "hello")
        row = await there.conversation()
        url = (await there.link(row["id"], "bot", send=False)).url
        assert url.startswith("https://t.me/")
        assert not await there.follow("site", f"omni-chat={token_in(url)}")
        assert await there.follow("bot", url)


async def test_a_group_is_nobody() -> None:
    async with world() as there:
        await there.say("mail", "hello")
        row = await there.conversation()
        url = (await there.link(row["id"], "bot", send=False)).url
        group = {"id": -5, "type": "group", "title": "everybody"}
        there.telegram.say(77, f"/start {token_in(url)}", chat=group)
        assert await there.follow("bot", url)


async def until_rows(run: Running, sql: str) -> None:
    async with asyncio.timeout(8):
        while not await run.read(sql):  # noqa: ASYNC110 - what is waited for happens in the server
            await asyncio.sleep(0.01)


# --- the page that confirms an address ------------------------------------------------------------------


async def test_programs_that_look_at_links_confirm_nothing() -> None:
    async with world() as there:
        await there.say("site", "my card is blocked")
        row = await there.conversation()
        claim = await claimed(there.run, row["customer_id"], "ivan@example.org")
        await there.link(row["id"], "mail", address_id=claim)
        text = await there.heard("mail")
        for method in ("GET", "GET"):
            assert await there.press(text, method) == 200
        assert await there.run.read("SELECT 1 FROM address WHERE id = ? AND verified = 1", claim) == []
        assert await there.press(text) == 200
        assert await there.run.read("SELECT 1 FROM address WHERE id = ? AND verified = 1", claim)
        assert await there.press(text) == 410
        # Whose mailbox it is went on by it with this conversation, though mail begins matters of its own.
        await there.say("mail", "from my mailbox")
        assert (await there.conversation())["id"] == row["id"]


async def test_the_page_says_nothing_of_anybody() -> None:
    async with world() as there:
        url = f"{there.run.url}/confirm/{'A' * 22}"
        async with there.run.http.get(url) as answer:
            page = await answer.text()
            assert answer.status == 200 and "A" * 22 not in page
            assert "Shop" in page and "form-action 'self'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers["Referrer-Policy"] == "no-referrer"
        async with there.run.http.post(url) as answer:
            assert answer.status == 410
        for wrong in ("/confirm/", "/confirm/..", f"/confirm/{'A' * 65}"):
            async with there.run.http.get(there.run.url + wrong) as answer:
                assert answer.status == 404


async def test_a_mailbox_that_is_somebodys_already_joins_the_two() -> None:
    async with world() as there:
        await there.run.letters.hear("ivan@example.org", "an old letter", "Иван")
        await there.say("site", "my card is blocked")
        [row] = await there.run.read("SELECT * FROM conversation WHERE channel_id = 'site'")
        claim = await claimed(there.run, row["customer_id"], "ivan@example.org")
        await there.link(row["id"], "mail", address_id=claim)
        assert await there.press(await there.heard("mail")) == 200
        assert len(await there.run.read("SELECT id FROM merge WHERE undone_at IS NULL")) == 1


async def test_a_link_that_confirms_is_given_to_nobody_else() -> None:
    async with world() as there:
        await there.say("site", "hello")
        row = await there.conversation()
        claim = await claimed(there.run, row["customer_id"], "ivan@example.org")
        status, data = await there.ask(row["id"], "mail", address_id=claim, send=False)
        assert status == 409 and b"proves nothing" in data
        assert (await there.ask(row["id"], "mail"))[0] == 409  # to which address?


# --- where it cannot be ---------------------------------------------------------------------------------


async def test_what_is_refused() -> None:
    async with world() as there:
        await there.say("site", "hello")
        row = await there.conversation()
        bot = there.run.server.channels["bot"]
        assert isinstance(bot, TelegramChannel)
        with patch.object(bot, "_username", ""):
            assert (await there.ask(row["id"], "bot"))[0] == 409
        assert (await there.ask(row["id"], "site"))[0] == 409  # there he is already
        assert (await there.ask(row["id"], "nowhere"))[0] == 409
        for _ in range(3):
            await there.link(row["id"], "bot")
        assert (await there.ask(row["id"], "bot"))[0] == 409
        assert (await there.ask(4711, "bot"))[0] == 404
        # Alone it can still be had.
        assert (await there.link(row["id"], "bot", send=False)).url.startswith("https://t.me/")
