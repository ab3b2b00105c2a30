"""A mail with a quotation and a signature, from its bytes to what operators see, search and list."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from channels.base import Delivery
from channels.email.mail_item import dedupe_key
from omni_console.client import ServerClient
from server.protocol import Message
from tests.fakes.mail_account import settings
from tests.fakes.mail_corpus import plain
from tests.fakes.mail_world import MailWorld

CORPUS = Path(__file__).parents[1] / "corpus" / "mail"

_uids = itertools.count(1)


async def arrives(world: MailWorld, raw: bytes, count: int) -> None:
    """As the poller hands it over; the mailbox itself is away."""
    meta = {"internal_date": "1795280000000", "address": "support@shop.example", "uid": str(next(_uids))}
    key = dedupe_key(raw)
    delivery = Delivery(dedupe_key=key, raw=raw, event=None, meta=meta | {"dedupe_key": key})
    await world.mailbox().host.submit([delivery])
    await world.until("SELECT count(*) FROM message", count)


def open_text(message: Message) -> str:
    pieces, position = [], 0
    for fold in message.folds:
        pieces.append(message.text[position : fold.start])
        position = fold.end
    return "".join([*pieces, message.text[position:]])


async def test_folds_from_the_mail_to_the_console() -> None:
    async with (
        MailWorld({"mail": settings()}) as world,
        ServerClient(str(world.folder / "run" / "omni.sock")) as client,
    ):
        await arrives(world, (CORPUS / "gmail-web-reply-ru-signature.eml").read_bytes(), 1)
        [row] = (await client.conversations("all")).items
        assert row.preview == "Спасибо, заказ получила. Всё в порядке!"
        [message] = (await client.detail(row.id)).history.messages
        assert [fold.kind for fold in message.folds] == ["quoted", "signature"]
        assert open_text(message) == "Спасибо, заказ получила. Всё в порядке!"
        assert "> Ваш заказ №1042" in message.text
        for words in ("получила", "собран"):
            [hit] = (await client.search(words)).hits
            assert hit.message.id == message.id
            assert hit.message.folds == message.folds


async def test_a_code_is_told_by_what_is_new_in_an_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr("server.intake.digits_told", lambda text: heard.append(text))
    quoted = "123 456\r\n\r\n20.11.2026 10:15, Shop wrote:\r\n> Please tell us 999 999\r\n> Shop"
    async with MailWorld({"mail": settings()}) as world:
        await arrives(world, plain(1, text=quoted), 1)
    assert heard == ["123 456"]


async def test_a_mail_without_anything_to_fold_has_no_folds() -> None:
    async with (
        MailWorld({"mail": settings()}) as world,
        ServerClient(str(world.folder / "run" / "omni.sock")) as client,
    ):
        await arrives(world, plain(1, text="Where is my order?"), 1)
        [row] = (await client.conversations("all")).items
        [message] = (await client.detail(row.id)).history.messages
        assert (message.folds, row.preview) == ([], "Where is my order?")
        assert await world.value("SELECT folds FROM message") is None
