"""What a Telegram message holds: its text, its files by name, what it says of places and people. Pure."""

from __future__ import annotations

import math
import mimetypes
import re
from typing import Any, Final, Literal

import msgspec

from channels.base import Attachment, Contact
from channels.contacts import phone_number
from channels.json_input import string, table

TEXT_MAX = 20_000
NAME_MAX = 200
ID_MAX = 300

Kind = Literal["file", "image", "audio", "voice", "video", "sticker"]

# field of the message -> kind, name and type where the sender's client gave none
_FILES: Final[dict[str, tuple[Kind, str, str]]] = {
    "animation": ("video", "animation", "video/mp4"),
    "document": ("file", "file", "application/octet-stream"),
    "voice": ("voice", "voice", "audio/ogg"),
    "audio": ("audio", "audio", "audio/mpeg"),
    "video": ("video", "video", "video/mp4"),
    "video_note": ("video", "video_note", "video/mp4"),
}
_EXTENSIONS: Final = {
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "video/mp4": ".mp4",
    "image/webp": ".webp",
    "video/webm": ".webm",
    "application/x-tgsticker": ".tgs",
    "application/octet-stream": "",
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


def integer(value: Any) -> int | None:
    """An id or a time, as far as a JSON number can be one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else None


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
        found.append(_attachment(photos[-1], "image", "photo.jpg", "image/jpeg"))
    for field, (kind, name, content_type) in _FILES.items():
        given = message.get(field)
        # An animation comes as a document, too, for clients that know no animations.
        if isinstance(given, dict) and not (field == "document" and "animation" in message):
            content_type = string(given.get("mime_type"), 100) or content_type
            name = string(given.get("file_name"), NAME_MAX) or name + extension(content_type)
            found.append(_attachment(given, kind, name, content_type))
    sticker = message.get("sticker")
    if isinstance(sticker, dict):
        animated, video = sticker.get("is_animated") is True, sticker.get("is_video") is True
        content_type = "application/x-tgsticker" if animated else "video/webm" if video else "image/webp"
        name = f"sticker {string(sticker.get('emoji'), 20)}".strip() + extension(content_type)
        found.append(_attachment(sticker, "sticker", name, content_type))
    return found


def extension(content_type: str) -> str:
    known = _EXTENSIONS.get(content_type)
    return (mimetypes.guess_extension(content_type) or "") if known is None else known


def _attachment(given: dict[str, Any], kind: Kind, name: str, content_type: str) -> Attachment:
    ref = string(given.get("file_id"), ID_MAX)
    size = integer(given.get("file_size"))
    return Attachment(
        name=name,
        content_type=content_type,
        kind=kind,
        ref=ref,
        size=size if size is not None and size >= 0 else None,
        problem="" if ref else "Telegram gave no file_id for it",
    )


def _degrees(value: Any, limit: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and abs(value) <= limit else None


def _place(message: dict[str, Any], content: Content) -> None:
    venue = table(message.get("venue"))
    place = table(message.get("location")) or table(venue.get("location"))
    lat, lon = _degrees(place.get("latitude"), 90), _degrees(place.get("longitude"), 180)
    if lat is None or lon is None:
        return
    content.detail |= {"lat": str(lat), "lon": str(lon)}
    named = [string(venue.get(key), 300) for key in ("title", "address")]
    where = ", ".join([*filter(None, named), f"{lat:.6f}, {lon:.6f}"])
    content.text = "\n".join(filter(None, [content.text, f"\N{ROUND PUSHPIN} {where}"]))


def _contact(message: dict[str, Any], sender_id: int | None, country: str, content: Content) -> None:
    """A shared contact. Only of the sender's own card does Telegram vouch for the number."""
    card = table(message.get("contact"))
    given = string(card.get("phone_number"), 60).strip()
    if not given:
        return
    # Telegram writes numbers in full, but mostly without the plus.
    number = phone_number(f"+{given.lstrip('+')}", "") or phone_number(given, country)
    name = " ".join(filter(None, (string(card.get(key), 100) for key in ("first_name", "last_name"))))
    own = sender_id is not None and integer(card.get("user_id")) == sender_id
    content.shared_contact = True
    content.detail["contact"] = "own" if own else "somebody else's"
    card_text = f"\N{BLACK TELEPHONE} {' '.join(filter(None, [name, number or given]))}"
    content.text = "\n".join(filter(None, [content.text, card_text]))
    if own and number:
        content.contacts = (
            Contact(scheme="phone", external_id=number, verified=True, evidence="own contact on Telegram"),
        )


def person_name(user: dict[str, Any]) -> str:
    return " ".join(filter(None, (string(user.get(key), 100) for key in ("first_name", "last_name"))))


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
