"""Telegram through the whole server: a customer writes, an operator answers, nothing is lost or doubled."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from channels.base import ChannelHealth
from channels.messenger.listening import Waits
from channels.secret import Secret
from channels.telegram import TelegramChannel, TelegramSettings
from omni_console.client import ServerClient
from server.protocol import Message
from server.settings import Config
from server.store.transaction import Event
from tests.fakes import running_server as whole
from tests.fakes.platform import Trouble
from tests.fakes.running_server import Running, only, running_server, until
from tests.fakes.telegram import SECRET, TOKEN, FakeTelegram, person, refusal

MODES = ["polling", "webhook"]
_configuration = whole.configuration


@pytest.fixture
async def telegram(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeTelegram]:
    monkeypatch.setattr(TelegramChannel, "waits", Waits(first=0.01, longest=0.05, refused=0.02))
    monkeypatch.setattr(TelegramChannel, "per_chat_s", 0.001)
    fake = FakeTelegram()
    async with fake.served():
        yield fake


@contextlib.asynccontextmanager
async def server(
    telegram: FakeTelegram, mode: str, again: Path | None = None, **more: Any
) -> AsyncIterator[Running]:
    """A server that has a bot, besides its other channels."""

    def configured(folder: Path, deliver_url: str) -> Config:
        config = _configuration(folder, deliver_url)
        config.channels["bot"] = TelegramSettings(
            kind="telegram",
            token=Secret(TOKEN),
            secret=Secret(SECRET),
            api_base=telegram.url,
            **{"mode": mode, "timeout": 5.0, **more},
        )
        return config

    with patch.object(whole, "configuration", configured):
        async with running_server(again) as running:
            await until(lambda: running.server.running.health["bot"] == ChannelHealth(state="connected"))
            yield running


async def river(client: ServerClient) -> list[Message]:
    """What was said in the one conversation there is, once it has begun."""
    found = (await client.conversations("all")).items
    return (await client.detail(found[0].id)).history.messages if found else []


async def said(client: ServerClient, *texts: str) -> list[Message]:
    """The river once the customer has written these texts, and no others."""
    async with asyncio.timeout(8):
        while [one.text for one in await river(client) if one.kind == "in"] != list(texts):  # noqa: ASYNC110 - what is waited for happens in the server
            await asyncio.sleep(0.01)
    return await river(client)


async def rows(running: Running, count: int, sql: str, *parameters: Any) -> list[dict[str, Any]]:
    """The rows of a question once there are so many."""
    async with asyncio.timeout(8):
        while len(found := await running.read(sql, *parameters)) != count:  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    return found


def look_again(running: Running) -> None:
    for listener in running.server.hub.on_event:
        listener(Event(seq=0, at=0, kind="message.queued"))


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a server may be started twice; short, for its socket's sake."""
    with tempfile.TemporaryDirectory(prefix="omni-") as made:
        yield Path(made)


@pytest.mark.parametrize("mode", MODES)
async def test_message_in_reply_out_and_a_restart_in_between(
    telegram: FakeTelegram, mode: str, folder: Path
) -> None:
    async with server(telegram, mode, again=folder) as running:
        olga = await running.client()
        first = telegram.say(77, "Где заказ?")
        await said(olga, "Где заказ?")
        conversation = await only(olga)
        assert conversation.customer == "Иван"
        reply = await running.answer(olga, conversation.id, "Завтра")
        await telegram.until(lambda: len(telegram.received) == 1)
        await running.settled()
        [shown] = [one for one in await river(olga) if one.id == reply.id]
        assert shown.status == "sent" and telegram.received[0].reply_to == str(first)
    telegram.say(77, "Спасибо", reply_to_message={"message_id": first + 1})
    async with server(telegram, mode, again=folder) as running:
        olga = await running.client()
        messages = await said(olga, "Где заказ?", "Спасибо")
        assert sorted(one.text for one in messages) == sorted(["Где заказ?", "Завтра", "Спасибо"])
        assert messages[-1].reason == "by reply"
        running.numbers = itertools.count(100)  # the console's own ids of replies go on, too
        await running.answer(olga, messages[0].conversation_id, "Не за что")
        await telegram.until(lambda: telegram.texts() == ["Завтра", "Не за что"])


@pytest.mark.parametrize("mode", MODES)
async def test_an_album_is_one_message(telegram: FakeTelegram, mode: str) -> None:
    async with server(telegram, mode) as running:
        olga = await running.client()
        for number, caption in enumerate(["", "три фото", ""]):
            content = f"photo {number}".encode()
            telegram.say(77, photo=telegram.photo(content), caption=caption, media_group_id="13")
        telegram.say(77, "и текст")
        telegram.say(78, photo=telegram.photo(b"of another person"), media_group_id="13")
        [row] = await rows(running, 1, "SELECT id FROM message WHERE text = 'три фото'")
        await rows(running, 3, "SELECT id FROM attachment WHERE message_id = ?", row["id"])
        await rows(running, 3, "SELECT id FROM message WHERE kind = 'in'")
        await rows(running, 5, "SELECT id FROM journal WHERE channel_id = 'bot'")
        assert [hit.message.id for hit in (await olga.search("три фото")).hits] == [row["id"]]


