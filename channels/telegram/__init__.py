"""Telegram, by its Bot API: webhook or long polling in, sendMessage and its kin out.

What it supports is described in docs/channels/telegram.md. Facts about the API are those of
https://core.telegram.org/bots/api.
"""

from __future__ import annotations

from channels.telegram.channel import TelegramChannel
from channels.telegram.settings import TelegramSettings

__all__ = ["TelegramChannel", "TelegramSettings"]
