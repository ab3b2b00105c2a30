"""Raw mail → event: what people see, whom it belongs to, and that nothing breaks it."""

from __future__ import annotations

import base64
import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from channels.base import InboundEvent
from channels.email.parse import NOBODY, parse
from tests.fakes.mail_corpus import POISON, RUSSIAN, attached, multipart, part, plain

ARRIVED = 1_795_280_000_000
META = {"internal_date": str(ARRIVED), "address": "support@shop.example", "dedupe_key": "mail:1"}


def one(raw: bytes, **meta: str) -> InboundEvent:
    (event,) = parse(raw, META | meta)
    return event


def headed(header: str, body: bytes = b"hello") -> bytes:
    return header.replace("\n", "\r\n").encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


@pytest.mark.parametrize("name", POISON)
def test_poison_becomes_one_visible_event(name: str) -> None:
    event = one(POISON[name])
    assert event.kind == "message"
    assert event.dedupe_key == "mail:1"
    assert event.sender.external_id in {"a@x.example", NOBODY}
    msgspec.json.encode(event)


@limits(max_examples=300, deadline=None)
@given(st.binary(max_size=3000))
def test_any_bytes_give_one_event(raw: bytes) -> None:
    assert len(parse(raw, {})) == 1


@limits(max_examples=300, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(sorted(POISON)), st.integers(1, 40))
def test_damaged_mail_gives_one_event(seed: int, name: str, damage: int) -> None:
    chance = random.Random(seed)
    raw = bytearray(POISON[name][:4000] or b"x")
    for _ in range(damage):
        raw[chance.randrange(len(raw))] = chance.randrange(256)
    (event,) = parse(bytes(raw), META)
    msgspec.json.encode(event)


def test_a_plain_mail() -> None:
    event = one(plain(1, subject="=?utf-8?b?0JfQsNC60LDQtw==?=", text="Hi there.\r\n\r\nAnna"))
    assert event.sender.external_id == event.thread == "anna@customer.example"
    assert event.sender.name == "Anna Petrova"
    assert event.subject == "Заказ"
    assert event.text == "Hi there.\n\nAnna"
    assert event.remote_message_id == "<m1@customer.example>"
    assert not event.automatic
    assert not event.is_echo
    assert event.occurred_at == 1_795_244_400_000


@pytest.mark.parametrize(
    "charset", ["utf-8", "windows-1251", "koi8-r", "cp866", "iso-8859-5", "x-mac-cyrillic"]
)
def test_russian_in_every_charset(charset: str) -> None:
    text = RUSSIAN.replace("№", "N")
    codec = {"x-mac-cyrillic": "mac_cyrillic"}.get(charset, charset)
    raw = headed(f"From: a@x.example\nContent-Type: text/plain; charset={charset}", text.encode(codec))
    assert one(raw).text == text


@pytest.mark.parametrize("codec", ["utf-8", "cp1251", "koi8-r", "cp866"])
@pytest.mark.parametrize("label", ["", "; charset=us-ascii", "; charset=x-unknown", "; charset=klingon"])
def test_russian_under_a_wrong_label_is_guessed(codec: str, label: str) -> None:
    text = RUSSIAN.replace("№", "N")
    raw = headed(f"From: a@x.example\nContent-Type: text/plain{label}", text.encode(codec))
    assert one(raw).text == text


def test_latin_text_is_not_taken_for_russian() -> None:
    text = "Où est ma commande? Déjà deux semaines, c'est très gênant."
    assert one(headed("From: a@x.example\nContent-Type: text/plain", text.encode("cp1252"))).text == text


@pytest.mark.parametrize(
    ("header", "shown"),
    [
        ("=?utf-8?q?=D0=9F=D1=80?= =?utf-8?q?=D0=B8=D0=B2=D0=B5=D1=82?=", "Привет"),
        ("=?utf-8?b?0J/RgNC40LI=?=\n =?utf-8?b?0LXRgg==?=", "Привет"),
        ("=?utf-8?q?=D0?= =?utf-8?q?=9F_a?=", "П a"),  # a character split between two words
        ("=?koi8-r?B?8NLJ18XU?=", "Привет"),
        ("=?windows-1251*ru?Q?=CF=F0=E8=E2=E5=F2?=", "Привет"),
        ("plain =?utf-8?q?and?= plain", "plain and plain"),
        ("Привет", "Привет"),
        ("=?utf-8?q?one=0Atwo=00three?=", "one two three"),
        ("=?nonsense?q?hello?=", "hello"),
        ("=?utf-8?b?0J/RgNC40LLQtdG?=", "Приве\ufffd"),
        ("[TODO] =?", "[TODO] =?"),
    ],
)
def test_subjects(header: str, shown: str) -> None:
    assert one(headed(f"From: a@x.example\nSubject: {header}")).subject == shown


@pytest.mark.parametrize("codec", ["cp1251", "koi8-r"])
def test_a_subject_in_raw_eight_bit(codec: str) -> None:
    raw = b"From: a@x.example\r\nSubject: " + "Где мой заказ".encode(codec) + b"\r\n\r\nhello"
    assert one(raw).subject == "Где мой заказ"


