"""Signed webhooks both ways, by the Standard Webhooks specification."""

from __future__ import annotations

from channels.webhook.channel import WebhookChannel, WebhookSettings

__all__ = ["WebhookChannel", "WebhookSettings"]
