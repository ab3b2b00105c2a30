"""What stands where in an update: https://core.telegram.org/bots/api#update."""

from __future__ import annotations

import re
from typing import Any, Final

from channels.json_input import string
from channels.messenger.forms import (
    CardForm,
    ChatForm,
    FileFields,
    FileForm,
    Membership,
    MessageForm,
    PersonForm,
    Pressed,
    Reacted,
    Said,
    SpotForm,
    UpdateForm,
)


def _sticker(given: dict[str, Any]) -> tuple[str, str]:
    """Its name and type, of which it says neither."""
    animated, video = given.get("is_animated") is True, given.get("is_video") is True
    content_type = "application/x-tgsticker" if animated else "video/webm" if video else "image/webp"
    return f"sticker {string(given.get('emoji'), 20)}".strip(), content_type


MESSAGE: Final = MessageForm(
    number="message_id",
    date="date",
    text=("text", "caption"),
    file=FileFields(ref="file_id", size="file_size", name="file_name", type="mime_type"),
    files=(
        FileForm("photo.-1", "image", "photo", "image/jpeg"),  # in several sizes, the largest last
        FileForm("animation", "video", "animation", "video/mp4"),
        # An animation comes as a document, too, for clients that know no animations.
        FileForm("document", "file", "file", "application/octet-stream", unless="animation"),
        FileForm("voice", "voice", "voice", "audio/ogg"),
        FileForm("audio", "audio", "audio", "audio/mpeg"),
        FileForm("video", "video", "video", "video/mp4"),
        FileForm("video_note", "video", "video_note", "video/mp4"),
        FileForm("sticker", "sticker", _sticker),
    ),
    spot=SpotForm(at=("location", "venue.location"), named=("venue.title", "venue.address")),
    card=CardForm(at="contact", phone="phone_number", owner="user_id", evidence="own contact on Telegram"),
    answers="reply_to_message.message_id",
    quote="quote.text",
    forwarded=(
        "forward_origin.sender_user",
        "forward_from",
        "forward_origin.sender_chat.title",
        "forward_origin.chat.title",
        "forward_from_chat.title",
        "forward_origin.sender_user_name",
        "forward_sender_name",
    ),
    album="media_group_id",
    start=re.compile(r"/start(?:@\w+)?(?:\s+([A-Za-z0-9_-]{1,64}))?\s*"),
    envelope=re.compile(
        r"message_id|message_thread_id|from|sender_\w+|chat|date|edit_date|reply_to_message|reply_markup"
        r"|quote|external_reply|forward_\w+|is_automatic_forward|is_from_offline|is_topic_message"
        r"|media_group_id|via_bot|author_signature|effect_id|entities|has_\w+|link_preview_options"
        r"|text|\w*caption\w*|business_connection_id"
    ),
)

UPDATES: Final = UpdateForm(
    platform="Telegram",
    number="update_id",
    person=PersonForm(locale="language_code"),
    chat=ChatForm(groups=frozenset({"group", "supergroup"})),
    message=MESSAGE,
    kinds=(
        Said(at="message", sender="from"),
        Said(at="edited_message", sender="from", edited="edit_date"),
        Pressed(at="callback_query", sender="from", id="id", data="data", message="message"),
        Reacted(
            at="message_reaction",
            sender="user",
            number="message_id",
            date="date",
            now="new_reaction",
            before="old_reaction",
            named={"custom_emoji": "[custom emoji]", "paid": "\N{WHITE MEDIUM STAR}"},
        ),
        Membership(
            at="my_chat_member",
            sender="from",
            date="date",
            status="new_chat_member.status",
            kinds={"kicked": "blocked", "member": "unblocked"},
        ),
    ),
)
