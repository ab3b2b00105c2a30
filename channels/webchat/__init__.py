"""Site chat: a widget for the shop's pages, and the small public API it speaks."""

from __future__ import annotations

from channels.webchat.channel import WebchatChannel
from channels.webchat.settings import ContinueLink, WebchatSettings

__all__ = ["ContinueLink", "WebchatChannel", "WebchatSettings"]
