"""Whole journeys of customers, through the real doors, as the operator sees them."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator
from datetime import UTC
from pathlib import Path
from typing import Any
from unittest.mock import patch

import msgspec
import pytest

from channels.base import ChannelHealth
from channels.messenger.listening import Waits
from channels.secret import Secret
from channels.telegram import TelegramChannel, TelegramSettings
from channels.webhook import standard
from omni_console.app import OmniConsole
from omni_console.client import ServerClient
from omni_console.timing import Clock
from server.protocol import ConversationDetail, Message
from server.settings import Config
from tests.fakes import running_server as whole
from tests.fakes.console_hands import Hands
from tests.fakes.real_mail import real_mail
from tests.fakes.running_server import HOOK_SECRET, SHOP, Running, only, running_server, until
from tests.fakes.telegram import SECRET, TOKEN, FakeTelegram

PHOTO = b"\xff\xd8\xff\xc0\x00\x11\x08" + struct.pack(">HH", 960, 1280)


def box(kind: bytes, inside: bytes) -> bytes:
    return struct.pack(">I", 8 + len(inside)) + kind + inside


TRACK = box(b"trak", box(b"tkhd", bytes(76) + struct.pack(">II", 640 << 16, 360 << 16)))
FILM = box(b"ftyp", b"mp42") + box(b"moov", TRACK)


@pytest.fixture
async def telegram(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FakeTelegram]:
    monkeypatch.setattr(TelegramChannel, "waits", Waits(first=0.01, longest=0.05, refused=0.02))
    monkeypatch.setattr(TelegramChannel, "per_chat_s", 0.001)
    fake = FakeTelegram()
    async with fake.served():
        yield fake


@contextlib.asynccontextmanager
async def company(telegram: FakeTelegram) -> AsyncIterator[Running]:
    """A company with a site chat, mail, a shop that sends webhooks, and a bot."""
    usual = whole.configuration

    def configured(folder: Path, deliver_url: str) -> Config:
        config = usual(folder, deliver_url)
        config.channels["bot"] = TelegramSettings(
            kind="telegram",
            token=Secret(TOKEN),
            secret=Secret(SECRET),
            api_base=telegram.url,
            mode="polling",
            timeout=5.0,
        )
        return config

    with patch.object(whole, "configuration", configured):
        async with running_server() as running:
            await until(lambda: running.server.running.health["bot"] == ChannelHealth(state="connected"))
            yield running


async def tell(run: Running, webhook_id: str, kind: str, **data: Any) -> None:
    body = msgspec.json.encode({"type": kind, "data": data})
    signed = standard.headers([standard.read_secret(HOOK_SECRET)], webhook_id, run.clock.now() // 1000, body)
    async with run.http.post(f"{run.url}/hooks/market", data=body, headers=signed) as answer:
        assert answer.status == 200, await answer.text()


async def seen(client: ServerClient, count: int) -> ConversationDetail:
    """The one conversation, once so many messages are in it."""
    async with asyncio.timeout(40):
        while True:
            found = (await client.conversations("all")).items
            if found:
                detail = await client.detail(found[0].id)
                if len(detail.history.messages) >= count:
                    return detail
            await asyncio.sleep(0.01)


async def test_e4_the_operator_sees_by_which_way_a_customer_came_and_what_he_bought(
    telegram: FakeTelegram,
) -> None:
    """Five facts: the advertisement, the page of the chat, telephone and e-mail given in it, the order."""
    async with real_mail() as mail, company(telegram) as run:
        await mail.connected(run)
        first = {
            "url": f"{SHOP}/loans?utm_source=yandex&utm_medium=cpc&utm_campaign=summer",
            "title": "Loans",
            "referrer": "https://ya.example/search?text=loan",
            "at": run.clock.now() - 86_400_000,
        }
        page = {
            "url": f"{SHOP}/loans/apply?step=2&session=abcdef&email=ivan%40example.org",
            "title": "Apply for a loan",
            "referrer": f"{SHOP}/loans",
            "first": first,
        }
        visitor = await run.visitor()
        body = {
            "client_id": "client-e4-1",
            "text": "Мой номер 8 916 123-45-67, почта ivan@example.org",
            "page": page,
        }
        await visitor.post("/messages", body)
        later = {"url": f"{SHOP}/loans/done", "title": "Done", "first": {**first, "url": f"{SHOP}/other"}}
        await visitor.post("/messages", {"client_id": "client-e4-2", "text": "Готово?", "page": later})
        # He signs in; what the company's own system knows of his address is his from then on.
        await visitor.begin(sub="7", name="Иван Петров", email="ivan@example.org", email_verified=True)
        order = {"kind": "order", "number": "L-1187", "title": "Loan", "state": "approved", "version": 1}
        await tell(run, "loan-1", "record", sender={"email": "ivan@example.org"}, record=order)

        olga = await run.client()
        detail = await seen(olga, 2)
        card = detail.customer
        assert card.origin is not None
        # 1. By which advertisement he came, once and for all.
        assert card.origin.campaign == {"source": "yandex", "medium": "cpc", "campaign": "summer"}
        assert card.origin.referrer == "https://ya.example/search?text=loan"
        assert card.origin.at == first["at"] and card.origin.conversation_id is None
        # 2. From which page he entered the chat, without what it must not tell.
        [entered] = card.origins
        assert (entered.page, entered.title) == (f"{SHOP}/loans/apply?step=2", "Apply for a loan")
        assert entered.conversation_id == detail.conversation.id
        assert detail.history.messages[0].detail["page"] == f"{SHOP}/loans/apply?step=2"
        assert detail.history.messages[1].detail["page"] == f"{SHOP}/loans/done"
        # 3. Which telephone he gave: offered, not believed. 4. Which e-mail: his, since the site signed it.
        assert [(one.scheme, one.external_id) for one in card.findings] == [("phone", "+79161234567")]
        [email] = [one for one in card.addresses if one.scheme == "email"]
        assert (email.external_id, email.verified, email.proof) == ("ivan@example.org", True, "signature")
        # 5. Which order came of it.
        assert [(one.external_id, one.state) for one in card.records] == [("L-1187", "approved")]

        # The way goes on by mail, and stays one history of one person.
        await mail.hear(run, "ivan@example.org", "Когда деньги?", "Иван Петров")
        assert (await only(olga)).customer_id == card.id
        assert [one.customer_id for one in (await seen(olga, 3)).history.messages] == [card.id] * 3

        # All of it stands before the operator's eyes, without a key for it.
        app = OmniConsole(olga, clock=Clock(run.clock.now, UTC))
        async with app.run_test(size=(200, 60)) as pilot:
            hands = Hands(app, pilot)
            await hands.until(lambda: app.desk_screen.online and app.desk.windows["queue"].loaded, "online")
            await hands.sees("Иван Петров")
            await hands.press("enter")
            await hands.sees("Когда деньги?")
            for words in (
                "yandex / cpc",  # by which advertisement
                "from Apply for a loan (shop.example/loans/apply)",  # from which page
                "+ 8 916 123-45-67",
                "✓ ivan@example.org",
                "L-1187 Loan",
            ):
                await hands.sees(words)
            assert "abcdef" not in hands.text()
        stored = [row["raw"] for row in await run.read("SELECT raw FROM journal WHERE channel_id = 'site'")]
        assert not any(b"abcdef" in (raw or b"") for raw in stored), "no secret of the page is kept anywhere"


async def test_e9_an_accident_is_told_by_messenger_with_photo_video_document_and_place(
    telegram: FakeTelegram,
) -> None:
    async with company(telegram) as run:
        telegram.say(77, "Попал в аварию, что делать?")
        telegram.say(77, photo=telegram.photo(PHOTO + b" damage"), caption="Бампер")
        video = telegram.file(FILM + b" film", file_name="film.mp4", mime_type="video/mp4")
        telegram.say(77, video={**video, "width": 640, "height": 360, "duration": 5})
        scan = telegram.file(b"%PDF-1.7 protocol", file_name="протокол.pdf", mime_type="application/pdf")
        telegram.say(77, document=scan)
        telegram.say(77, location={"latitude": 55.751999, "longitude": 37.617734})

        olga = await run.client()
        detail = await seen(olga, 5)
        said = detail.history.messages
        photo, film, paper, place = said[1], said[2], said[3], said[4]
        assert photo.text == "Бампер" and [one.kind for one in photo.files] == ["image"]
        assert [(one.kind, one.name, one.content_type) for one in film.files] == [
            ("video", "film.mp4", "video/mp4")
        ]
        assert [(one.kind, one.name) for one in paper.files] == [("file", "протокол.pdf")]
        assert [(one.width, one.height) for one in (*photo.files, *film.files)] == [(1280, 960), (640, 360)]
        assert (place.detail["lat"], place.detail["lon"]) == ("55.751999", "37.617734")
        assert place.detail["map"].startswith("https://www.openstreetmap.org/?mlat=55.751999&mlon=37.617734")
        assert "55.751999, 37.617734" in place.text
        for message, content in ((photo, b" damage"), (film, b" film"), (paper, b" protocol")):
            assert await fetched(run, message) == content
        assert detail.customer.files == 3

        # One word of the operator goes back to where he stands.
        await run.answer(olga, detail.conversation.id, "Оставайтесь на месте, эвакуатор едет")
        await telegram.until(lambda: telegram.texts() == ["Оставайтесь на месте, эвакуатор едет"])
        assert len(await run.read("SELECT id FROM customer")) == 1


async def fetched(run: Running, message: Message) -> bytes:
    """The end of the message's file, as the operator opens it."""
    [file] = message.files
    assert not file.problem and file.size > 0
    status, data = await run.ask("GET", f"/v1/files/{file.id}")
    assert status == 200 and len(data) == file.size
    return data[data.rindex(b" ") :]
