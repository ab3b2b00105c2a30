"""The demo's own mail server and sink, and a second dialect of IMAP for the poller."""

from __future__ import annotations

import asyncio
import email
import re

from channels.base import Outbound, Sent
from channels.email.imap import Credentials, Endpoint, ImapSession
from channels.email.parse import parse
from omni_console.demo.mailserver import MailServer, SmtpSink
from tests.fakes.mail_account import channel, connected, host, settings, texts, until
from tests.fakes.mail_corpus import plain


async def test_a_mail_comes_in_by_idle_and_the_answer_goes_out() -> None:
    async with MailServer(password="secret") as server, SmtpSink() as sink:
        await server.append(plain(1))
        here = host()
        mail = channel(settings(server.port, sink.port))
        await mail.start(here)
        await connected(here)
        for number in range(2, 6):
            await server.append(plain(number, subject=f"Question {number}"))
            await until(lambda count=number - 1: len(here.deliveries) == count, f"mail {number}")  # type: ignore[misc]
        assert texts(here) == [f"Hello, this is mail number {number}." for number in range(2, 6)]
        (event,) = parse(here.deliveries[0].raw, here.deliveries[0].meta)
        result = await mail.send(
            Outbound(
                key="k",
                message_id=7,
                conversation_id=3,
                to=event.sender.external_id,
                to_name=event.sender.name,
                thread=event.thread,
                text="Yes.",
                subject=event.subject,
                author="Olga",
                references=(event.remote_message_id or "",),
                written_at=here.now(),
            )
        )
        assert isinstance(result, Sent)
        sent = await sink.next()
        assert sent.recipients == ("anna@customer.example",)
        answer = email.message_from_bytes(sent.data)
        assert answer["Subject"] == "Re: Question 2"
        # The customer answers our answer: the reference carries our MAC, and only ours is trusted.
        reply = plain(9, extra=f"In-Reply-To: {answer['Message-ID']}\r\nReferences: <x@y.example>")
        await server.append(reply)
        await until(lambda: len(here.deliveries) == 5, "the customer's answer")
        (event,) = parse(here.deliveries[-1].raw, here.deliveries[-1].meta)
        event = mail.recognise(event)
        assert [(one.remote_id, one.trusted) for one in event.references] == [
            (answer["Message-ID"], True),
            ("<x@y.example>", False),
        ]
        await mail.stop()


async def test_what_we_sent_ourselves_comes_back_as_an_echo() -> None:
    async with MailServer(password="secret") as server, SmtpSink() as sink:
        here = host()
        mail = channel(settings(server.port, sink.port))
        await mail.start(here)
        await connected(here)
        sent = Outbound(
            key="k",
            message_id=7,
            conversation_id=3,
            to="anna@customer.example",
            to_name=None,
            thread="anna@customer.example",
            text="Yes.",
            subject="Question",
            author="Olga",
            written_at=here.now(),
        )
        await mail.send(sent)
        raw = (await sink.next()).data
        await server.append(raw)
        # A relay that strips our header and adds its own words leaves our Message-ID.
        await server.append(re.sub(rb"X-Omni-Console-Loop:[^\r]*\r\n", b"", raw) + b"Scanned.\r\n")
        await until(lambda: len(here.deliveries) == 2, "both copies")
        for delivery in here.deliveries:
            (event,) = parse(delivery.raw, delivery.meta)
            event = mail.recognise(event)
            assert event.is_echo
            assert event.kind == "unsupported"
            assert event.automatic
        await mail.stop()


async def test_a_mail_that_arrives_while_others_are_fetched_is_not_left_lying() -> None:
    async with MailServer(password="secret") as server:
        here = host()
        mail = channel(settings(server.port))
        await mail.start(here)
        await connected(here)
        for number in range(60):
            await server.append(plain(number))
            await asyncio.sleep(0.001 * (number % 4))
        # Nothing rings any more; what IDLE was not told of must have been found without it.
        await until(lambda: len(here.deliveries) == 60, "all of them", timeout=5)
        await mail.stop()


async def test_the_server_goes_and_comes_back_with_other_numbers() -> None:
    first = MailServer(password="secret")
    await first.start()
    here = host()
    mail = channel(settings(first.port))
    await mail.start(here)
    await connected(here)
    await first.append(plain(1))
    await until(lambda: len(here.deliveries) == 1, "first mail")
    await first.stop()
    await until(lambda: here.health[-1].state == "retrying", "the loss is shown")
    async with MailServer(password="secret", port=first.port) as second:
        await second.append(plain(1))
        await second.append(plain(2))
        await until(lambda: len(here.deliveries) == 2, "the new one only")
        await mail.stop()
    assert texts(here) == ["Hello, this is mail number 1.", "Hello, this is mail number 2."]


async def test_a_whole_mailbox_in_one_answer_does_not_break_the_link() -> None:
    async with MailServer(password="secret") as server:
        for number in range(100):
            await server.append(plain(number, subject="day * star :( "))
        session = await ImapSession.open(
            Endpoint(host="127.0.0.1", port=server.port, tls="none"),
            Credentials("support", password="secret"),
            connect=3,
            command=3,
        )
        box = await session.select("INBOX")
        uids = await session.search("ALL")
        assert len(uids) == box.exists == 100
        metas = await session.metas(uids)
        assert sorted(metas) == uids
        assert await session.body(uids[-1], metas[uids[-1]].size) == plain(99, subject="day * star :( ")
        assert await session.body(999_999, 10) is None
        session.drop()
