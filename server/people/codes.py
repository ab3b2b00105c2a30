"""One-time codes: six digits that a person tells, and tokens that a link carries. Pure.

A code is made from the installation's key and a random nonce, so that nothing but the nonce has to wait in
the database for its sending. What is compared and sought is a keyed digest. When a code was used or has run
out its nonce is forgotten, and with it the code.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from typing import Literal

import msgspec

DIGITS = 6
DIGITS_MS = 10 * 60_000
TRIES = 5
SENT_MAX = 3  # codes to one address, and from one conversation …
SENT_MS = 3_600_000  # … in this time
NONCE_BYTES = 16

# Stands in a stored message where the code goes when it is sent; nobody but its receiver ever sees the code.
MASK = "\u2022" * DIGITS

Kind = Literal["digits", "link"]

_TOLD = re.compile(r"\s*(?:[0-9][\s-]?){6}\s*")


class CodeRules(msgspec.Struct, frozen=True, kw_only=True):
    """What making a code depends on."""

    key: bytes
    site_name: str
    language: str = "en"
    link_ms: int = 3_600_000


def secret(key: bytes, kind: Kind, nonce: bytes) -> str:
    """The code itself: six digits, or 128 bits in base64url."""
    made = hmac.new(_own(key), f"{kind}\x00".encode() + nonce, hashlib.sha256).digest()
    if kind == "digits":
        return f"{int.from_bytes(made, 'big') % 10**DIGITS:0{DIGITS}}"
    return base64.urlsafe_b64encode(made[:16]).rstrip(b"=").decode()


def digest(key: bytes, kind: Kind, nonce: bytes, given: str) -> bytes:
    """What is stored of a code and compared. A link is sought by it, so it depends on nothing else."""
    salt = nonce if kind == "digits" else b""
    return hmac.new(_own(key), b"digest\x00" + salt + given.encode(), hashlib.sha256).digest()


def is_right(stored: bytes, key: bytes, kind: Kind, nonce: bytes, given: str) -> bool:
    """In constant time."""
    return hmac.compare_digest(stored, digest(key, kind, nonce, given))


def digits_told(text: str) -> str | None:
    """The digits, where a message is nothing but six of them, as people write them."""
    if len(text) > 40 or _TOLD.fullmatch(text) is None:
        return None
    return "".join(filter(str.isdigit, text))


def masked(text: str, code: str) -> str:
    return text.replace(code, MASK)


def _own(key: bytes) -> bytes:
    return hmac.new(key, b"codes", hashlib.sha256).digest()