@pytest.mark.parametrize(
    ("header", "address", "name"),
    [
        ("anna@x.example", "anna@x.example", None),
        ("Anna <Anna@X.Example>", "anna@x.example", "Anna"),
        ('"Petrova, Anna" <anna@x.example>', "anna@x.example", "Petrova, Anna"),
        ("=?utf-8?b?0JDQvdC90LA=?= <anna@x.example>", "anna@x.example", "Анна"),
        ("anna@x.example (Anna)", "anna@x.example", None),
        ("anna@почта.рф", "anna@xn--80a1acny.xn--p1ai", None),
        ('"a\\"b" <anna@x.example>', "anna@x.example", "ab"),
        ("<@relay.example:anna@x.example>", "anna@x.example", None),
        ("=?utf-8?q?=3Cevil=40x=2Eexample=3E?= <anna@x.example>", "anna@x.example", "<evil@x.example>"),
        ("Friends: anna@x.example, b@x.example;", "anna@x.example", None),
    ],
)
def test_senders(header: str, address: str, name: str | None) -> None:
    sender = one(headed(f"From: {header}")).sender
    assert (sender.external_id, sender.name) == (address, name)


def test_two_addresses_in_one_from_are_shown() -> None:
    event = one(headed("From: boss@bank.example <evil@x.example>"))
    assert event.sender.external_id == "evil@x.example"
    assert "boss@bank.example" in event.detail["from"]


def test_a_mail_without_sender_can_never_be_answered() -> None:
    event = one(headed("Subject: x"))
    assert event.sender.external_id == NOBODY
    assert "no sender" in event.detail["problem"]


def test_a_site_form_speaks_for_its_visitor() -> None:
    event = one(headed("From: Support <support@shop.example>\nReply-To: Anna <anna@x.example>"))
    assert event.sender.external_id == "anna@x.example"
    assert event.sender.name == "Anna"
    assert not event.is_echo
    assert "typed" in event.detail["form"]


def test_our_own_mail_is_an_echo() -> None:
    assert one(headed("From: support@SHOP.example\nTo: anna@x.example")).is_echo
    loop = one(headed("From: support@shop.example\nX-Omni-Console-Loop: support@shop.example"))
    assert loop.is_echo
    assert loop.kind == "unsupported"
    elsewhere = one(headed("From: desk@other.example\nX-Omni-Console-Loop: desk@other.example"))
    assert elsewhere.kind == "message"
    assert not elsewhere.is_echo


def test_references_newest_first_and_once() -> None:
    event = one(
        headed(
            "From: a@x.example\nIn-Reply-To: Your message <c@x.example> of today\n"
            "References: <a@x.example>\n <b@x.example> <> <c@x.example> <no-at> < > <@x.example>"
        )
    )
    assert [(r.remote_id, r.how) for r in event.references] == [
        ("<c@x.example>", "by In-Reply-To"),
        ("<b@x.example>", "by References"),
        ("<a@x.example>", "by References"),
    ]
    assert not any(r.trusted for r in event.references)


def test_a_thousand_references_keep_the_newest() -> None:
    ids = " ".join(f"<r{number}@x.example>" for number in range(500))
    event = one(headed(f"From: a@x.example\nReferences: {ids}"))
    assert len(event.references) == 100
    assert event.references[0].remote_id == "<r499@x.example>"


def test_exchange_ids_survive() -> None:
    event = one(headed("From: a@x.example\nMessage-ID: <[0a1b====@microsoft.com]>"))
    assert event.remote_message_id == "<[0a1b====@microsoft.com]>"


def test_without_a_message_id_equal_mails_have_equal_ids_and_others_do_not() -> None:
    first, again = one(headed("From: a@x.example", b"1")), one(headed("From: a@x.example", b"1"))
    other = one(headed("From: a@x.example", b"2"))
    assert first.remote_message_id == again.remote_message_id != other.remote_message_id


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("Fri, 20 Nov 2026 20:00:00 +0000", 1_795_204_800_000),
        ("Thu, 1 Jan 1970 00:00:00 +0000", ARRIVED),
        ("Sat, 1 Jan 2050 00:00:00 +0000", ARRIVED),
        ("nonsense", ARRIVED),
    ],
)
def test_time_is_the_senders_within_reason(date: str, expected: int) -> None:
    assert one(headed(f"From: a@x.example\nDate: {date}")).occurred_at == expected


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied (vacation)",
        "X-Auto-Response-Suppress: DR, AutoReply",
        "X-Autoreply: yes",
        "Precedence: bulk",
        "List-Id: <news.x.example>",
        "List-Unsubscribe: <mailto:u@x.example>",
        "X-Loop: yes",
        "Return-Path: <>",
        "Content-Type: multipart/report; report-type=delivery-status; boundary=q",
    ],
)
def test_machines_are_recognised(header: str) -> None:
    event = one(headed(f"From: a@x.example\n{header}"))
    assert event.automatic
    assert event.detail["automatic"]


