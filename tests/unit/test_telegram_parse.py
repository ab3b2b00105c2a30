"""What Telegram's updates become. The payloads are shaped like real ones, with what clients leave out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from channels.base import InboundEvent
from channels.messenger.updates import Reader, Reading
from channels.telegram.updates import UPDATES

IVAN = {"id": 77, "is_bot": False, "first_name": "Иван", "last_name": "П.", "username": "ivan"}
PRIVATE = {"id": 77, "type": "private", "first_name": "Иван"}
PRIVATELY = Reading(bot_id="7001")


def parse_update(body: bytes, reading: Reading) -> list[InboundEvent]:
    return Reader(UPDATES, reading).events(body)


def raw(update: dict[str, Any], number: int = 9) -> bytes:
    return json.dumps({"update_id": number, **update}).encode()


def message(**content: Any) -> dict[str, Any]:
    return {"message_id": 5, "date": 1_795_262_400, "from": IVAN, "chat": PRIVATE, **content}


def one(update: dict[str, Any], reading: Reading = PRIVATELY, number: int = 9) -> InboundEvent:
    [event] = parse_update(raw(update, number), reading)
    return event


def said(reading: Reading = PRIVATELY, **content: Any) -> InboundEvent:
    return one({"message": message(**content)}, reading)


def test_a_text() -> None:
    event = said(text="Где мой <b>заказ</b>? 👩‍👩‍👧 \u202e", entities=[{"type": "bold"}])
    assert (event.kind, event.text) == ("message", "Где мой <b>заказ</b>? 👩‍👩‍👧 \u202e")
    assert (event.sender.external_id, event.sender.name, event.sender.username) == ("77", "Иван П.", "ivan")
    assert (event.thread, event.remote_message_id, event.occurred_at) == ("77", "77:5", 1_795_262_400_000)
    assert not event.is_echo and event.sender.contacts == ()


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (
            {"photo": [{"file_id": "s", "file_size": 1}, {"file_id": "l", "file_size": 900}]},
            ("image", "photo.jpg", "image/jpeg", 900, "l"),
        ),
        (
            {"document": {"file_id": "d", "file_name": "счёт.pdf", "mime_type": "application/pdf"}},
            ("file", "счёт.pdf", "application/pdf", None, "d"),
        ),
        ({"document": {"file_id": "d"}}, ("file", "file", "application/octet-stream", None, "d")),
        (
            {"document": {"file_id": "d", "mime_type": "application/pdf"}},
            ("file", "file.pdf", "application/pdf", None, "d"),
        ),
        ({"voice": {"file_id": "v", "file_size": 7}}, ("voice", "voice.ogg", "audio/ogg", 7, "v")),
        ({"audio": {"file_id": "a"}}, ("audio", "audio.mp3", "audio/mpeg", None, "a")),
        ({"video": {"file_id": "m"}}, ("video", "video.mp4", "video/mp4", None, "m")),
        ({"video_note": {"file_id": "n"}}, ("video", "video_note.mp4", "video/mp4", None, "n")),
        (
            {"animation": {"file_id": "g"}, "document": {"file_id": "g"}},
            ("video", "animation.mp4", "video/mp4", None, "g"),
        ),
        (
            {"sticker": {"file_id": "k", "emoji": "👍", "is_animated": True}},
            ("sticker", "sticker 👍.tgs", "application/x-tgsticker", None, "k"),
        ),
        ({"sticker": {"file_id": "k"}}, ("sticker", "sticker.webp", "image/webp", None, "k")),
    ],
    ids=lambda value: (
        None if isinstance(value, dict) else str(value[1]) if isinstance(value, tuple) else None
    ),
)
def test_files(content: dict[str, Any], kind: Any) -> None:
    event = said(caption="подпись", **content)
    [file] = event.attachments
    assert (file.kind, file.name, file.content_type, file.size, file.ref) == kind
    assert (event.kind, event.text, file.data, file.problem) == ("message", "подпись", None, "")


def test_a_file_without_an_id_says_so() -> None:
    [file] = said(document={"file_name": "a"}).attachments
    assert file.problem


def test_albums_name_what_they_are_part_of() -> None:
    photo = [{"file_id": "p"}]
    assert said(photo=photo, media_group_id="13").part_of == "album:13"
    assert said(photo=photo).part_of is None


@pytest.mark.parametrize(
    ("given", "number"),
    [("79161234567", "+79161234567"), ("+49 30 901820", "+4930901820"), ("8 916 123-45-67", "+79161234567")],
)
def test_only_the_senders_own_phone_is_verified(given: str, number: str) -> None:
    reading = Reading(country="RU")
    own = said(reading, contact={"phone_number": given, "first_name": "Иван", "user_id": 77})
    assert own.kind == "contact_shared"
    [contact] = own.sender.contacts
    assert (contact.scheme, contact.external_id, contact.verified) == ("phone", number, True)
    for other in ({"user_id": 78}, {}, {"user_id": "77"}, {"user_id": True}):
        event = said(reading, contact={"phone_number": given, "first_name": "Пётр", **other})
        assert event.sender.contacts == () and number in event.text


def test_a_phone_typed_as_text_proves_nothing() -> None:
    assert said(text="+79161234567").sender.contacts == ()


def test_places() -> None:
    event = said(
        venue={"title": "Кафе", "address": "Мира, 1", "location": {"latitude": 55.75, "longitude": 37}}
    )
    assert (event.detail["lat"], event.detail["lon"]) == ("55.75", "37.0")
    assert event.text.endswith("Кафе, Мира, 1, 55.750000, 37.000000")
    assert said(location={"latitude": 1000, "longitude": 0}).kind == "unsupported"


def test_an_edit_and_its_message_have_different_keys() -> None:
    event = one({"edited_message": message(text="иначе", edit_date=1_795_262_500)}, number=10)
    assert (event.kind, event.target, event.text) == ("edit", "77:5", "иначе")
    assert event.occurred_at == 1_795_262_500_000
    assert event.dedupe_key != said(text="так").dedupe_key
    assert (
        event.dedupe_key
        == one({"edited_message": message(text="иначе", edit_date=1_795_262_500)}, number=10).dedupe_key
    )


def test_reply_quote_and_forward() -> None:
    event = said(
        text="да",
        reply_to_message={"message_id": 3, "text": "Доставить?"},
        quote={"text": "Дост"},
        forward_origin={"type": "hidden_user", "sender_user_name": "Кто-то"},
    )
    assert event.references[0].remote_id == "77:3" and not event.references[0].trusted
    assert event.detail == {"quote": "Дост", "forwarded_from": "Кто-то"}


@pytest.mark.parametrize(
    ("text", "kind", "payload"),
    [
        ("/start", "started", None),
        ("/start Ab_9-z", "started", "Ab_9-z"),
        ("/start@shop_bot x", "started", "x"),
        ("/start two words", "message", None),
        ("/startle", "message", None),
        ("/start " + "x" * 65, "message", None),
    ],
)
def test_start(text: str, kind: str, payload: str | None) -> None:
    event = said(text=text)
    assert (event.kind, event.detail.get("payload"), event.text) == (kind, payload, text)


def test_blocked_and_back() -> None:
    for status, kind in (("kicked", "blocked"), ("member", "unblocked"), ("odd", "unsupported")):
        body = {"chat": PRIVATE, "from": IVAN, "date": 1_795_262_400, "new_chat_member": {"status": status}}
        assert one({"my_chat_member": body}).kind == kind


def test_reactions() -> None:
    body: dict[str, Any] = {"chat": PRIVATE, "user": IVAN, "message_id": 3, "date": 1_795_262_400}
    thumbs = {"type": "emoji", "emoji": "👍"}
    event = one({"message_reaction": {**body, "old_reaction": [], "new_reaction": [thumbs]}})
    assert (event.kind, event.target, event.text) == ("reaction", "77:3", "👍")
    gone = one({"message_reaction": {**body, "old_reaction": [thumbs], "new_reaction": []}})
    assert (gone.text, gone.detail) == ("", {"reaction removed": "👍"})


def test_callback() -> None:
    body = {"id": "42", "from": IVAN, "data": "yes", "message": {"message_id": 3, "chat": PRIVATE}}
    event = one({"callback_query": body})
    assert (event.kind, event.text, event.target, event.thread) == ("callback", "yes", "77:3", "77")


def test_groups_are_ignored_unless_asked_for() -> None:
    group = {"id": -100123, "type": "supergroup", "title": "Двор"}
    update = {"message": message(text="всем", chat=group)}
    assert parse_update(raw(update), PRIVATELY) == []
    event = one(update, Reading(groups=True))
    assert (event.thread, event.sender.external_id, event.remote_message_id) == ("-100123", "77", "-100123:5")
    assert parse_update(raw({"my_chat_member": {"chat": group, "from": IVAN}}), PRIVATELY) == []


@pytest.mark.parametrize(
    "update",
    [
        {"channel_post": {"message_id": 1, "chat": {"id": -1, "type": "channel"}, "text": "x"}},
        {"business_message": message(text="x", business_connection_id="b")},
        {"deleted_business_messages": {"chat": PRIVATE, "message_ids": [1]}},
        {"something_of_2031": {"a": 1}},
        {"message": message(dice={"value": 6})},
        {"message": {**message(text="x"), "from": None}},
        {"message": {**message(text="x"), "chat": None}},
        {"message": None},
        {},
    ],
)
def test_the_unknown_is_shown_and_answerable_only_where_it_is_known_who_wrote(update: dict[str, Any]) -> None:
    event = one(update)
    assert event.kind == "unsupported" and event.detail["problem"]
    assert ("dice" in event.detail["problem"]) == (event.thread == "77") == event.sender.reachable


def test_half_characters_do_not_cost_a_message_its_sender() -> None:
    body = raw({"message": message(text="x")}).replace(b'"x"', b'"a\\ud83d b\\u0000"')
    [event] = parse_update(body, PRIVATELY)
    assert (event.kind, event.text, event.thread) == ("message", "a\ufffd b\ufffd", "77")
    for broken in (b"", b"{", b"[]", b"\xff", b'{"a":NaN}', b"[" * 9999):
        [event] = parse_update(broken, PRIVATELY)
        assert event.kind == "unsupported" and event.detail["problem"]


def test_what_the_bot_itself_wrote_is_an_echo() -> None:
    ours = {"id": 7001, "is_bot": True, "first_name": "Shop"}
    assert one({"message": {**message(text="x"), "from": ours}}).is_echo