async def test_a_late_piece_of_an_album_stands_alone_and_repeats_change_nothing(
    telegram: FakeTelegram,
) -> None:
    async with server(telegram, "webhook") as running:
        album = {"from": person(77), "chat": {"id": 77, "type": "private"}, "date": 1, "media_group_id": "9"}

        def piece(number: int) -> dict[str, Any]:
            photo = telegram.photo(b"%d" % number)
            return {"update_id": number, "message": {**album, "message_id": number, "photo": photo}}

        for number in (1, 2, 2, 1):
            assert await telegram.knock(piece(number)) == 200
        assert len(await running.read("SELECT id FROM attachment")) == 2
        assert len(await running.read("SELECT id FROM message")) == 1
        running.clock.advance(600_000)
        assert await telegram.knock(piece(3)) == 200
        assert len(await running.read("SELECT id FROM message")) == 2
        assert await telegram.knock(piece(4), secret="wrong") == 401
        assert len(await running.read("SELECT id FROM attachment")) == 3


async def test_an_edit_changes_the_message_and_shows_a_replaced_file(telegram: FakeTelegram) -> None:
    async with server(telegram, "polling") as running:
        olga = await running.client()
        photo = telegram.photo(b"one")
        number = telegram.say(77, photo=photo, caption="было")
        await said(olga, "было")
        body = {"message_id": number, "from": person(77), "chat": {"id": 77, "type": "private"}, "date": 1}
        telegram.post({"edited_message": {**body, "photo": photo, "caption": "стало"}})
        telegram.post({"edited_message": {**body, "photo": telegram.photo(b"two"), "caption": "и фото"}})
        await rows(running, 1, "SELECT id FROM message WHERE text = 'и фото'")
        [message] = await river(olga)
        assert message.edited_at is not None and len(message.files) == 2


async def test_an_unknown_result_is_shown_and_not_sent_again(telegram: FakeTelegram) -> None:
    async with server(telegram, "polling") as running:
        olga = await running.client()
        telegram.say(77, "hello")
        await said(olga, "hello")
        telegram.trouble("sendMessage", Trouble(drop=True, taken=True))
        reply = await running.answer(olga, (await only(olga)).id, "once")
        await running.settled()
        running.clock.advance(86_400_000)
        look_again(running)
        await running.settled()
        [shown] = [one for one in await river(olga) if one.id == reply.id]
        assert shown.status == "unknown" and "may have taken it" in shown.error
        assert telegram.texts() == ["once"] and telegram.count("sendMessage") == 1


async def test_a_wait_that_telegram_asks_for_is_kept(telegram: FakeTelegram) -> None:
    async with server(telegram, "polling") as running:
        olga = await running.client()
        telegram.say(77, "hello")
        await said(olga, "hello")
        telegram.trouble("sendMessage", Trouble(429, refusal(429, "Too Many Requests", retry_after=40)))
        await running.answer(olga, (await only(olga)).id, "later")
        await telegram.until(lambda: telegram.count("sendMessage") == 1)
        await running.settled()
        [row] = await running.read("SELECT due_at FROM outbox")
        assert row["due_at"] == running.clock.now() + 40_000
        running.clock.advance(40_000)
        look_again(running)
        await telegram.until(lambda: telegram.texts() == ["later"])


async def test_a_phone_of_his_own_finds_the_customer(telegram: FakeTelegram) -> None:
    async with server(telegram, "polling") as running:
        await running.hook("по телефону", person={"phone": "+79161234567", "verified": ["phone"]})
        telegram.say(77, contact={"phone_number": "79161234567", "first_name": "И", "user_id": 77})
        telegram.say(78, contact={"phone_number": "79161234567", "first_name": "И", "user_id": 77})
        await rows(running, 3, "SELECT id FROM message WHERE kind = 'in'")
        assert len(await running.read("SELECT id FROM customer WHERE merged_into IS NULL")) == 2


async def test_blocked_and_back(telegram: FakeTelegram) -> None:
    async with server(telegram, "webhook") as running:
        olga = await running.client()
        telegram.say(77, "hello")
        await said(olga, "hello")
        telegram.blocked.add(77)
        await running.answer(olga, (await only(olga)).id, "to nobody")
        await rows(running, 1, "SELECT id FROM address WHERE blocked = 1")
        await rows(running, 1, "SELECT id FROM message WHERE status = 'failed'")
        assert [one.status for one in await river(olga)] == ["received", "failed"]
        telegram.post(
            {
                "my_chat_member": {
                    "chat": {"id": 77, "type": "private"},
                    "from": person(77),
                    "new_chat_member": {"status": "member"},
                }
            }
        )
        await rows(running, 1, "SELECT id FROM address WHERE blocked = 0 AND scheme = 'telegram'")


async def test_a_piece_that_comes_after_the_closing_opens_again(telegram: FakeTelegram) -> None:
    async with server(telegram, "polling") as running:
        olga = await running.client()
        telegram.say(77, photo=telegram.photo(b"1"), caption="one", media_group_id="5")
        await said(olga, "one")
        await running.server.database.write(
            lambda tx: tx.run("UPDATE conversation SET state = 'closed', closed_at = ?", (tx.now,))
        )
        telegram.say(77, photo=telegram.photo(b"2"), caption="two", media_group_id="5")
        await rows(running, 1, "SELECT id FROM conversation WHERE state = 'open'")
        await rows(running, 2, "SELECT id FROM message WHERE kind = 'in'")