@pytest.mark.parametrize("sender", ["no-reply", "noreply+x", "MAILER-DAEMON", "bounce-77", "donotreply"])
def test_robots_are_recognised_by_their_names(sender: str) -> None:
    assert one(headed(f"From: {sender}@x.example")).automatic


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: no",
        "Precedence: first-class",
        "X-Auto-Response-Suppress: OOF",
        "Subject: Out of office?",
    ],
)
def test_people_are_not_taken_for_machines(header: str) -> None:
    assert not one(headed(f"From: Nora Plain <nora@x.example>\n{header}")).automatic


def test_html_only_and_empty_plain_text() -> None:
    html = part("text/html; charset=utf-8", "<p>Привет, <b>мир</b></p>".encode())
    for text in (b"", b"  \r\n", b"This is an HTML message.", b"Your email client does not support HTML."):
        assert one(multipart("alternative", part("text/plain", text), html)).text == "Привет, мир"
    assert one(multipart("alternative", part("text/plain", b"plain wins"), html)).text == "plain wins"
    assert one(multipart("related", html)).text == "Привет, мир"


def test_attachments_of_every_kind() -> None:
    event = one(
        multipart(
            "mixed",
            multipart_alternative(),
            attached("../../etc/passwd", "application/pdf", b"%PDF"),
            part(
                "image/png",
                base64.encodebytes(b"png"),
                "Content-Transfer-Encoding: base64\r\nContent-ID: <1>",
            ),
            part("message/rfc822", b"From: b@x.example\r\nMessage-ID: <inner@x.example>\r\n\r\ninside"),
            part("text/calendar", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nSUMMARY:Meet\r\n ing\r\nEND:VEVENT"),
            attached("winmail.dat", "application/ms-tnef", b"\x78\x9f\x3e\x22"),
            attached("evil\u202egpj.exe", "image/jpeg", b"x"),
            part("text/plain; name=notes.txt", b"attached text", "Content-Disposition: attachment"),
        )
    )
    assert event.text == "the text\n\n[Calendar entry]\nWhat: Meeting"
    assert event.remote_message_id == "<multi@customer.example>"
    assert [(a.name, a.kind) for a in event.attachments] == [
        ("passwd", "file"),
        ("unnamed.png", "image"),
        ("message.eml", "message"),
        ("unnamed.ics", "calendar"),
        ("winmail.dat", "file"),
        ("evilgpj.exe", "image"),
        ("notes.txt", "file"),
    ]
    assert event.attachments[0].data == b"%PDF"
    assert b"inside" in (event.attachments[2].data or b"")
    assert event.detail["calendar"] == "Meeting"


def multipart_alternative() -> bytes:
    return (
        b'Content-Type: multipart/alternative; boundary="inner"\r\n\r\n--inner\r\n'
        + part("text/plain", b"the text")
        + b"\r\n--inner\r\n"
        + part("text/html", b"<p>the html</p>")
        + b"\r\n--inner--"
    )


def test_hundreds_of_attachments_are_capped_visibly() -> None:
    event = one(multipart("mixed", *[attached(f"{n}.txt", "text/plain", b"x") for n in range(300)]))
    assert len(event.attachments) == 100
    assert "100" in event.detail["problem"]


def test_encrypted_and_signed_mail_says_so() -> None:
    event = one(headed("From: a@x.example\nContent-Type: application/pkcs7-mime; name=smime.p7m"))
    assert "encrypted" in event.detail["security"]
    assert event.attachments[0].name == "smime.p7m"
    signed = one(
        multipart("signed", part("text/plain", b"text"), attached("s.asc", "application/pgp-signature", b"x"))
    )
    assert signed.text == "text"
    assert "not verified" in signed.detail["security"]


def test_flowed_text_is_joined() -> None:
    body = b"One long \r\nline.\r\n> quoted \r\n> too\r\n-- \r\nAnna"
    raw = headed("From: a@x.example\nContent-Type: text/plain; format=flowed", body)
    assert one(raw).text == "One long line.\n> quoted too\n-- \nAnna"


def test_stubs_say_where_the_mail_is() -> None:
    meta = {
        "stub": "too_big",
        "size": str(30 * 2**20),
        "limit": str(25 * 2**20),
        "folder": "INBOX",
        "uid": "7",
    }
    event = one(
        headed("From: a@x.example\nSubject: video\nContent-Type: multipart/mixed; boundary=q", b""), **meta
    )
    assert "30.0 MiB" in event.text
    assert "INBOX, UID 7" in event.text
    assert event.subject == "video"
    assert one(b"", **(meta | {"stub": "unavailable"})).sender.external_id == NOBODY


def test_other_recipients_are_shown_but_not_ours() -> None:
    event = one(headed("From: a@x.example\nTo: Support@shop.example, b@x.example\nCc: c@x.example"))
    assert (event.detail["to"], event.detail["cc"]) == ("b@x.example", "c@x.example")
