"""The folders beside the inbox, where spam lies and what our side sent, with a real Dovecot."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import msgspec
import pytest

from channels.base import Outbound
from channels.email.imap import ImapSession
from channels.email.settings import SmtpServer
from tests.fakes.dovecot import Dovecot
from tests.fakes.mail_account import QUICK, channel, host, settings, until
from tests.fakes.mail_corpus import plain
from tests.fakes.mail_world import MailWorld
from tests.fakes.smtp_sink import ScriptedSmtp

pytestmark = pytest.mark.dovecot


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    server = Dovecot(sent="Sent Items")
    server.start()
    yield server
    server.close()


async def test_mail_in_the_junk_folder_is_shown_with_a_mark_and_lost_by_nobody(dovecot: Dovecot) -> None:
    given = settings(dovecot.port, username="junk", folders=("INBOX", "Junk"))
    await dovecot.command("junk", b"CREATE Junk")
    async with MailWorld({"mail": given}) as world:
        await world.connected()
        await dovecot.command("junk", b"APPEND Junk\n" + plain(1))
        await world.until("SELECT count(*) FROM message", 1)
        [row] = await world.read("SELECT * FROM message")
        assert msgspec.json.decode(row["detail"])["held_for_spam"] == "it lies in Junk"
        assert await world.value("SELECT doubted FROM conversation") == 1
        assert await world.value("SELECT state FROM conversation") == "open"
        # The provider, or somebody in his mail program, moves it to the inbox: it is the same mail.
        await dovecot.command("junk", b"SELECT Junk", b"UID COPY 1 INBOX")
        await world.until("SELECT count(*) FROM place", 2)
        assert await world.value("SELECT count(*) FROM message") == 1


async def test_a_sent_folder_does_not_cut_idle_short_and_is_looked_at_after_a_send(
    dovecot: Dovecot, monkeypatch: pytest.MonkeyPatch
) -> None:
    idles: list[float] = []
    idle = ImapSession.idle

    async def counted(self: ImapSession, seconds: float, wake: asyncio.Event | None = None) -> bool:
        idles.append(seconds)
        return await idle(self, seconds, wake)

    monkeypatch.setattr(ImapSession, "idle", counted)
    async with ScriptedSmtp() as smtp:
        given = settings(
            dovecot.port,
            username="sent",
            smtp=SmtpServer(host="127.0.0.1", port=smtp.port, tls="none"),
            sent_copy="off",
            sent_seconds=0.0,
        )
        here = host()
        mail = channel(given, msgspec.structs.replace(QUICK, after_send=0.05))
        await mail.start(here)
        try:
            await until(lambda: len(idles) == 1, "it idles")
            assert idles[0] >= QUICK.idle_min
            copy = b"From: Olga <support@shop.example>\r\nTo: anna@x.example\r\n\r\nFrom my phone.\r\n"
            await dovecot.command("sent", b'APPEND "Sent Items"\n' + copy)
            await mail.send(
                Outbound(
                    key="k",
                    message_id=2,
                    conversation_id=1,
                    to="anna@x.example",
                    to_name=None,
                    thread="anna@x.example",
                    text="Yes.",
                    subject="Question",
                    author="Olga",
                    written_at=here.now(),
                )
            )
            await until(
                lambda: any(b"From my phone" in one.raw for one in here.deliveries), "it is looked at"
            )
            await until(lambda: len(idles) == 2, "it idles again, as long as ever")
            assert idles[1] >= QUICK.idle_min
        finally:
            await mail.stop()


async def test_sends_one_after_another_cut_idle_short_but_once_in_a_while(dovecot: Dovecot) -> None:
    given = settings(dovecot.port, username="often", sent_seconds=0.0, poll_seconds=1_000.0)
    mail = channel(given, msgspec.structs.replace(QUICK, after_send=0.01))
    here = host()
    await mail.start(here)
    try:
        await until(lambda: mail._poller is not None and len(mail._poller.folders()) == 2, "both are known")
        poller = mail._poller
        assert poller is not None
        poller._nudged_at = asyncio.get_running_loop().time()  # it was looked at just now
        poller.sent()
        first = poller._nudging
        poller.sent()
        assert first is not None and poller._nudging is first
        assert first.when() >= poller._nudged_at + 1_000.0
    finally:
        await mail.stop()
