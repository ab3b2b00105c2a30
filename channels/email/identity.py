"""Message-IDs that only this installation can make: `<c42.m977.MAC@domain>`.

The MAC (HMAC-SHA256, 100 bits, base32) makes a reference trustworthy: whoever quotes it was given it by
us, or by somebody who was. It is lower case and compared without case, because some servers change it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re

MAC_CHARS = 20

_OWN = re.compile(r"<c(\d{1,18})\.m(\d{1,18})\.([a-z2-7]{20})@[^<>@\s]+>", re.IGNORECASE)


def message_id(key: bytes, conversation_id: int, message_id: int, domain: str) -> str:
    """The same for the same message on every attempt, so that receivers can collapse a repeat."""
    stem = f"c{conversation_id}.m{message_id}"
    return f"<{stem}.{_mac(key, stem)}@{domain}>"


def is_ours(key: bytes, remote_id: str) -> bool:
    """Did we make this Message-ID? Constant time in the MAC."""
    match = _OWN.fullmatch(remote_id)
    if match is None:
        return False
    stem = f"c{match[1]}.m{match[2]}"
    return hmac.compare_digest(_mac(key, stem), match[3].lower())


def _mac(key: bytes, stem: str) -> str:
    digest = hmac.new(key, stem.encode("ascii"), hashlib.sha256).digest()
    return base64.b32encode(digest).decode("ascii").lower()[:MAC_CHARS]
