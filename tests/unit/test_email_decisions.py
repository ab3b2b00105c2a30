"""What decides without a network: bookmarks, names, ids, IMAP answers, settings, outgoing headers."""

from __future__ import annotations

import asyncio
import email
import random
from email.policy import default
from typing import Any

import aioimaplib.aioimaplib as aioimaplib
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.base import ChannelError, InboundEvent, Reference, Sender
from channels.email import EmailChannel, EmailSettings
from channels.email.addresses import Mailbox
from channels.email.bookmark import (
    SURVEY_MARGIN_MS,
    Bookmark,
    Continue,
    SkipPresent,
    Survey,
    advanced,
    decode,
    encode,
    plan,
)
from channels.email.identity import is_ours, message_id
from channels.email.imap_answers import fetch_items, internal_date_ms
from channels.email.imap_wire import Protocol
from channels.email.mailbox_name import modified_utf7, quoted_mailbox
from channels.email.message import MAX_REFERENCES, Draft, build, capped_references, reply_subject
from channels.email.pace import Backoff
from channels.email.peer import one_line
from channels.email.settings import ImapServer, SmtpServer, smtp_login
from channels.secret import Secret
from tests.fakes.mail_account import channel, host, settings

DAY = 24 * 3600 * 1000
MARK = Bookmark(uidvalidity=5, last_uid=100, floor=10 * DAY, newest=50 * DAY)


def test_plans() -> None:
    assert plan(None, 5, 101, None, 90 * DAY) == SkipPresent()
    assert plan(None, 5, 101, 7, 90 * DAY) == Survey(83 * DAY)
    assert plan(MARK, 5, 101, None, 90 * DAY) == Continue(MARK)
    assert plan(MARK, 5, None, None, 90 * DAY) == Continue(MARK)
    assert plan(MARK, 6, 101, None, 90 * DAY) == Survey(10 * DAY, listed=50 * DAY - SURVEY_MARGIN_MS)
    young = msgspec.structs.replace(MARK, floor=49 * DAY)
    assert plan(young, 6, 1, None, 90 * DAY) == Survey(49 * DAY, listed=50 * DAY - SURVEY_MARGIN_MS)


def test_a_server_restored_from_backup_is_surveyed_too() -> None:
    assert plan(MARK, 5, 60, None, 90 * DAY) == Survey(10 * DAY, listed=50 * DAY - SURVEY_MARGIN_MS)


def test_a_date_in_the_future_does_not_move_the_survey_forward() -> None:
    moved = advanced(MARK, 101, 5000 * DAY, 60 * DAY)
    assert (moved.last_uid, moved.newest) == (101, 60 * DAY)
    assert decode(encode(moved)) == moved


@pytest.mark.parametrize(
    ("name", "wire"),
    [
        ("INBOX", '"INBOX"'),
        ("Входящие", '"&BBIERQQ+BDQETwRJBDgENQ-"'),
        ("Q&A", '"Q&-A"'),
        ('a "b" \\c', '"a \\"b\\" \\\\c"'),
        ("台北/日本語", '"&U,BTFw-/&ZeVnLIqe-"'),
    ],
)
def test_folder_names(name: str, wire: str) -> None:
    assert quoted_mailbox(name) == wire


@given(st.text())
def test_every_folder_name_is_safe_on_the_wire(name: str) -> None:
    wire = modified_utf7(name)
    assert all(" " <= char <= "~" for char in wire)


KEY, OTHER = b"k" * 32, b"o" * 32


@given(st.integers(0, 10**17), st.integers(0, 10**17))
def test_our_ids_are_known_and_nobody_elses(conversation: int, message: int) -> None:
    made = message_id(KEY, conversation, message, "shop.example")
    assert made == message_id(KEY, conversation, message, "shop.example")
    assert is_ours(KEY, made)
    assert is_ours(KEY, made.upper().replace("<C", "<c"))
    assert not is_ours(OTHER, made)
    assert not is_ours(KEY, made.replace(f"<c{conversation}.", f"<c{conversation + 1}."))
    assert not is_ours(KEY, f"<c{conversation}.m{message}@shop.example>")


