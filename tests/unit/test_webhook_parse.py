"""What a webhook's body becomes."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from channels.base import Contact, InboundEvent
from channels.contacts import phone_number
from channels.webhook.parse import event_time, parse_event


def parsed(data: Any, kind: str = "message", **more: Any) -> InboundEvent:
    return parse_event("msg_1", json.dumps({"type": kind, "data": data, **more}).encode(), "RU")


def test_a_whole_message() -> None:
    event = parsed(
        {
            "conversation_key": "order-1187",
            "message_id": "m-1",
            "sender": {"id": 77, "name": "Иван", "email": "Ivan@Example.org", "phone": "8 916 123-45-67"},
            "text": "Когда приедет заказ?",
            "subject": "Заказ 1187",
            "reply_to": "m-0",
            "attachments": [
                {
                    "name": "../../photo.jpg",
                    "content_type": "image/jpeg",
                    "base64": base64.b64encode(b"\xff\xd8").decode(),
                }
            ],
            "detail": {"page": "https://shop.example/1187"},
        },
        timestamp="2026-11-21T12:00:00.250Z",
    )
    assert event.kind == "message"
    assert event.dedupe_key == "msg_1"
    assert event.thread == "order-1187"
    assert event.remote_message_id == "m-1"
    assert event.sender.external_id == "77"
    assert event.sender.contacts == (
        Contact(scheme="email", external_id="ivan@example.org", verified=False, evidence="given"),
        Contact(scheme="phone", external_id="+79161234567", verified=False, evidence="given"),
    )
    assert event.text == "Когда приедет заказ?"
    assert event.subject == "Заказ 1187"
    assert event.occurred_at == 1795262400250
    assert [(file.name, file.kind, file.data) for file in event.attachments] == [
        ("../../photo.jpg", "image", b"\xff\xd8")
    ]
    assert event.references[0].remote_id == "m-0" and not event.references[0].trusted
    assert event.detail == {"page": "https://shop.example/1187"}


def test_only_what_is_listed_as_verified_is_verified() -> None:
    sender = {"id": "1", "email": "a@b.example", "phone": "+4930901820", "verified": ["email"]}
    contacts = {
        contact.scheme: contact.verified
        for contact in parsed({"sender": sender, "text": "x"}).sender.contacts
    }
    assert contacts == {"email": True, "phone": False}
    for loose in (True, "email", {"email": True}, [["email"]], "true"):
        event = parsed({"sender": {**sender, "verified": loose}, "text": "x"})
        assert not any(contact.verified for contact in event.sender.contacts)


def test_an_unreadable_phone_or_address_is_shown_and_links_nobody() -> None:
    event = parsed({"sender": {"id": "1", "phone": "call me", "email": "not an address"}, "text": "x"})
    assert event.sender.contacts == ()
    assert event.detail == {"phone_given": "call me", "email_given": "not an address"}


def test_without_a_sender_id_the_conversation_is_the_sender() -> None:
    event = parsed({"conversation_key": "k", "text": "x"})
    assert (event.sender.external_id, event.thread) == ("conversation:k", "k")


@pytest.mark.parametrize(
    ("data", "kind", "problem"),
    [
        ({"text": "x"}, "message", "neither"),
        ({"sender": {"id": "1"}}, "message", "without text"),
        ({"sender": {"id": "1"}, "text": "x"}, "order.created", "unknown type"),
        ({"sender": {"id": "1"}, "text": "x"}, "reply", "unknown type"),
        ({"sender": {"id": "1"}}, "read", "without data.target"),
        ([], "message", "neither"),
        (None, "message", "neither"),
    ],
)
def test_what_is_not_understood_is_shown_as_such(data: Any, kind: str, problem: str) -> None:
    event = parsed(data, kind)
    assert event.kind == "unsupported"
    assert problem in event.detail["problem"]
    assert event.dedupe_key == "msg_1"


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"[" * 100_000, "nested deeper"),
        (b'{"a":' * 40 + b"1" + b"}" * 40, "nested deeper"),
        (b'{"type":"message","data":NaN}', "not valid JSON"),
        (b'{"type":"message","data":' + b"1" * 5000 + b"}", "not valid JSON"),
        (b'{"type":"message","data":{"text":"\\ud800"}}', "not valid JSON"),
        (b'{"type":"message","data":{"text":"a\\u0000b"}}', "NUL"),
        (b'{"type":"message","data":{"text":"\xff"}}', "UTF-8"),
        (b"[]", "not a JSON object"),
        (b"null", "not a JSON object"),
    ],
)
def test_broken_json_is_one_event_with_its_problem(raw: bytes, problem: str) -> None:
    event = parse_event("msg_1", raw, "")
    assert event.kind == "unsupported"
    assert problem in event.detail["problem"]


def test_files_that_are_not_there_say_why() -> None:
    event = parsed(
        {
            "sender": {"id": "1"},
            "attachments": [
                {"name": "a", "base64": "%%%"},
                {"name": "b", "url": "http://169.254.169.254/"},
                "c",
            ],
        }
    )
    assert event.kind == "message"
    assert [bool(file.problem) for file in event.attachments] == [True, True, True]
    assert all(file.data is None for file in event.attachments)


def test_receipts_carry_their_target() -> None:
    event = parsed({"conversation_key": "k", "target": "out_1"}, "read")
    assert (event.kind, event.target) == ("read", "out_1")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("2026-11-21T12:00:00Z", 1795262400000),
        ("2026-11-21T15:00:00+03:00", 1795262400000),
        ("2026-11-21T12:00:00", 1795262400000),
        (1795262400, 1795262400000),
        (1795262400000, 1795262400000),
        ("yesterday", None),
        ("1" * 5000, None),
        (True, None),
        (10**30, None),
        ([], None),
    ],
)
def test_times(given: Any, expected: int | None) -> None:
    assert event_time(given) == expected


@pytest.mark.parametrize(
    ("given", "country", "expected"),
    [
        ("+7 (916) 123-45-67", "", "+79161234567"),
        ("030 901820", "DE", "+4930901820"),
        ("030 901820", "", None),
        ("12", "RU", None),
        ("", "RU", None),
    ],
)
def test_phone_numbers(given: str, country: str, expected: str | None) -> None:
    assert phone_number(given, country) == expected
