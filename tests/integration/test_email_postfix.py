"""Real mail servers on both sides: answers go out by Postfix and arrive in a Dovecot, what the customer
writes back is found, and what cannot be delivered comes back as Postfix reports it."""

from __future__ import annotations

import asyncio
import contextlib
import email
import smtplib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from channels.email.settings import ImapServer, SmtpServer
from omni_console.client import ServerClient
from server.protocol import Conversation, ConversationDetail, Message
from server.settings import Config
from tests.fakes import running_server as running
from tests.fakes.dovecot import Dovecot
from tests.fakes.mail_account import QUICK, settings
from tests.fakes.post_office import SUPPORT, written
from tests.fakes.postfix import Postfix
from tests.fakes.running_server import Running
from tests.fakes.smtp_sink import ScriptedSmtp

pytestmark = pytest.mark.dovecot

ANNA = "anna@customer.example"


class World:
    def __init__(self, server: Running, client: ServerClient, dovecot: Dovecot, postfix: Postfix) -> None:
        self.server = server
        self.client = client
        self.dovecot = dovecot
        self.postfix = postfix

    async def write(self, mail: EmailMessage) -> None:
        """The customer's own program hands a mail in."""

        def send() -> None:
            with smtplib.SMTP("127.0.0.1", self.postfix.port, timeout=10) as link:
                link.send_message(mail)

        await asyncio.to_thread(send)

    def box(self, user: str, folder: str = "") -> list[EmailMessage]:
        """What lies in a mailbox, in the order of arrival."""
        root = self.dovecot.directory / "mail" / user / folder
        paths = sorted((*root.glob("new/*"), *root.glob("cur/*")), key=lambda path: path.stat().st_mtime_ns)
        mails = [email.message_from_bytes(path.read_bytes(), policy=default) for path in paths]
        return [mail for mail in mails if isinstance(mail, EmailMessage)]

    async def arrived(self, user: str, count: int, folder: str = "") -> list[EmailMessage]:
        async with asyncio.timeout(30):
            while len(found := self.box(user, folder)) < count:  # noqa: ASYNC110 - Postfix has no event
                await asyncio.sleep(0.05)
        return found

    async def conversation(self, count: int = 1) -> Conversation:
        """The newest of `count` conversations, once they are there."""
        async with asyncio.timeout(30):
            while len(items := (await self.client.conversations("all")).items) < count:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return max(items, key=lambda one: one.id)

    async def detail_with(self, conversation_id: int, messages: int) -> ConversationDetail:
        async with asyncio.timeout(30):
            while True:
                detail = await self.client.detail(conversation_id)
                if len(detail.history.messages) >= messages:
                    return detail
                await asyncio.sleep(0.05)

    async def answer(self, conversation_id: int, text: str, **more: Any) -> Message:
        detail = await self.client.detail(conversation_id)
        command = self.server.command(text, detail.ways[0], detail.history.seq, **more)
        return await self.client.reply(conversation_id, command)

    async def message(self, conversation_id: int, message_id: int) -> Message:
        detail = await self.client.detail(conversation_id)
        [found] = [one for one in detail.history.messages if one.id == message_id]
        return found


@contextlib.asynccontextmanager
async def world() -> AsyncIterator[World]:
    usual = running.configuration
    dovecot = Dovecot()
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(dovecot.close)
        elsewhere = await stack.enter_async_context(ScriptedSmtp())
        elsewhere.answers["RCPT bob@gone.example"] = "550 5.1.1 no such user here"
        postfix = Postfix(dovecot, {SUPPORT: "support", ANNA: "anna"}, elsewhere.port)
        stack.callback(postfix.close)
        dovecot.start()
        await asyncio.to_thread(postfix.start)

        def with_mail(folder: Path, url: str) -> Config:
            config = usual(folder, url)
            config.channels["mail"] = settings(
                imap=ImapServer(host="127.0.0.1", port=dovecot.port, tls="none"),
                smtp=SmtpServer(host="127.0.0.1", port=postfix.port, tls="none"),
                plus_address=True,
                signed_return_path=True,
                sent_folder="Sent",
            )
            return config

        await dovecot.command("support", b"CREATE Sent")
        with (
            patch.object(running, "configuration", with_mail),
            patch("channels.email.channel.Pace", lambda: QUICK),
        ):
            async with running.running_server() as server:
                await running.until(lambda: server.server.running.health["mail"].state == "connected", 20)
                yield World(server, await server.client(), dovecot, postfix)


def letter(subject: str, text: str) -> EmailMessage:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = f"Анна <{ANNA}>", SUPPORT, subject
    mail["Message-ID"] = f"<{abs(hash((subject, text)))}@customer.example>"
    mail.set_content(text)
    return mail


async def test_there_and_back_and_there_again() -> None:
    async with world() as here:
        await here.write(letter("Где мой заказ?", "Жду с понедельника."))
        case = await here.conversation()
        await here.answer(case.id, "Он **в пути**.")
        [first] = await here.arrived("anna", 1)
        assert first["Subject"] == "Re: Где мой заказ?"
        assert first["From"].addresses[0].addr_spec == SUPPORT
        # The customer's program keeps nothing but the address that he answers to.
        back = letter("совсем другая тема", "Спасибо!")
        back.replace_header("To", first["Reply-To"].addresses[0].addr_spec)
        await here.write(back)
        detail = await here.detail_with(case.id, 3)
        assert [one.kind for one in detail.history.messages] == ["in", "out", "in"]
        assert detail.history.messages[-1].reason == "by our signed address"
        await here.answer(case.id, "Пожалуйста.")
        second = (await here.arrived("anna", 2))[1]
        assert second["In-Reply-To"] == back["Message-ID"]
        # Both lie in our Sent folder, once, and are known there.
        copies = await here.arrived("support", 2, ".Sent")
        assert [mail["Message-ID"] for mail in copies] == [first["Message-ID"], second["Message-ID"]]
        assert len((await here.client.detail(case.id)).history.messages) == 4


async def test_what_cannot_be_delivered_comes_back_and_is_marked() -> None:
    async with world() as here:
        await here.write(letter("Order", "Where is it?"))
        case = await here.conversation()
        written_ = await here.answer(
            case.id,
            "Here",
            to=written(ANNA),
            cc=written("bob@gone.example", "carol@refused.example", "dave@slow.example"),
        )
        async with asyncio.timeout(60):
            while True:
                shown = await here.message(case.id, written_.id)
                states = {one.address: one.state for one in shown.recipients}
                if states["bob@gone.example"] == "failed" and states["dave@slow.example"] == "delayed":
                    break
                await asyncio.sleep(0.1)
        details = {one.address: one.detail for one in shown.recipients}
        assert states == {
            ANNA: "sent",
            "bob@gone.example": "failed",
            "carol@refused.example": "failed",
            "dave@slow.example": "delayed",
        }
        assert "no such user here" in details["bob@gone.example"]
        assert "nothing is taken for that domain" in details["carol@refused.example"]
        assert details["dave@slow.example"].startswith("4.4.1")
        assert shown.status == "failed"
        assert len(await here.arrived("anna", 1)) == 1
        # The reports stand beside it, and nothing but them came back.
        detail = await here.client.detail(case.id)
        reports = [one for one in detail.history.messages if one.kind == "in" and one.automatic]
        assert len(reports) == 2
        assert (await here.client.counts()).unsettled == 1
