"""Telephone numbers and e-mail addresses in what people write. Pure; what is found is only ever offered."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec
import phonenumbers
from phonenumbers import Leniency, PhoneNumberFormat, PhoneNumberMatcher

from channels.contacts import email_address

TEXT_MAX = 4000  # of one message; who writes more of them than fit in there writes no address
TRIES_MAX = 40
FOUND_MAX = 10

_DIGIT_RUN = re.compile(r"\d(?:[^\d\n]{0,3}\d){6}")
# A word, an @, and a name with a dot, in any alphabet. What surrounds it in a sentence is not part of it.
_EMAIL = re.compile(
    r"(?<![\w.+@-])[\w](?:[\w.+'-]{0,62}[\w])?\s?(?:@|\(at\)|\[at\]|\(собака\)|\[собака\])\s?"
    r"(?:[^\W_](?:[\w-]{0,61}[^\W_])?\.){1,5}[^\W\d_]{2,24}(?![\w@])"
)
_AT = re.compile(r"\s?(?:@|\(at\)|\[at\]|\(собака\)|\[собака\])\s?")


class Found(msgspec.Struct, frozen=True):
    """An address as it can be compared, and as it was written."""

    scheme: str  # "email" | "phone"
    external_id: str
    shown: str


def find(text: str, country: str) -> list[Found]:
    """Addresses in the order in which they are written, each once.

    `country`: ISO 3166 code of numbers without a country code, or ''.
    """
    text = text[:TEXT_MAX]
    found = [*_emails(text), *_phones(text, country)]
    found.sort(key=lambda item: item[0])
    return list({(one.scheme, one.external_id): one for _, one in reversed(found)}.values())[::-1][:FOUND_MAX]


def _emails(text: str) -> Iterable[tuple[int, Found]]:
    if "@" not in text and "(at)" not in text and "[at]" not in text and "собака" not in text:
        return
    for match in _EMAIL.finditer(text):
        address = email_address(_AT.sub("@", match[0]))
        if address is not None:
            yield match.start(), Found("email", address, match[0])


def _phones(text: str, country: str) -> Iterable[tuple[int, Found]]:
    # Most messages hold no number: the matcher is asked about the others only.
    if _DIGIT_RUN.search(text) is None:
        return
    matcher = PhoneNumberMatcher(text, country or None, leniency=Leniency.VALID, max_tries=TRIES_MAX)
    for match in matcher:
        before = text[max(0, match.start - 1) : match.start]
        if before.isalnum() or before in {"№", "#", "@"}:
            continue  # a part of something else: an order number, a link, a nickname
        number = phonenumbers.format_number(match.number, PhoneNumberFormat.E164)
        yield match.start, Found("phone", number, match.raw_string.strip())
