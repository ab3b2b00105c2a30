"""A running server whose mail comes from the test and goes to a scripted SMTP server."""

from __future__ import annotations

import asyncio
import contextlib
import email
import hashlib
import itertools
from collections.abc import AsyncIterator
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from unittest.mock import patch

from channels.base import Delivery
from channels.email import EmailChannel, EmailSettings
from channels.email.mail_item import told
from omni_console.client import ServerClient
from server.protocol import Addressee, ConversationDetail, Message
from server.settings import Config
from tests.fakes import running_server as running
from tests.fakes.mail_account import QUICK, settings
from tests.fakes.running_server import Running
from tests.fakes.smtp_sink import ScriptedSmtp

SUPPORT = "support@shop.example"
SALES = "sales@shop.example"


class PostOffice:
    """`mail` is the account support@shop.example, `sales` a second one; nobody reads their IMAP."""

    def __init__(self, server: Running, smtp: ScriptedSmtp, client: ServerClient) -> None:
        self.server = server
        self.smtp = smtp
        self.client = client
        self._numbers = itertools.count(1)

    def channel(self, name: str = "mail") -> EmailChannel:
        found = self.server.server.channels[name]
        assert isinstance(found, EmailChannel)
        return found

    async def receive(
        self, sender: str = "anna@x.example", text: str = "Hello", *, channel: str = "mail", **headers: Any
    ) -> Message:
        """A mail with these headers ("in_reply_to" is In-Reply-To), parsed and taken in."""
        mail = EmailMessage()
        number = next(self._numbers)
        own = SUPPORT if channel == "mail" else SALES
        lines: dict[str, Any] = {"from": sender, "to": own, "message_id": f"<in{number}@x.example>"} | headers
        for name, value in lines.items():
            if value is not None:
                mail[name.replace("_", "-").title()] = value
        mail.set_content(text)
        return await self.receive_raw(mail.as_bytes(), channel)

    async def receive_raw(self, raw: bytes, channel: str = "mail", **meta: str) -> Message:
        """`meta`: what the poller says of it besides; role="sent" is the Sent folder."""
        key = f"mail:{hashlib.sha256(raw).hexdigest()}"
        host = self.channel(channel).host
        configured = self.server.server.config.channels[channel]
        assert isinstance(configured, EmailSettings)
        whole = {"dedupe_key": key, **told(configured), **meta}
        await host.submit([Delivery(dedupe_key=key, raw=raw, event=None, meta=whole)])
        async with asyncio.timeout(20):
            while True:
                rows = await self.server.read(
                    "SELECT state, message_id FROM journal WHERE dedupe_key = ? AND channel_id = ?",
                    key,
                    channel,
                )
                if rows and rows[0]["state"] != "received":
                    break
                await asyncio.sleep(0.01)
        return await self.message(rows[0]["message_id"])

    async def message(self, message_id: int) -> Message:
        [row] = await self.server.read("SELECT conversation_id FROM message WHERE id = ?", message_id)
        detail = await self.detail(row["conversation_id"])
        [found] = [one for one in detail.history.messages if one.id == message_id]
        return found

    async def detail(self, conversation_id: int) -> ConversationDetail:
        return await self.client.detail(conversation_id)

    async def answer(
        self, conversation_id: int, text: str = "Answer", *, settled: bool = True, **more: Any
    ) -> Message:
        """A reply by mail, and what became of it."""
        detail = await self.detail(conversation_id)
        [way] = [one for one in detail.ways if one.channel_id == "mail"][:1]
        command = self.server.command(text, way, detail.history.seq, **more)
        written = await self.client.reply(conversation_id, command)
        if settled:
            await self.server.settled()
        return await self.message(written.id)

    def sent(self, index: int = -1) -> EmailMessage:
        """A mail that the SMTP server took."""
        parsed = email.message_from_bytes(self.smtp.mails[index].original_content or b"", policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed


def written(*addresses: str) -> list[Addressee]:
    return [Addressee(address=one, written=True) for one in addresses]


@contextlib.asynccontextmanager
async def post_office(
    kept: Path | None = None, tables: dict[str, Any] | None = None, **more: Any
) -> AsyncIterator[PostOffice]:
    """`more` are settings of the account support@shop.example; `tables` others of the configuration."""
    usual = running.configuration
    async with ScriptedSmtp() as smtp:

        def with_mail(folder: Path, url: str) -> Config:
            config = usual(folder, url)
            values: dict[str, Any] = {"sent_copy": "off"} | more
            config.channels["mail"] = settings(1, smtp.port, **values)
            config.channels["sales"] = settings(1, smtp.port, address=SALES, sent_copy="off")
            return config

        with (
            patch.object(running, "configuration", with_mail),
            patch("channels.email.channel.Pace", lambda: QUICK),
        ):
            async with running.running_server(kept, **tables or {}) as server:
                yield PostOffice(server, smtp, await server.client())
