"""Limits and names of the Bot API."""

from __future__ import annotations

from typing import Final

API: Final = "https://api.telegram.org"
SECRET_HEADER: Final = "x-telegram-bot-api-secret-token"  # noqa: S105 - a header's name

# Without this list message_reaction is never sent.
ALLOWED_UPDATES: Final = ("message", "edited_message", "callback_query", "message_reaction", "my_chat_member")

TEXT_MAX: Final = 4096  # after entities; counted here in UTF-16, the strictest reading
CAPTION_MAX: Final = 1024
GROUP_MAX: Final = 10  # files of one sendMediaGroup
DOWNLOAD_MAX: Final = 20 * 1024 * 1024
UPLOAD_MAX: Final = 50_000_000
PHOTO_MAX: Final = 10_000_000
PHOTO_TYPES: Final = frozenset({"image/jpeg", "image/png", "image/webp"})

PER_SECOND: Final = 30.0
PER_CHAT_S: Final = 1.0  # seconds between two messages to one chat

# Telegram sends updates of one chat one after the other, those of different chats at the same time.
MAX_CONNECTIONS: Final = 16
DOWNLOADS: Final = 4  # at the same time: each may hold DOWNLOAD_MAX in memory
