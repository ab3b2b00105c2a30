"""Who the site says its visitor is: a short-lived HS256 JWT. Pure.

RFC 7519 and RFC 8725: one algorithm, checked before anything else is believed; `exp` is required.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import Any

import msgspec

from channels import json_input
from channels.contacts import email_address, phone_number

SECRET_BYTES_MIN = 32  # RFC 7518 3.2: as long as the hash
TOKEN_MAX = 4096
LIFETIME_MAX_S = 86_400
SKEW_S = 60


class IdentityError(ValueError):
    """The token is not believed. `code` is what the widget is told: identity_invalid or identity_expired."""

    def __init__(self, message: str, code: str = "identity_invalid") -> None:
        super().__init__(message)
        self.code = code


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """What a believed token says. The flags are true only where the site says so in as many words."""

    sub: str
    name: str = ""
    email: str = ""
    email_verified: bool = False
    phone: str = ""
    phone_verified: bool = False


def _bytes(part: str) -> bytes:
    if not part.isascii() or "=" in part:
        raise IdentityError("not base64url")
    try:
        decoded = base64.b64decode(part + "=" * (-len(part) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise IdentityError("not base64url") from error
    if base64.urlsafe_b64encode(decoded).rstrip(b"=").decode() != part:
        raise IdentityError("not canonical base64url")
    return decoded


def _number(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise IdentityError(f"{name} is not a number")
    return float(value)


def sign(key: bytes, claims: dict[str, Any]) -> str:
    """A token as a site makes it; for tests, examples and `omni` commands."""
    encoded = [
        base64.urlsafe_b64encode(msgspec.json.encode(part)).rstrip(b"=")
        for part in ({"alg": "HS256", "typ": "JWT"}, claims)
    ]
    signed = b".".join(encoded)
    digest = hmac.new(key, signed, hashlib.sha256).digest()
    return (signed + b"." + base64.urlsafe_b64encode(digest).rstrip(b"=")).decode()


def read(token: str, key: bytes, audience: str, now_s: float, country: str = "") -> Identity:
    """The identity in a token. Raises IdentityError.

    `audience` is the channel's id: a token that names an `aud` must name it. `now_s` is Unix seconds.
    """
    parts = token.split(".") if len(token) <= TOKEN_MAX else []
    if len(parts) != 3:
        raise IdentityError("not a signed token")
    try:
        header = json_input.table(json_input.decode(_bytes(parts[0])))
        if header.get("alg") != "HS256" or "crit" in header:
            raise IdentityError("the algorithm must be HS256")
        expected = hmac.new(key, f"{parts[0]}.{parts[1]}".encode(), hashlib.sha256).digest()
        if not hmac.compare_digest(expected, _bytes(parts[2])):
            raise IdentityError("the signature does not match")
        claims = json_input.table(json_input.decode(_bytes(parts[1])))
    except json_input.JsonInputError as error:
        raise IdentityError(str(error)) from error
    _check_times(claims, now_s)
    given = claims.get("aud")
    if given is not None and audience not in (given if isinstance(given, list) else [given]):
        raise IdentityError("made for another audience")
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= 200 or not sub.isprintable():
        raise IdentityError("sub is missing")
    phone_text = json_input.string(claims.get("phone") or claims.get("phone_number"), 60)
    phone_flag = claims.get("phone_verified", claims.get("phone_number_verified"))
    return Identity(
        sub=sub,
        name=json_input.string(claims.get("name"), 200),
        email=email_address(json_input.string(claims.get("email"), 320)) or "",
        email_verified=claims.get("email_verified") is True,
        phone=phone_number(phone_text, country) or "",
        phone_verified=phone_flag is True,
    )


def _check_times(claims: dict[str, Any], now_s: float) -> None:
    expires = _number(claims, "exp")
    if expires is None:
        raise IdentityError("exp is missing")
    if now_s >= expires:
        raise IdentityError("expired", "identity_expired")
    if expires - now_s > LIFETIME_MAX_S + SKEW_S:
        raise IdentityError("valid for longer than a day; make it short-lived")
    for name in ("nbf", "iat"):
        begins = _number(claims, name)
        if begins is not None and begins > now_s + SKEW_S:
            raise IdentityError(f"{name} is in the future")
