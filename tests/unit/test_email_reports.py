"""Reports of mail systems and machines' mail: what is read in them, and what is not taken for one."""

from __future__ import annotations

import email

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from channels.email.automatic import classify
from channels.email.dsn import read_bounces
from channels.email.headers import POLICY
from channels.email.mail import read_mail
from channels.email.parse import parse
from tests.fakes.mail_corpus import headed_mail


def report(*blocks: str, original: str = "Message-ID: <c1.m2.x@shop.example>\n") -> bytes:
    status = "Reporting-MTA: dns; mx.example\nOriginal-Envelope-Id: env7\n\n" + "\n".join(blocks)
    text = (
        "Return-Path: <>\nFrom: MAILER-DAEMON@mx.example\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=q\n\n"
        f"--q\nContent-Type: text/plain\n\nSorry.\n--q\nContent-Type: message/delivery-status\n\n{status}\n"
        f"--q\nContent-Type: message/rfc822\n\n{original}\nhello\n--q--\n"
    )
    return text.replace("\n", "\r\n").encode()


def test_a_report_of_several_recipients() -> None:
    mail = read_mail(
        report(
            "Original-Recipient: rfc822;Ivan@X.example\nFinal-Recipient: rfc822; elsewhere@y.example\n"
            "Action: failed\nStatus: 5.1.1 (bad)\nDiagnostic-Code: smtp; 550 5.1.1 User\n unknown\n",
            "Final-Recipient: rfc822; <b@x.example>\nAction: Delayed\nStatus: 4.4.1\n",
            "Final-Recipient: rfc822; c@x.example\nAction: relayed (to mailer)\nStatus: 2.0.0\n",
            "Final-Recipient: utf-8; \\x{438}\\x{432}@x.example\nAction: odd\nDiagnostic-Code: x; 452 full\n",
        )
    )
    assert mail.verdict is not None
    assert mail.verdict.kind == "bounce"
    got = [(one.recipient, one.action, one.status, one.diagnostic) for one in mail.bounces]
    assert got == [
        ("ivan@x.example", "failed", "5.1.1", "550 5.1.1 User unknown"),
        ("b@x.example", "delayed", "4.4.1", ""),
        ("c@x.example", "relayed", "2.0.0", ""),
        ("ив@x.example", "delayed", "", "452 full"),
    ]
    assert {one.original_message_id for one in mail.bounces} == {"<c1.m2.x@shop.example>"}
    assert {one.envelope_id for one in mail.bounces} == {"env7"}


def test_ids_of_a_mail_that_was_forwarded_inside_of_what_is_returned_are_not_taken() -> None:
    inner = (
        "Message-ID: <outer@shop.example>\nContent-Type: message/rfc822\n\n"
        "Message-ID: <inner@evil.example>\n\nhello\n"
    )
    (bounce,) = read_mail(
        report("Final-Recipient: rfc822; a@x.example\nAction: failed\n", original=inner)
    ).bounces
    assert bounce.original_message_id == "<outer@shop.example>"


def test_a_report_never_folds_and_carries_its_bounces_as_an_event() -> None:
    (event,) = parse(report("Final-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.0.0\n"), {})
    assert event.automatic
    assert event.folds == ()
    assert [one.recipient for one in event.bounces] == ["a@x.example"]


def test_a_report_without_a_word_about_whom() -> None:
    raw = headed_mail(
        "From: MAILER-DAEMON@mx.example\nReturn-Path: <>\nSubject: failure notice", b"550 5.7.1 no"
    )
    (bounce,) = read_mail(raw).bounces
    assert (bounce.action, bounce.status, bounce.recipient, bounce.original_message_id) == (
        "failed",
        "5.7.1",
        "",
        None,
    )


@pytest.mark.parametrize(
    ("header", "kind"),
    [
        ("From: a@x.example\nX-Omni-Console-Loop: s@shop.example", "own-loop"),
        ("From: postmaster@x.example\nSubject: Undeliverable: order", "bounce"),
        ("From: a@x.example\nX-Failed-Recipients: b@x.example", "bounce"),
        ("From: a@x.example\nAuto-Submitted: auto-replied; owner-email=x", "auto-reply"),
        ("From: a@x.example\nAuto-Submitted: auto-generated", "auto-reply"),
        ("From: a@x.example\nX-Autoreply: yes\nList-Id: <l.x.example>", "auto-reply"),
        ("From: a@x.example\nPrecedence: auto_reply", "auto-reply"),
        ("From: a@x.example\nSubject: Out of office: I am away\nPrecedence: bulk", "auto-reply"),
        ("From: a@x.example\nX-Auto-Response-Suppress: DR, AutoReply", "auto-reply"),
        ("From: no-reply@x.example", "auto-reply"),
        ("From: a@x.example\nList-Id: <l.x.example>\nAuto-Submitted: auto-generated", "list"),
        ("From: a@x.example\nList-Unsubscribe: <mailto:u@x.example>", "list"),
        ("From: a@x.example\nPrecedence: bulk", "list"),
        ("From: a@x.example\nFeedback-ID: 1:2:3\nPrecedence: bulk", "list"),
        (
            "From: a@x.example\nContent-Type: multipart/report; report-type=disposition-notification",
            "auto-reply",
        ),
        ("From: a@x.example\nAuto-Submitted: no", None),
        ("From: a@x.example\nX-Auto-Response-Suppress: OOF", None),
        ("From: a@x.example\nSubject: Out of office?", None),
        ("From: a@x.example\nSubject: Не могу отправить, Undeliverable", None),
        ("From: postmaster@x.example\nReturn-Path: <postmaster@x.example>\nSubject: hello", "auto-reply"),
        ("From: a@x.example\nX-Autoreply: no", None),
    ],
)
def test_kinds(header: str, kind: str | None) -> None:
    verdict = read_mail(headed_mail(header, b"hello")).verdict
    assert (verdict.kind if verdict else None) == kind


@pytest.mark.parametrize(
    "header",
    [
        "List-Id: Support <support.shop.example>\nPrecedence: list",
        "List-Post: <mailto:Support@Shop.example>\nList-Id: <groups.google.example>\nPrecedence: list",
    ],
)
def test_a_group_of_our_own_address_brings_people(header: str) -> None:
    raw = headed_mail(f"From: Anna <a@x.example>\n{header}", b"hello")
    assert read_mail(raw, "support@shop.example").verdict is None
    stranger = read_mail(raw, "desk@other.example").verdict
    assert stranger is not None
    assert stranger.kind == "list"


def test_the_loop_of_another_installation_is_none() -> None:
    raw = headed_mail("From: a@x.example\nX-Omni-Console-Loop: desk@other.example", b"hello")
    assert read_mail(raw, "support@shop.example").verdict is None


@limits(max_examples=200, deadline=None)
@given(st.text(max_size=400), st.text(max_size=200))
def test_no_report_breaks_the_reader(status: str, text: str) -> None:
    raw = report(status)
    message = email.message_from_bytes(raw, policy=POLICY)
    for bounce in read_bounces(message, text):
        assert bounce.action
        assert "\n" not in bounce.diagnostic
    classify(message, "mailer-daemon@x.example", ["text/plain"], text)