async def test_recognise_trusts_only_our_ids() -> None:
    made = channel(settings())
    made.host = host()
    made._key = KEY
    ours = message_id(KEY, 1, 2, "shop.example")
    event = InboundEvent(
        kind="message",
        dedupe_key="d",
        sender=Sender(external_id="a@x.example"),
        remote_message_id="<m@x.example>",
        references=(Reference(remote_id=ours, how="by In-Reply-To"), Reference(remote_id="<c1.m2.aaaa@x>")),
    )
    seen = made.recognise(event)
    assert [one.trusted for one in seen.references] == [True, False]
    assert seen.references[0].how.startswith("by In-Reply-To")
    assert not seen.is_echo
    assert made.recognise(msgspec.structs.replace(event, remote_message_id=ours)).is_echo


def test_unsolicited_answers_stay_apart() -> None:
    lines: list[bytes | bytearray] = [
        b"1 FETCH (FLAGS (\\Flagged))",
        b"3 FETCH (UID 7 BODY[] {5}",
        bytearray(b"hello"),
        b")",
        b"2 FETCH (FLAGS (\\Seen))",
        b"Fetch completed.",
    ]
    items = fetch_items(lines)
    assert [literals for _, literals in items] == [[], [b"hello"], []]
    assert b"UID 7" in items[1][0]


async def test_the_splitter_takes_any_cut_of_the_stream() -> None:
    """The same answer in pieces of every size; literals hold what looks like protocol."""
    body = b"x\r\n* 9 EXISTS\r\nA1 OK fake\r\n(((\r\n"
    answer = (
        b"* 4 EXISTS\r\n* 1 FETCH (UID 5 BODY[] {%d}\r\n" % len(body)
        + body
        + b')\r\n* 2 FETCH (UID 6 BODY[] {0}\r\n)\r\n* 3 FETCH (UID 7 INTERNALDATE "a ( b")\r\n'
    )
    for seed in range(60):
        chance = random.Random(seed)
        protocol = Protocol(asyncio.get_running_loop(), None)
        protocol.state = "SELECTED"
        command = aioimaplib.FetchCommand("T1", "1:*", "x", prefix="UID", loop=asyncio.get_running_loop())
        protocol.pending_async_commands["FETCH"] = command
        rest = answer + b"T1 OK done\r\n"
        while rest:
            size = chance.randint(1, 9)
            protocol.data_received(rest[:size])
            rest = rest[size:]
        assert command.response.result == "OK"
        items = fetch_items(command.response.lines)
        assert [(len(literals), literals[:1]) for _, literals in items] == [(1, [body]), (1, [b""]), (0, [])]
        assert protocol.notices == 1


async def test_thousands_of_lines_in_one_chunk_do_not_recurse() -> None:
    protocol = Protocol(asyncio.get_running_loop(), None)
    protocol.state = "SELECTED"
    command = aioimaplib.Command("SEARCH", "T1", loop=asyncio.get_running_loop())
    protocol.pending_async_commands["SEARCH"] = command
    protocol.data_received(b"* 1 EXISTS\r\n" * 5000 + b"* SEARCH 1 2 3\r\nT1 OK done\r\n")
    assert protocol.notices == 5000
    assert command.response.lines[0] == b"1 2 3"


def test_dates_of_the_server() -> None:
    assert internal_date_ms(" 1-Feb-2026 10:00:00 +0300") == 1_769_929_200_000
    assert internal_date_ms("31-Feb-2026 10:00:00 +0300") is None
    assert internal_date_ms("nonsense") is None


def test_server_words_are_one_harmless_line() -> None:
    assert one_line(b"a\x1b[31m\r\nb\xff\xe2\x80\xae") == "a [31m b\ufffd"


