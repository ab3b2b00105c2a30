"""Who else a mail names: the other recipients, and where it asks answers to go."""

from __future__ import annotations

from email.message import Message
from typing import Any

import msgspec

from channels.base import Correspondent
from channels.email import headers
from channels.email.addresses import canonical, find_mailboxes
from channels.email.identity import without_tag

MAX_CORRESPONDENTS = 50


def correspondents(message: Message[Any, Any], sender: str, own: str) -> tuple[Correspondent, ...]:
    """Each address once, in its first role; our own address, signed or not, and the sender's are left out."""
    found: dict[str, Correspondent] = {}
    for header in ("to", "cc", "reply-to"):
        values = ", ".join(headers.raw_values(message, header))
        for box in find_mailboxes(values):
            address = canonical(box.address)
            if not address or address == sender or without_tag(address) == own:
                continue
            role = header.replace("-", "_")
            name = headers.decoded(box.name)[:200]
            one = msgspec.convert({"role": role, "address": address, "name": name}, Correspondent)
            found.setdefault(address, one)
            if len(found) >= MAX_CORRESPONDENTS:
                return tuple(found.values())
    return tuple(found.values())
