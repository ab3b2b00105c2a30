"""`[[webhooks]]` of omni.toml, as it is written.

Whoever looks for the server's socket imports this, so it needs no channel and no database.
"""

from __future__ import annotations

import msgspec

from channels.secret import Secret
from server.webhooks import kinds


class EventWebhookSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`[[webhooks]]`. Its place in the event log is kept under its name."""

    url: str
    secret: Secret  # whsec_ and base64: signs each request
    previous_secret: Secret | None = None  # signs as well, as long as the receiver may still have that one
    name: str = ""  # "": the host of `url`
    events: tuple[str, ...] = kinds.DEFAULT
    networks: tuple[str, ...] = ()  # not on the internet, and `url` may lead there all the same
    timeout_seconds: float = 15.0
    owner: str = ""  # who answers for it: a login, or a team
