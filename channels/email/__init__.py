"""The e-mail channel: IMAP in, SMTP out.

What it supports is described in docs/channels/email.md; how no mail is lost or doubled in
`channels.email.bookmark` and `channels.email.folder`. The names are fetched when they are asked for: the
processes that only parse need none of the protocols.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from channels.email.channel import EmailChannel as EmailChannel
    from channels.email.settings import EmailSettings as EmailSettings

__all__ = ["EmailChannel", "EmailSettings"]


def __getattr__(name: str) -> Any:
    if name == "EmailChannel":
        from channels.email.channel import EmailChannel

        return EmailChannel
    if name == "EmailSettings":
        from channels.email.settings import EmailSettings

        return EmailSettings
    raise AttributeError(name)
