"""Values of hostile headers as text. Total: nothing here raises, whatever the sender wrote.

Works on the values that `email`'s compat32 parser kept: `str` with 8-bit bytes as surrogates.
"""

from __future__ import annotations

import base64
import binascii
import functools
import re
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from email._policybase import Compat32
from email.message import Message
from email.utils import parsedate_tz
from typing import Any

from channels.email import charset

MAX_HEADER = 16 * 1024
MAX_STRUCTURED = 3_000  # of a Content-… header: the library's time grows with the square of its length
MAX_IDS = 100

_FOLD = re.compile(r"\r?\n(?=[ \t])|[\r\n]+")

_WORD = re.compile(r"=\?([^?\s]{1,60})\?([bBqQ])\?([^?]*)\?=")
_BETWEEN = re.compile(r"(\?=)[ \t\r\n]+(?==\?[^?\s]{1,60}\?[bBqQ]\?)")
# Real ids hold nearly anything, brackets included (cpython 94306); they end at ">" and have an "@".
_ID = re.compile(r"<([^<>\s\x00]{1,900}@[^<>\s\x00]{0,255})>")


class _Bounded(Compat32):
    """compat32 whose headers are cut while they are read, in the mail and in each of its parts."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        name, value = super().header_source_parse(sourcelines)
        return name, cut(name, value)


def cut(name: str, value: str) -> str:
    return value[: MAX_STRUCTURED if name[:8].lower() == "content-" else MAX_HEADER]


POLICY = _Bounded()


def raw_values(message: Message[Any, Any], name: str) -> Sequence[str]:
    """All values of a header as stored: unfolded, capped, 8-bit bytes still as surrogates."""
    return _by_name(message).get(name.lower(), ())


def _by_name(message: Message[Any, Any]) -> dict[str, list[str]]:
    """The headers by lower-case name; gathered once for a message that was read, which is asked for dozens
    of them."""
    found: dict[str, list[str]] | None = getattr(message, "_omni_by_name", None)
    if found is None:
        found = {}
        for name, value in message.raw_items():
            found.setdefault(name.lower(), []).append(_unfolded(value))
        message._omni_by_name = found  # type: ignore[attr-defined]
    return found


def _unfolded(value: Any) -> str:
    text = str(value)[:MAX_HEADER]
    if "\n" in text or "\r" in text:
        text = _FOLD.sub("", text)
    return text.strip()


def raw_value(message: Message[Any, Any], name: str) -> str:
    """The first value of a header, or ""."""
    values = raw_values(message, name)
    return values[0] if values else ""


def eight_bit(value: str) -> str:
    """Raw 8-bit text in a header (no encoded words): UTF-8 or a guess."""
    if value.isascii():
        return value
    return charset.guess(value.encode("utf-8", "surrogateescape"))


def decoded(value: str) -> str:
    """A header value for people: encoded words (RFC 2047) and raw 8-bit decoded, one line, no controls."""
    value = value[:MAX_HEADER]
    if "=?" not in value and value.isascii():
        return clean(value)
    value = _BETWEEN.sub(r"\1", value)
    pieces: list[str] = []
    position = 0
    run: list[bytes] = []
    run_charset = ""

    def end_run() -> None:
        if run:
            pieces.append(charset.decode(b"".join(run), run_charset))
            run.clear()

    for match in _WORD.finditer(value):
        between = value[position : match.start()]
        data = _word_bytes(match[2], match[3])
        label = match[1].lower()
        if between or label != run_charset:
            end_run()
        pieces.append(eight_bit(between))
        # Words of one charset are joined as bytes: mailers split characters between them.
        run.append(data)
        run_charset = label
        position = match.end()
    end_run()
    pieces.append(eight_bit(value[position:]))
    return clean("".join(pieces))


def clean(text: str) -> str:
    """One line without control characters; lone surrogates become U+FFFD."""
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    text = charset.whole(text)
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).split())


def _word_bytes(encoding: str, text: str) -> bytes:
    raw = text.encode("ascii", "replace")
    if encoding in "bB":
        packed = re.sub(rb"[^A-Za-z0-9+/]", b"", raw)
        # Where the padding is lost or a character is missing, as much as can be read.
        packed = packed[: len(packed) - 1] if len(packed) % 4 == 1 else packed
        try:
            return base64.b64decode(packed + b"=" * (-len(packed) % 4))
        except (binascii.Error, ValueError):
            return raw
    unescaped = re.sub(rb"=([0-9A-Fa-f]{2})", lambda m: bytes([int(m[1], 16)]), raw.replace(b"_", b" "))
    return unescaped


def message_ids(values: Iterable[str]) -> list[str]:
    """Every `<…@…>` of these header values in order, without repeats, at most MAX_IDS (the last ones)."""
    found: dict[str, None] = {}
    for value in values:
        for match in _ID.finditer(eight_bit(value)):
            if not match[1].startswith("@"):
                found.setdefault(f"<{match[1]}>")
    return list(found)[-MAX_IDS:]


def date_ms(value: str) -> int | None:
    """A Date header in UTC milliseconds; None where it makes no sense."""
    try:
        parts = parsedate_tz(eight_bit(value)[:200])
        if parts is None:
            return None
        moment = datetime(*parts[:5], min(parts[5], 59), tzinfo=UTC)
        return int(moment.timestamp() * 1000) - (parts[9] or 0) * 1000
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def parameter(value: str, name: str) -> str:
    """A parameter of a structured header (`charset` of a Content-Type); RFC 2231 forms are not read here."""
    if "=" not in value:
        return ""
    match = _parameter_of(name).search(value)
    if match is None:
        return ""
    return (match[1] if match[1] is not None else match[2]).strip()


@functools.cache
def _parameter_of(name: str) -> re.Pattern[str]:
    return re.compile(rf';\s*{re.escape(name)}\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;]+))', re.IGNORECASE)
