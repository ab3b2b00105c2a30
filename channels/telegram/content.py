"""What a Telegram message holds: its text, its files by name, what it says of places and people. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec

from channels.base import Attachment, Contact
from channels.json_input import string, table
from channels.messenger.reading import FileKind, attachment, extension, integer, joined, place, shared_phone

TEXT_MAX = 20_000
NAME_MAX = 200
ID_MAX = 300

# field of the message -> kind, name and type where the sender's client gave none
_FILES: Final[dict[str, tuple[FileKind, str, str]]] = {
    "animation": ("video", "animation", "video/mp4"),
    "document": ("file", "file", "application/octet-stream"),
    "voice": ("voice", "voice", "audio/ogg"),
    "audio": ("audio", "audio", "audio/mpeg"),
    "video": ("video", "video", "video/mp4"),
    "video_note": ("video", "video_note", "video/mp4"),
}
# What every message may have, so that the rest names its content.
_ENVELOPE: Final = re.compile(
    r"message_id|message_thread_id|from|sender_chat|chat|date|edit_date|reply_to_message|quote"
    r"|external_reply|forward_origin|forward_from|forward_from_chat|forward_from_message_id"
    r"|forward_sender_name|forward_date|forward_signature|is_automatic_forward|media_group_id|via_bot"
    r"|author_signature|effect_id|entities|caption_entities|has_media_spoiler|link_preview_options"
    r"|has_protected_content|reply_markup|show_caption_above_media|sender_boost_count|is_from_offline"
    r"|caption|is_topic_message|text|business_connection_id|sender_business_bot"
)


class Content(msgspec.Struct, kw_only=True):
    text: str = ""
    files: list[Attachment] = []
    detail: dict[str, str] = {}
    contacts: tuple[Contact, ...] = ()
    shared_contact: bool = False
    problem: str = ""  # there is nothing in it that can be shown


def read(message: dict[str, Any], sender_id: int | None, country: str) -> Content:
    """Everything of a message but who wrote it where and when. `country`: for phones without a code."""
    content = Content(text=string(message.get("text"), TEXT_MAX) or string(message.get("caption"), TEXT_MAX))
    content.files = _files(message)
    _place(message, content)
    _contact(message, sender_id, country, content)
    quoted = string(table(message.get("quote")).get("text"), 1000)
    if quoted:
        content.detail["quote"] = quoted
    if forwarded := _forwarded_from(message):
        content.detail["forwarded_from"] = forwarded
    if not content.text and not content.files:
        # Dice, polls, games, gifts, service messages, and whatever will be invented.
        names = sorted(name for name in message if not _ENVELOPE.fullmatch(name))
        content.problem = f"a message that cannot be shown here: {', '.join(names)[:200] or 'empty'}"
    return content


def _files(message: dict[str, Any]) -> list[Attachment]:
    found = []
    sizes = message.get("photo")
    photos = [one for one in sizes if isinstance(one, dict)] if isinstance(sizes, list) else []
    if photos:  # one photo in several sizes, the largest last
        found.append(_file(photos[-1], "image", "photo.jpg", "image/jpeg"))
    for field, (kind, name, content_type) in _FILES.items():
        given = message.get(field)
        # An animation comes as a document, too, for clients that know no animations.
        if isinstance(given, dict) and not (field == "document" and "animation" in message):
            content_type = string(given.get("mime_type"), 100) or content_type
            name = string(given.get("file_name"), NAME_MAX) or name + extension(content_type)
            found.append(_file(given, kind, name, content_type))
    sticker = message.get("sticker")
    if isinstance(sticker, dict):
        animated, video = sticker.get("is_animated") is True, sticker.get("is_video") is True
        content_type = "application/x-tgsticker" if animated else "video/webm" if video else "image/webp"
        name = f"sticker {string(sticker.get('emoji'), 20)}".strip() + extension(content_type)
        found.append(_file(sticker, "sticker", name, content_type))
    return found


def _file(given: dict[str, Any], kind: FileKind, name: str, content_type: str) -> Attachment:
    ref = string(given.get("file_id"), ID_MAX)
    return attachment(
        ref, given.get("file_size"), kind, name, content_type, "Telegram gave no file_id for it"
    )


def _say(content: Content, line: str) -> None:
    content.text = "\n".join(filter(None, [content.text, line]))


def _place(message: dict[str, Any], content: Content) -> None:
    venue = table(message.get("venue"))
    spot = table(message.get("location")) or table(venue.get("location"))
    named = joined((venue.get("title"), venue.get("address")), 300, ", ")
    found = place(spot.get("latitude"), spot.get("longitude"), named)
    if found is not None:
        content.detail |= found[0]
        _say(content, found[1])


def _contact(message: dict[str, Any], sender_id: int | None, country: str, content: Content) -> None:
    """A shared contact. Only of the sender's own card does Telegram vouch for the number."""
    card = table(message.get("contact"))
    given = string(card.get("phone_number"), 60).strip()
    if not given:
        return
    own = sender_id is not None and integer(card.get("user_id")) == sender_id
    line, proof = shared_phone(given, person_name(card), country, own, "own contact on Telegram")
    content.shared_contact = True
    content.detail["contact"] = "own" if own else "somebody else's"
    content.contacts = (proof,) if proof is not None else ()
    _say(content, line)


def person_name(user: dict[str, Any]) -> str:
    return joined((user.get("first_name"), user.get("last_name")), 100)


def _forwarded_from(message: dict[str, Any]) -> str:
    origin = table(message.get("forward_origin"))
    for user in (origin.get("sender_user"), message.get("forward_from")):
        if name := person_name(table(user)):
            return name
    for chat in (origin.get("sender_chat"), origin.get("chat"), message.get("forward_from_chat")):
        if title := string(table(chat).get("title"), NAME_MAX):
            return title
    for given in (origin.get("sender_user_name"), message.get("forward_sender_name")):
        if hidden := string(given, NAME_MAX):
            return hidden
    return "somebody" if origin else ""
