"""The company's mailbox on a real IMAP server, and real SMTP for its letters."""

from __future__ import annotations

import asyncio
import contextlib
import email
import itertools
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime, formataddr
from pathlib import Path
from unittest.mock import patch

from channels.base import ChannelHealth
from omni_console.demo.mailserver import MailServer, SmtpSink
from server.settings import Config
from tests.fakes import running_server as whole
from tests.fakes.mail_account import PASSWORD, QUICK, settings
from tests.fakes.running_server import Running, until

PATIENCE_S = 20.0


class RealMail:
    def __init__(self, mailbox: MailServer, sink: SmtpSink) -> None:
        self._mailbox = mailbox
        self._sink = sink
        self._numbers = itertools.count(1)

    async def connected(self, run: Running) -> None:
        await until(lambda: run.server.running.health["mail"] == ChannelHealth(state="connected"))

    async def hear(
        self, run: Running, address: str, text: str, name: str = "", answered: EmailMessage | None = None
    ) -> None:
        """A letter comes to the mailbox, as a mail program writes it; returns once it was taken in."""
        mail = EmailMessage()
        message_id = f"<{next(self._numbers)}@{address.partition('@')[2]}>"
        now = datetime.fromtimestamp(run.clock.now() / 1000, UTC)
        mail["From"], mail["To"] = formataddr((name, address)), "support@shop.example"
        mail["Date"], mail["Message-ID"] = format_datetime(now), message_id
        if answered is not None:
            mail["Subject"] = f"Re: {answered['Subject']}"
            mail["In-Reply-To"] = mail["References"] = str(answered["Message-ID"])
        else:
            mail["Subject"] = "Question"
        mail.set_content(text)
        await self._mailbox.append(mail.as_bytes(), now)
        async with asyncio.timeout(PATIENCE_S):
            while not await run.read("SELECT 1 FROM message WHERE remote_id = ?", message_id):  # noqa: ASYNC110 - what is waited for happens in the server
                await asyncio.sleep(0.01)

    def sent(self) -> list[EmailMessage]:
        """What our SMTP server took, in order."""
        mails = [email.message_from_bytes(one.data, policy=default) for one in self._sink.mails]
        return [one for one in mails if isinstance(one, EmailMessage)]


@contextlib.asynccontextmanager
async def real_mail() -> AsyncIterator[RealMail]:
    """Inside of it, what `running_server` starts has `mail` as its account."""
    usual = whole.configuration
    async with MailServer(password=PASSWORD) as mailbox, SmtpSink() as sink:
        mail = RealMail(mailbox, sink)

        def with_mail(folder: Path, deliver_url: str) -> Config:
            config = usual(folder, deliver_url)
            config.channels["mail"] = settings(mailbox.port, sink.port, sent_copy="off")
            return config

        with (
            patch.object(whole, "configuration", with_mail),
            patch("channels.email.channel.Pace", lambda: QUICK),
        ):
            yield mail
