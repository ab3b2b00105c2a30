"""Mail from Dovecot to the conversation: one mail is one message, whoever wrote it and however it came."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterator
from email.utils import formatdate

import pytest

from channels.base import Outbound
from channels.email.settings import SmtpServer
from tests.fakes.dovecot import Dovecot
from tests.fakes.mail_account import settings
from tests.fakes.mail_corpus import plain
from tests.fakes.mail_world import MailWorld
from tests.fakes.smtp_sink import ScriptedSmtp

pytestmark = pytest.mark.dovecot

_names = itertools.count(1)

ANSWER = (
    b"From: Olga <support@shop.example>\r\nTo: Anna <anna@customer.example>\r\n"
    b"Subject: Re: Question\r\nMessage-ID: <phone1@shop.example>\r\nIn-Reply-To: <m1@customer.example>\r\n"
    b"Date: %s\r\n\r\nWe send it tomorrow. Written on my telephone.\r\n"
)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    server = Dovecot(sent="Sent Items")
    server.start()
    yield server
    server.close()


@pytest.fixture
def user() -> str:
    return f"mailbox{next(_names)}"


def answer() -> bytes:
    return ANSWER % formatdate().encode()


async def test_an_answer_from_a_phone_is_shown_as_ours_once(dovecot: Dovecot, user: str) -> None:
    async with MailWorld({"mail": settings(dovecot.port, username=user)}) as world:
        await world.connected()
        dovecot.deliver(user, plain(1))
        await world.until("SELECT count(*) FROM message", 1)
        assert await world.value("SELECT state FROM conversation") == "open"
        await dovecot.command(user, b'APPEND "Sent Items"\n' + answer())
        await world.until("SELECT count(*) FROM message", 2)
        [row] = await world.read("SELECT * FROM message WHERE kind = 'out'")
        assert (row["status"], row["author"]) == ("sent", "Olga")
        assert row["text"] == "We send it tomorrow. Written on my telephone."
        assert row["conversation_id"] == 1
        assert await world.value("SELECT count(*) FROM outbox") == 0
        # Nobody waits for us any more.
        assert await world.value("SELECT state FROM conversation") == "waiting"
        # A copy to ourselves in the inbox is known by its id.
        dovecot.deliver(user, answer())
        await world.until("SELECT count(*) FROM journal WHERE state = 'taken'", 3)
        assert await world.value("SELECT count(*) FROM message") == 2
        # The customer answers what the console never sent: it finds its conversation.
        dovecot.deliver(user, plain(2, extra="In-Reply-To: <phone1@shop.example>"))
        await world.until("SELECT count(*) FROM message", 3)
        assert await world.value("SELECT count(*) FROM conversation") == 1


async def test_a_customer_who_wrote_after_the_answer_still_waits(dovecot: Dovecot, user: str) -> None:
    async with MailWorld({"mail": settings(dovecot.port, username=user)}) as world:
        await world.connected()
        dovecot.deliver(user, plain(1))
        await world.until("SELECT count(*) FROM message", 1)
        early = ANSWER % formatdate(1_600_000_000).encode()
        await dovecot.command(user, b'APPEND "Sent Items" "13-Sep-2020 12:26:40 +0000"\n' + early)
        await world.until("SELECT count(*) FROM message", 2)
        assert await world.value("SELECT state FROM conversation") == "open"


async def test_a_first_mail_from_a_phone_begins_a_conversation_that_waits(
    dovecot: Dovecot, user: str
) -> None:
    async with MailWorld({"mail": settings(dovecot.port, username=user)}) as world:
        await world.connected()
        first = answer().replace(b"In-Reply-To: <m1@customer.example>\r\n", b"")
        await dovecot.command(user, b'APPEND "Sent Items"\n' + first)
        await world.until("SELECT count(*) FROM message", 1)
        [row] = await world.read("SELECT c.state, k.name FROM conversation c JOIN customer k ON k.id = 1")
        assert row == {"state": "waiting", "name": "Anna"}
        note = first.replace(b"anna@customer", b"support@shop").replace(b"phone1", b"note")
        await dovecot.command(user, b'APPEND "Sent Items"\n' + note.replace(b"customer", b"shop"))
        await world.until("SELECT count(*) FROM journal WHERE state != 'received'", 2)
        assert await world.value("SELECT count(*) FROM message") == 1


async def test_our_own_copies_in_the_sent_folder_double_nothing(dovecot: Dovecot, user: str) -> None:
    async with ScriptedSmtp() as smtp:
        given = settings(
            dovecot.port, username=user, smtp=SmtpServer(host="127.0.0.1", port=smtp.port, tls="none")
        )
        async with MailWorld({"mail": given}) as world:
            await world.connected()
            dovecot.deliver(user, plain(1))
            await world.until("SELECT count(*) FROM message", 1)
            mail = world.mailbox()
            name = mail.name_message(1, 2)
            sent = Outbound(
                key="k",
                message_id=2,
                conversation_id=1,
                to="anna@customer.example",
                to_name=None,
                thread="anna@customer.example",
                text="Yes.",
                subject="Question",
                author="Olga",
                remote_id=name,
                written_at=1_790_000_000_000,
            )
            await mail.send(sent)
            data = smtp.mails[0].content
            assert isinstance(data, bytes)

            def known(tx: object) -> None:
                tx.run(  # type: ignore[attr-defined]
                    "INSERT INTO message (id, conversation_id, customer_id, kind, channel_id, text, status,"
                    " at, received_at, remote_id, search_id)"
                    " VALUES (2, 1, 1, 'out', 'mail', 'Yes.', 'sent', 0, 0, ?, 2)",
                    (name,),
                )

            assert world.server is not None
            await world.server.database.write(known)
            await dovecot.command(user, b'APPEND "Sent Items"\n' + data)
            dovecot.deliver(user, data)  # and it comes back, to an address that forwards to us
            await world.until("SELECT count(*) FROM journal WHERE state = 'taken'", 3)
            assert await world.value("SELECT count(*) FROM message") == 2


async def test_a_stranger_who_writes_in_our_name_never_speaks_for_us(dovecot: Dovecot, user: str) -> None:
    async with MailWorld(
        {"mail": settings(dovecot.port, username=user, aliases=("info@shop.example",))}
    ) as world:
        await world.connected()
        dovecot.deliver(user, plain(1))
        await world.until("SELECT count(*) FROM message", 1)
        dovecot.deliver(user, answer())
        dovecot.deliver(user, answer().replace(b"support@", b"info@").replace(b"phone1", b"phone2"))
        await world.until("SELECT count(*) FROM journal WHERE state = 'quarantined'", 2)
        rows = await world.read("SELECT error FROM journal WHERE state = 'quarantined'")
        assert all("own loop" in row["error"] for row in rows)
        assert await world.value("SELECT count(*) FROM message") == 1
        assert await world.value("SELECT count(*) FROM conversation") == 1


async def test_one_mail_to_two_of_our_addresses(dovecot: Dovecot, user: str) -> None:
    """Two addresses of one account: one message. Two accounts: each has its own."""
    other = f"{user}-sales"
    accounts = {
        "mail": settings(dovecot.port, username=user, aliases=("info@shop.example",)),
        "sales": settings(dovecot.port, username=other, address="sales@shop.example"),
    }
    async with MailWorld(accounts) as world:
        await world.connected("mail")
        await world.connected("sales")
        mail = plain(1)
        dovecot.deliver(user, b"Delivered-To: support@shop.example\r\nReceived: by a; 1\r\n" + mail)
        dovecot.deliver(user, b"Delivered-To: info@shop.example\r\nReceived: by a; 2\r\n" + mail)
        dovecot.deliver(other, b"Delivered-To: sales@shop.example\r\n" + mail)
        await world.until("SELECT count(*) FROM place", 3)
        await world.until("SELECT count(*) FROM journal WHERE state = 'taken'", 2)
        rows = await world.read("SELECT channel_id, remote_id FROM message ORDER BY channel_id")
        assert [row["channel_id"] for row in rows] == ["mail", "sales"]
        assert {row["remote_id"] for row in rows} == {"<m1@customer.example>"}


async def test_a_reused_id_and_no_id_lose_nothing(dovecot: Dovecot, user: str) -> None:
    async with MailWorld({"mail": settings(dovecot.port, username=user)}) as world:
        await world.connected()
        mails = [
            plain(1),
            plain(1, text="The same id, another parcel."),
            plain(2, message_id=""),
            plain(3, message_id=""),
            plain(3, message_id=""),  # the same bytes: the same mail
        ]
        for number, raw in enumerate(mails):
            dovecot.deliver(user, raw, count=number)
        await world.until("SELECT count(*) FROM place", 5)
        await world.until("SELECT count(*) FROM message", 4)
        texts = {row["text"] for row in await world.read("SELECT text FROM message")}
        assert "The same id, another parcel." in texts
        [row] = await world.read("SELECT * FROM message WHERE text = 'The same id, another parcel.'")
        assert "used before" in row["reason"]


async def test_a_mail_deleted_before_we_come_to_it_leaves_no_gap(dovecot: Dovecot, user: str) -> None:
    given = settings(dovecot.port, username=user)
    async with MailWorld({"mail": given}) as world:
        await world.connected()
        dovecot.deliver(user, plain(1))
        await world.until("SELECT count(*) FROM message", 1)
        await world.stop()
        for number in (2, 3, 4):
            dovecot.deliver(user, plain(number), count=number)
        await dovecot.command(user, b"SELECT INBOX", b"STORE 3 +FLAGS (\\Deleted)", b"EXPUNGE")
        await world.start()
        await world.until("SELECT count(*) FROM message", 3)
        await asyncio.sleep(0.2)
        ids = {row["remote_id"] for row in await world.read("SELECT remote_id FROM message")}
        assert ids == {f"<m{number}@customer.example>" for number in (1, 2, 4)}
