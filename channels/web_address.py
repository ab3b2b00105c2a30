"""Addresses of web pages, as they may be kept and shown: without what could open something. Pure."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit, urlunsplit

ADDRESS_MAX = 1000

# A parameter is left out when one of the words of its name is one of these: `reset-token`, `sessionId`.
_SECRET_WORDS = frozenset(
    {"token", "tok", "key", "apikey", "session", "sessid", "sid", "jsessionid", "phpsessid", "sess"}
    | {
        "password",
        "passwd",
        "passwort",
        "pass",
        "pwd",
        "pw",
        "code",
        "otp",
        "pin",
        "sig",
        "sign",
        "signature",
    }
    | {
        "secret",
        "auth",
        "oauth",
        "authorization",
        "jwt",
        "credential",
        "credentials",
        "hash",
        "hmac",
        "nonce",
    }
    | {
        "state",
        "ticket",
        "saml",
        "samlresponse",
        "email",
        "mail",
        "login",
        "username",
        "user",
        "phone",
        "tel",
    }
    | {"telephone", "mobile", "card", "pan", "cvv", "cvc", "iban", "ssn", "inn", "snils", "passport"}
    | {"access", "refresh", "invite", "magic", "unsubscribe", "recovery", "csrf", "xsrf", "verification"}
)
# Names that advertising puts there: what they hold is long and random, and opens nothing.
_HARMLESS = re.compile(r"(utm_[a-z_]{1,20}|gclid|gbraid|wbraid|yclid|ysclid|fbclid|msclkid|vkclid|roistat)")
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|[0-9]+|[^\W_a-zA-Z0-9]+")
_EMAIL = re.compile(r"[^\s/@]+@[^\s/@]+\.[^\s/@]+")
_JWT = re.compile(r"eyJ[\w-]{8,}")
# Long, without spaces, of letters and digits mixed: nobody types that, and it is no word of a page's name.
_RANDOM = re.compile(r"(?=[^\s]*\d)(?=[^\s]*[A-Za-z])[\w+/=.~-]{24,}")
_HEX = re.compile(r"[0-9a-fA-F]{20,}")
_PHONE = re.compile(r"\+?[78]?[\s(-]*\d{3}[\s)-]*\d{3}[\s-]*\d{2}[\s-]*\d{2}")

GONE = "…"


def _named_secret(name: str) -> bool:
    words = [word.lower() for word in _WORDS.findall(name)]
    return any(word in _SECRET_WORDS for word in words) or "".join(words) in _SECRET_WORDS


def _looks_secret(value: str) -> bool:
    found = _JWT.search(value) or _EMAIL.search(value) or _HEX.search(value)
    return bool(found or _RANDOM.fullmatch(value) or _PHONE.fullmatch(value.strip()))


def _clean_path(path: str) -> str:
    kept = []
    for segment in path.split("/"):
        plain, *matrix = unquote(segment).split(";")  # `/cart;jsessionid=…`
        hyphened = "-" in plain and not _HEX.search(plain.replace("-", ""))
        secret = bool(_JWT.search(plain) or _EMAIL.search(plain) or _HEX.search(plain))
        secret = secret or (_RANDOM.fullmatch(plain) is not None and not hyphened)
        kept.append(GONE if secret else quote(plain, safe="!$&'()*+,=:@~-._") if matrix else segment)
    return "/".join(kept)


def _clean_query(query: str) -> str:
    pairs = []
    for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=100):
        harmless = _HARMLESS.fullmatch(name.lower()) and not _EMAIL.search(value)
        if harmless or not (_named_secret(name) or _looks_secret(value) or _looks_secret(name)):
            pairs.append((name, value))
    return urlencode(pairs)


def clean_address(text: str) -> str:
    """The page's address without parameters that look like secrets or say who somebody is; '' for what is
    no http(s) address. User, password and fragment go as a whole, secrets in the path become '…'."""
    if len(text) > ADDRESS_MAX * 4 or not text.isprintable():
        return ""
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname or "", parts.port
        if parts.scheme not in ("http", "https") or not host:
            return ""
        place = f"[{host}]" if ":" in host else host
        netloc = f"{place}:{port}" if port is not None else place
        query = _clean_query(parts.query)
    except ValueError:
        return ""
    return urlunsplit(SplitResult(parts.scheme, netloc, _clean_path(parts.path), query, ""))[:ADDRESS_MAX]


def campaign(address: str) -> dict[str, str]:
    """utm_source, utm_medium, … of an address, without the prefix."""
    try:
        pairs = parse_qsl(urlsplit(address).query, max_num_fields=100)
    except ValueError:
        return {}
    return {name[4:]: value for name, value in pairs if name in CAMPAIGN}


CAMPAIGN = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content")
