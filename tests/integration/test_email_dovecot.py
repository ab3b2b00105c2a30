"""Reading mail from a real Dovecot: nothing lost, nothing doubled, whatever happens to the link."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import signal
from collections.abc import Iterator

import msgspec
import pytest

from channels.email.pace import Pace
from channels.email.parse import parse
from channels.email.settings import ImapServer, SmtpServer
from tests.fakes.dovecot import Dovecot
from tests.fakes.mail_account import QUICK, channel, connected, host, settings, texts, until
from tests.fakes.mail_corpus import POISON, plain
from tests.fakes.smtp_sink import CERTIFICATE, KEY

pytestmark = pytest.mark.dovecot

_names = itertools.count(1)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    server = Dovecot()
    server.start()
    yield server
    server.close()


@pytest.fixture
def user() -> str:
    """A mailbox that no other test uses."""
    return f"user{next(_names)}"


def line(number: int) -> str:
    return f"Hello, this is mail number {number}."


async def test_takes_new_mail_only_and_at_once(dovecot: Dovecot, user: str) -> None:
    dovecot.deliver(user, plain(1))
    here = host()
    mail = channel(settings(dovecot.port, username=user))
    await mail.start(here)
    await connected(here)
    dovecot.deliver(user, plain(2))
    await until(lambda: len(here.deliveries) == 1, "the doorbell rings")
    assert texts(here) == [line(2)]
    await mail.stop()
    assert here.health[-1].state == "stopped"


async def test_resumes_where_it_stopped(dovecot: Dovecot, user: str) -> None:
    here = host()
    first = channel(settings(dovecot.port, username=user))
    await first.start(here)
    await connected(here)
    dovecot.deliver(user, plain(1))
    await until(lambda: len(here.deliveries) == 1, "first mail")
    await first.stop()
    dovecot.deliver(user, plain(2))
    dovecot.deliver(user, plain(3))
    here.health.clear()
    second = channel(settings(dovecot.port, username=user))
    await second.start(here)
    await connected(here)
    await second.stop()
    assert texts(here) == [line(1), line(2), line(3)]


async def test_first_contact_imports_the_days_asked_for(dovecot: Dovecot, user: str) -> None:
    old, recent = plain(1), plain(2)
    answer = await dovecot.command(
        user,
        b'APPEND INBOX " 1-Jan-2020 10:00:00 +0000"\n' + old,
        b"APPEND INBOX\n" + recent,
    )
    assert answer.count(b"APPENDUID") == 2
    here = host()
    mail = channel(settings(dovecot.port, username=user, first_contact="days:7"))
    await mail.start(here)
    await connected(here)
    dovecot.deliver(user, plain(3))
    await until(lambda: len(here.deliveries) == 2, "recent and new mail")
    await mail.stop()
    assert texts(here) == [line(2), line(3)]


async def test_never_marks_mail_as_read(dovecot: Dovecot, user: str) -> None:
    here = host()
    mail = channel(settings(dovecot.port, username=user))
    await mail.start(here)
    await connected(here)
    dovecot.deliver(user, plain(1))
    await until(lambda: len(here.deliveries) == 1, "mail")
    await mail.stop()
    answer = await dovecot.command(user, b"SELECT INBOX", b"SEARCH UNSEEN")
    assert b"* SEARCH 1" in answer


async def test_a_server_killed_during_idle_loses_nothing(dovecot: Dovecot, user: str) -> None:
    here = host()
    mail = channel(settings(dovecot.port, username=user))
    await mail.start(here)
    await connected(here)
    for number in range(1, 5):
        await until(lambda: bool(dovecot.sessions(user)), "a session")
        dovecot.signal_sessions(user, signal.SIGKILL)
        dovecot.deliver(user, plain(number))
        await until(lambda count=number: len(here.deliveries) == count, f"mail {number}")  # type: ignore[misc]
    await mail.stop()
    assert texts(here) == [line(number) for number in range(1, 5)]


async def test_a_frozen_server_is_noticed(dovecot: Dovecot, user: str) -> None:
    here = host()
    mail = channel(settings(dovecot.port, username=user))
    # A real link idles for minutes; here the cycle ends at once, and the frozen peer shows.
    mail.pace = _quicker()
    await mail.start(here)
    await connected(here)
    frozen = dovecot.sessions(user)
    assert dovecot.signal_sessions(user, signal.SIGSTOP) == 1
    try:
        dovecot.deliver(user, plain(1))
        await until(lambda: len(here.deliveries) == 1, "mail over a new link")
        assert any(health.state == "retrying" for health in here.health)
    finally:
        await mail.stop()
        for pid in frozen:
            _signal(pid, signal.SIGKILL)


async def test_uidvalidity_change_neither_doubles_nor_loses(dovecot: Dovecot, user: str) -> None:
    await dovecot.command(user, b"CREATE Desk")
    here = host()
    given = settings(dovecot.port, username=user, folders=("Desk",))
    first = channel(given)
    await first.start(here)
    await connected(here)
    mails = [plain(1), plain(2, message_id=""), plain(3)]
    for raw in mails:
        await dovecot.command(user, b"APPEND Desk\n" + raw)
    await until(lambda: len(here.deliveries) == 3, "three mails")
    await first.stop()
    before = await dovecot.command(user, b"STATUS Desk (UIDVALIDITY)")
    await asyncio.sleep(1.1)  # Dovecot's UIDVALIDITY is the second of creation
    await dovecot.command(user, b"DELETE Desk", b"CREATE Desk")
    # The same mails again, under other numbers, and two that came meanwhile; one shares an id.
    twin = plain(1, text="The same id, another text.")
    for raw in (mails[2], plain(4), mails[0], mails[1], twin):
        await dovecot.command(user, b"APPEND Desk\n" + raw)
    after = await dovecot.command(user, b"STATUS Desk (UIDVALIDITY)")
    assert before.splitlines()[2] != after.splitlines()[2]
    here.health.clear()
    second = channel(given)
    await second.start(here)
    await connected(here)
    assert len(here.deliveries) == 5
    assert texts(here) == sorted([line(1), line(2), line(3), line(4), "The same id, another text."])
    await dovecot.command(user, b"APPEND Desk\n" + plain(5))
    await until(lambda: len(here.deliveries) == 6, "goes on by the new numbers")
    await second.stop()


async def test_mail_from_before_the_first_contact_stays_out_after_renumbering(
    dovecot: Dovecot, user: str
) -> None:
    await dovecot.command(user, b"CREATE Desk", b'APPEND Desk " 1-Feb-2026 10:00:00 +0000"\n' + plain(1))
    here = host()
    given = settings(dovecot.port, username=user, folders=("Desk",))
    first = channel(given)
    await first.start(here)
    await connected(here)
    await first.stop()
    await asyncio.sleep(1.1)
    await dovecot.command(
        user,
        b"DELETE Desk",
        b"CREATE Desk",
        b'APPEND Desk " 1-Feb-2026 10:00:00 +0000"\n' + plain(1),
        b"APPEND Desk\n" + plain(2),
    )
    here.health.clear()
    second = channel(given)
    await second.start(here)
    await connected(here)
    await second.stop()
    assert texts(here) == [line(2)]


async def test_a_backlog_comes_in_batches_and_in_order(dovecot: Dovecot, user: str) -> None:
    here = host()
    first = channel(settings(dovecot.port, username=user))
    await first.start(here)
    await connected(here)
    await first.stop()
    for number in range(400):
        dovecot.deliver(user, plain(number), count=number)
    second = channel(settings(dovecot.port, username=user))
    written = len(here.bookmarks)
    await second.start(here)
    await until(lambda: len(here.deliveries) == 400, "the whole backlog", timeout=30)
    await second.stop()
    uids = [int(one.meta["uid"]) for one in here.deliveries]
    assert uids == sorted(uids)
    assert texts(here) == sorted(line(number) for number in range(400))
    assert len(here.bookmarks) - written == 4


async def test_nothing_is_lost_while_the_server_cannot_store(dovecot: Dovecot, user: str) -> None:
    here = host()
    mail = channel(settings(dovecot.port, username=user))
    await mail.start(here)
    await connected(here)
    here.unavailable = True
    for number in range(1, 31):
        dovecot.deliver(user, plain(number), count=number)
    await until(lambda: here.health[-1].state == "retrying", "the trouble is shown")
    assert not here.deliveries
    here.unavailable = False
    await until(lambda: len(here.deliveries) == 30, "everything arrives afterwards")
    await mail.stop()
    assert texts(here) == sorted(line(number) for number in range(1, 31))


async def test_poison_does_not_stop_what_follows(dovecot: Dovecot, user: str) -> None:
    here = host()
    mail = channel(settings(dovecot.port, username=user))
    await mail.start(here)
    await connected(here)
    poison = [raw for name, raw in POISON.items() if name not in ("empty", "only a line break")]
    for number, raw in enumerate(poison):
        dovecot.deliver(user, raw, count=number)
    dovecot.deliver(user, plain(999), count=999)
    await until(lambda: len(here.deliveries) == len(poison) + 1, "all of them")
    await mail.stop()
    events = [event for one in here.deliveries for event in parse(one.raw, one.meta)]
    assert len(events) == len(here.deliveries)
    assert events[-1].text == line(999)


async def test_big_mail_is_whole_and_too_big_mail_is_a_stub(dovecot: Dovecot, user: str) -> None:
    here = host()
    mail = channel(settings(dovecot.port, username=user, max_message_bytes=3_000_000))
    await mail.start(here)
    await connected(here)
    filling = "\r\n".join(["0123456789" * 7] * 35_000)
    dovecot.deliver(user, plain(1, text=filling))  # above one slice
    dovecot.deliver(user, plain(2, text=filling * 2))
    dovecot.deliver(user, plain(3))
    await until(lambda: len(here.deliveries) == 3, "all three")
    await mail.stop()
    whole = next(one for one in here.deliveries if b"<m1@" in one.raw)
    assert whole.raw == plain(1, text=filling)
    stub = next(one for one in here.deliveries if one.meta["stub"])
    assert stub.meta["stub"] == "too_big"
    event = parse(stub.raw, stub.meta)[0]
    assert event.sender.external_id == "anna@customer.example"
    assert event.remote_message_id == "<m2@customer.example>"
    assert "Only its header was taken" in event.text


async def test_wrong_password_is_told_and_not_hammered(dovecot: Dovecot, user: str) -> None:
    here = host()
    mail = channel(settings(dovecot.port, username=user, password="wrong"))
    await mail.start(here)
    await until(lambda: here.health[-1].state == "bad_credentials", "shown")
    seen = len(here.health)
    await asyncio.sleep(0.5)
    assert len(here.health) == seen
    await mail.stop()


async def test_several_folders_one_of_them_missing(dovecot: Dovecot, user: str) -> None:
    await dovecot.command(user, b'CREATE "&BB8EPgQ8BD4ESQRM- &- Co"')
    here = host()
    mail = channel(settings(dovecot.port, username=user, folders=("INBOX", "Помощь & Co", "Nowhere")))
    await mail.start(here)
    await connected(here)
    assert "Nowhere" in here.health[-1].detail
    dovecot.deliver(user, plain(1))
    await dovecot.command(user, b'APPEND "&BB8EPgQ8BD4ESQRM- &- Co"\n' + plain(2))
    await until(lambda: len(here.deliveries) == 2, "mail from both folders")
    await mail.stop()
    assert {one.meta["folder"] for one in here.deliveries} == {"INBOX", "Помощь & Co"}


async def test_tls_is_verified() -> None:
    server = Dovecot(certificate=(CERTIFICATE, KEY))
    server.start()
    try:
        imap = ImapServer(host="127.0.0.1", port=server.tls_port)
        here = host()
        mail = channel(settings(username="anna", imap=imap, ca_file=str(CERTIFICATE)))
        await mail.start(here)
        await connected(here)
        server.deliver("anna", plain(1))
        await until(lambda: len(here.deliveries) == 1, "mail over TLS")
        await mail.stop()
        elsewhere = host()
        stranger = channel(settings(username="anna", imap=imap))
        await stranger.start(elsewhere)
        await until(lambda: elsewhere.health[-1].state == "retrying", "refused by us")
        assert "certificate" in elsewhere.health[-1].detail
        await stranger.stop()
        assert "ca_file" in (await stranger.probe())[0].hint
    finally:
        server.close()


async def test_polls_where_there_is_no_idle() -> None:
    server = Dovecot(idle=False)
    server.start()
    try:
        here = host()
        mail = channel(settings(server.port, username="anna"))
        await mail.start(here)
        await connected(here)
        server.deliver("anna", plain(1))
        await until(lambda: len(here.deliveries) == 1, "mail by polling")
        results = await mail.probe()
        assert "no IDLE" in results[0].detail
        await mail.stop()
    finally:
        server.close()


async def test_a_restarted_server_is_found_again() -> None:
    server = Dovecot()
    server.start()
    try:
        here = host()
        mail = channel(settings(server.port, username="anna"))
        await mail.start(here)
        await connected(here)
        await asyncio.to_thread(server.stop)
        # Sessions outlive their master for a while; a machine that restarts takes them with it.
        server.signal_sessions("anna", signal.SIGKILL)
        await until(lambda: here.health[-1].state == "retrying", "the loss is shown")
        server.deliver("anna", plain(1))
        await asyncio.to_thread(server.start)
        await until(lambda: len(here.deliveries) == 1, "mail after the restart")
        await mail.stop()
    finally:
        server.close()


async def test_stop_is_prompt_even_while_the_server_is_frozen(dovecot: Dovecot, user: str) -> None:
    here = host()
    mail = channel(settings(dovecot.port, username=user))
    await mail.start(here)
    await connected(here)
    frozen = dovecot.sessions(user)
    dovecot.signal_sessions(user, signal.SIGSTOP)
    try:
        async with asyncio.timeout(2.0):
            await mail.stop()
        count = len(here.deliveries)
        dovecot.deliver(user, plain(1))
        await asyncio.sleep(0.3)
        assert len(here.deliveries) == count
    finally:
        for pid in frozen:
            _signal(pid, signal.SIGKILL)


async def test_doctor_names_what_is_wrong(dovecot: Dovecot, user: str) -> None:
    good = channel(settings(dovecot.port, username=user, folders=("INBOX", "Nowhere")))
    results = {result.name: result for result in await good.probe()}
    assert results["IMAP login"].ok
    assert results["folder INBOX"].ok
    assert not results["folder Nowhere"].ok
    assert results["folder Nowhere"].hint
    assert not results["SMTP"].ok
    refused = channel(settings(dovecot.port, username=user, password="wrong"))
    assert "app password" in (await refused.probe())[0].hint
    silent = channel(
        settings(1, username=user, smtp=SmtpServer(host="127.0.0.1", port=dovecot.port, tls="none")), QUICK
    )
    assert not (await silent.probe())[0].ok


def _quicker() -> Pace:
    return msgspec.structs.replace(QUICK, idle_min=0.2, idle_max=0.3, command=1.0)


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
