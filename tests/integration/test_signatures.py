"""Each channel's own signature below what operators write, and its own first word to whoever begins."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from channels.base import ChannelError
from channels.secret import Secret
from channels.webhook.channel import WebhookChannel, WebhookSettings
from omni_console.client import ServerClient
from server.config_checks import check_words
from server.people.card_settings import SettingError
from server.protocol import Message, NoteCommand
from server.settings import Config
from server.store.transaction import Event
from tests.fakes import running_server as whole
from tests.fakes.post_office import post_office
from tests.fakes.running_server import HOOK_SECRET, Running, only, refusal, running_server, until

SITE, MARKET, MAIL = "Olga and all of Shop", "— Shop on the market", "Shop, Main street 1"


@contextlib.asynccontextmanager
async def signing(**more: dict[str, Any]) -> AsyncIterator[Running]:
    """Every channel has a signature of its own; `more` are further settings, by channel."""
    usual = whole.configuration

    def configured(folder: Path, deliver_url: str) -> Config:
        config = usual(folder, deliver_url)
        for name, words in (("site", SITE), ("market", MARKET), ("mail", MAIL)):
            for key, value in {"signature": words, **more.get(name, {})}.items():
                setattr(config.channels[name], key, value)
        return config

    with patch.object(whole, "configuration", configured):
        async with running_server() as run:
            yield run


async def written(olga: ServerClient, conversation_id: int) -> list[Message]:
    return [one for one in (await olga.detail(conversation_id)).history.messages if one.kind == "out"]


async def test_a_reply_leaves_with_its_channels_signature_and_stays_what_was_written() -> None:
    async with signing() as run:
        olga = await run.client()
        visitor = await run.visitor()
        await visitor.say("Where is it?")
        case = await only(olga)
        await run.answer(olga, case.id, "On its way.\n")
        await olga.note(case.id, NoteCommand(client_id="note-000001", text="he is angry"))
        await run.settled()
        assert [one["text"] for one in await visitor.read(2)] == [
            "Where is it?",
            f"On its way.\n\n{SITE}",
        ]
        assert [one.text for one in await written(olga, case.id)] == ["On its way.\n"]
        await olga.close_conversation(case.id, "parcel", "sent")

        await run.hook("And mine?")
        case = (await olga.conversations("queue")).items[0]
        await run.answer(olga, case.id, "Tomorrow.")
        await run.settled()
        assert run.receiver.texts() == [f"Tomorrow.\n\n{MARKET}"]


async def test_it_is_as_it_was_at_the_first_try_however_often_it_is_tried() -> None:
    async with signing() as run:
        olga = await run.client()
        await run.hook("When?")
        case = await only(olga)
        run.receiver.answers.append(503)
        await run.answer(olga, case.id, "At nine.")
        await until(lambda: len(run.receiver.tries) == 1)
        await run.settled()
        run.server.channels["market"].settings.signature = "We have moved"
        run.clock.advance(60_000)
        for (
            listener
        ) in run.server.hub.on_event:  # its pauses are real time, which the test's clock does not move
            listener(Event(seq=0, at=0, kind="message.queued"))
        await until(lambda: len(run.receiver.heard) == 1)
        assert run.receiver.texts() == [f"At nine.\n\n{MARKET}"]
        await run.settled()
        await run.answer(olga, case.id, "Sharp.")
        await until(lambda: len(run.receiver.heard) == 2)
        assert run.receiver.texts()[1] == "Sharp.\n\nWe have moved"


async def test_the_limit_of_the_channel_counts_it() -> None:
    async with signing() as run:
        olga = await run.client()
        await run.letters.hear("anna@example.org", "Tell me all", "Anna")
        case = await only(olga)
        detail = await olga.detail(case.id)
        most = 2000 - len(f"\n\n{MAIL}")
        [way] = detail.ways
        assert way.text_max == most
        refused = await refusal(olga.reply(case.id, run.command("x" * (most + 1), way, detail.history.seq)))
        assert refused.body.message == f"the text is too long for mail: {most + 1} of {most}"
        await run.answer(olga, case.id, "x" * most)
        await run.settled()
        [sent] = run.letters.sent
        assert len(sent.text) == 2000


async def test_files_alone_and_what_machines_say_bear_none() -> None:
    async with signing(mail={"acknowledge": "We have it."}) as run:
        olga = await run.client()
        await run.letters.hear("anna@example.org", "See?", "Anna")
        case = await only(olga)
        await run.settled()
        assert [(one.text, one.automatic) for one in run.letters.sent] == [("We have it.", True)]
        upload = await olga.put_up(case.id, "map.png", b"x")
        detail = await olga.detail(case.id)
        command = run.command("", detail.ways[0], detail.history.seq, upload_ids=[upload.id])
        await olga.reply(case.id, command)
        await run.settled()
        assert run.letters.sent[-1].text == ""


async def test_a_letter_has_one_signature() -> None:
    async with post_office(signature=MAIL) as post:
        message = await post.receive()
        await post.answer(message.conversation_id, "Hello")
        body = post.sent().get_body(("plain",))
        assert body is not None and body.get_content().count(MAIL) == 1


async def test_whoever_begins_hears_the_first_word_of_his_channel() -> None:
    async with signing(site={"acknowledge": "A moment."}, market={"acknowledge": "Seen."}) as run:
        visitor = await run.visitor()
        await visitor.say("Hello?")
        await visitor.say("Anybody?")
        await run.settled()
        assert [one["text"] for one in await visitor.read(3)] == ["Hello?", "Anybody?", "A moment."]
        await run.hook("My parcel?")
        await run.settled()
        assert run.receiver.texts() == ["Seen."]


@pytest.mark.parametrize(("key", "most"), [("signature", 1000), ("acknowledge", 2000)])
def test_what_the_channel_cannot_carry_is_refused_at_the_start(key: str, most: int, tmp_path: Path) -> None:
    config = whole.configuration(tmp_path, "")
    with patch.dict("channels.registry.BUILT_IN", letters="tests.fakes.letters:LettersChannel"):
        setattr(config.channels["mail"], key, "x" * most)
        check_words(config)
        setattr(config.channels["mail"], key, "x" * (most + 1))
        with pytest.raises(SettingError) as refused:
            check_words(config)
    assert refused.value.key == f"channels.mail.{key}"


def test_who_cannot_answer_acknowledges_nothing() -> None:
    settings = WebhookSettings(kind="webhook", secrets=[Secret(HOOK_SECRET)], acknowledge="Seen.")
    with pytest.raises(ChannelError, match="it answers nobody"):
        WebhookChannel("market", settings)
