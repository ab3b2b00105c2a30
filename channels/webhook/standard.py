"""Standard Webhooks 1.0.0: symmetric signatures (v1). Pure functions.

Specification: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence

PREFIX = "whsec_"
TOLERANCE_S = 300

# The specification forbids full stops in ids: bytes could be moved between id, time and body.
_ID = re.compile(r"[!-+\--~]{1,255}")
_TIME = re.compile(r"[0-9]{1,12}")
_SIGNATURE = re.compile(r"[a-z0-9]{1,8},[A-Za-z0-9+/=_-]{1,512}")
_SIGNATURES_MAX = 16


class SignatureError(ValueError):
    """Why a signature does not hold; for the log, never for the caller."""


def read_secret(text: str) -> bytes:
    """The key bytes of a secret written `whsec_` + base64. Raises ValueError unless it has 24 to 64 bytes."""
    encoded = text.removeprefix(PREFIX)
    try:
        key = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("it is not base64 after 'whsec_'") from error
    if not 24 <= len(key) <= 64:
        raise ValueError(f"it has {len(key)} bytes, not 24 to 64")
    return key


def sign(key: bytes, webhook_id: str, timestamp: int, body: bytes) -> str:
    """One signature: `v1,` and the base64 of HMAC-SHA256 over `id.timestamp.body`."""
    digest = hmac.new(key, f"{webhook_id}.{timestamp}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def headers(keys: Sequence[bytes], webhook_id: str, timestamp: int, body: bytes) -> dict[str, str]:
    """Headers of a request signed with every key, so that a receiver may be in the middle of a rotation."""
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(sign(key, webhook_id, timestamp, body) for key in keys),
    }


def check(keys: Sequence[bytes], given: Mapping[str, str], body: bytes, now_s: int) -> str:
    """Verify a request and return its webhook-id.

    `given` has lower-case names, repeated headers joined by ', ' (and so refused: a comma is no part of
    an id or a time, and never stands at the end of a signature). Raises SignatureError.
    """
    webhook_id = given.get("webhook-id", "")
    timestamp = given.get("webhook-timestamp", "")
    signatures = given.get("webhook-signature", "")
    if not webhook_id or not timestamp or not signatures:
        raise SignatureError("a webhook header is missing")
    if not _ID.fullmatch(webhook_id) or "." in webhook_id:
        raise SignatureError("webhook-id is malformed or repeated")
    if not _TIME.fullmatch(timestamp):
        raise SignatureError("webhook-timestamp is malformed or repeated")
    tokens = signatures.split(" ")
    if len(tokens) > _SIGNATURES_MAX or not all(_SIGNATURE.fullmatch(token) for token in tokens):
        raise SignatureError("webhook-signature is malformed or repeated")
    if abs(now_s - int(timestamp)) > TOLERANCE_S:
        raise SignatureError(f"webhook-timestamp is more than {TOLERANCE_S} s off")
    genuine = False
    for key in keys:
        expected = sign(key, webhook_id, int(timestamp), body).encode()
        for token in tokens:
            genuine |= hmac.compare_digest(expected, token.encode())
    if not genuine:
        raise SignatureError("no signature matches")
    return webhook_id