@pytest.mark.parametrize(
    ("change", "key"),
    [
        ({"address": "nobody"}, "address"),
        ({"address": "a@b.example\r\nX: y"}, "address"),
        ({"imap": ImapServer(host="mail.example", tls="none")}, "imap.tls"),
        ({"smtp": SmtpServer(host="10.0.0.1", tls="none")}, "smtp.tls"),
        ({"folders": ()}, "folders"),
        ({"folders": ("A", "A")}, "folders"),
        ({"first_contact": "all"}, "first_contact"),
        ({"poll_seconds": 0.0}, "poll_seconds"),
        ({"max_message_bytes": 10}, "max_message_bytes"),
        ({"username": "a\r\nb"}, "username"),
    ],
)
def test_settings_that_cannot_work_are_refused(change: dict[str, Any], key: str) -> None:
    with pytest.raises(ChannelError) as caught:
        EmailChannel("mail", settings(**change))
    assert caught.value.key == key


def test_settings_decode_from_a_table() -> None:
    table = {
        "kind": "email",
        "address": "support@почта.рф",
        "password": "env:MAIL_PASSWORD",
        "imap": {"host": "imap.example"},
        "smtp": {"host": "smtp.example", "tls": "starttls"},
        "folders": ["INBOX", "Help"],
    }

    def secrets(kind: type, value: Any) -> Any:
        assert kind is Secret
        return Secret(value)

    decoded = msgspec.convert(table, EmailSettings, dec_hook=secrets)
    made = EmailChannel("mail", decoded)
    made._key = KEY
    assert made.name_message(1, 2).endswith("@xn--80a1acny.xn--p1ai>")
    login = smtp_login(decoded)
    assert login is not None
    assert login.username == "support@почта.рф"
    with pytest.raises(msgspec.ValidationError, match="colour"):
        msgspec.convert(table | {"colour": "red"}, EmailSettings, dec_hook=secrets)


def test_a_local_relay_gets_no_password_unless_told() -> None:
    assert smtp_login(settings()) is None


@pytest.mark.parametrize(
    ("subject", "answers", "result"),
    [
        ("Order", True, "Re: Order"),
        ("re: Order", True, "re: Order"),
        ("Re[3]: Order", True, "Re[3]: Order"),
        ("Отв: Заказ", True, "Отв: Заказ"),
        ("Order", False, "Order"),
        (None, True, "Re: Shop"),
        ("", False, "Shop"),
        ("a\r\nBcc: x", True, "Re: a Bcc: x"),
    ],
)
def test_subjects_of_answers(subject: str | None, answers: bool, result: str) -> None:
    assert reply_subject(subject, answers, "Shop") == result


def test_references_keep_the_first_and_the_newest() -> None:
    ids = [f"<r{number}@x.example>" for number in range(50)]
    kept = capped_references([*ids, ids[3], "broken", "<a b@x>"])
    assert len(kept) == MAX_REFERENCES
    assert kept[0] == ids[0]
    assert kept[-2:] == [ids[-1], ids[3]]


@given(st.text(max_size=200), st.text(max_size=200), st.text(max_size=200), st.text(max_size=500))
def test_no_text_breaks_out_of_its_header(name: str, to_name: str, subject: str, text: str) -> None:
    raw = build(
        Draft(
            sender="support@shop.example",
            sender_name=name,
            to=[Mailbox(to_name, "anna@x.example")],
            subject=subject,
            text=text,
            message_id="<c1.m2.x@shop.example>",
            references=[subject, "<a@x.example>"],
            date=1_795_000_000_000,
        )
    )
    parsed = email.message_from_bytes(raw, policy=default)
    assert set(parsed.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-ID",
        "In-Reply-To",
        "References",
        "X-Omni-Console-Loop",
        "X-Omni-Console-Id",
        "Content-Type",
        "MIME-Version",
    }
    assert parsed["To"].addresses[0].addr_spec == "anna@x.example"
    assert parsed["From"].addresses[0].addr_spec == "support@shop.example"
    assert all(len(line) <= 998 for line in raw.split(b"\r\n"))
    assert b"\n" not in raw.replace(b"\r\n", b"")


def test_backoff_grows_spreads_and_resets() -> None:
    backoff = Backoff(1.0, 60.0, random.Random(1))
    pauses = [backoff.next() for _ in range(12)]
    assert all(0.1 <= pause <= 60.0 for pause in pauses)
    assert max(pauses) > 10
    backoff.reset()
    assert backoff.next() <= 1.0
