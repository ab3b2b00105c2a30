"""Reading what an IMAP server answered. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from channels.email.mailbox_name import from_modified_utf7


def fetch_items(lines: Sequence[bytes | bytearray]) -> list[tuple[bytes, list[bytes]]]:
    """Group the lines of a FETCH answer: per message its text outside of literals, and its literals.

    Literals are bytearray, everything else bytes: that is how the library tells them apart.
    """
    items: list[tuple[bytes, list[bytes]]] = []
    for line in lines:
        if isinstance(line, bytearray):
            if items:
                items[-1][1].append(bytes(line))
        elif re.match(rb"\d+ FETCH \(", line, re.IGNORECASE):
            items.append((line, []))
        elif items:
            items[-1] = (items[-1][0] + line, items[-1][1])
    return items


def number(pattern: bytes, text: bytes) -> int | None:
    match = re.search(rb"(?:[( ])" + pattern, text, re.IGNORECASE)
    return int(match[1]) if match else None


def quoted_body(text: bytes) -> bytes | None:
    """A short body may come as a quoted string instead of a literal; NIL means that there is none."""
    match = re.search(rb'BODY\[[^\]]*\](?:<\d+>)? "((?:[^"\\]|\\.)*)"', text, re.IGNORECASE)
    return re.sub(rb"\\(.)", rb"\1", match[1]) if match else None


_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]


def internal_date_ms(text: str) -> int | None:
    """` 1-Feb-2026 10:20:30 +0300` → UTC milliseconds, independent of the locale."""
    match = re.fullmatch(r"\s*(\d{1,2})-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)", text)
    if match is None or match[2].lower() not in _MONTHS:
        return None
    month = _MONTHS.index(match[2].lower()) + 1
    try:
        moment = datetime(
            int(match[3]), month, int(match[1]), int(match[4]), int(match[5]), int(match[6]), tzinfo=UTC
        )
    except ValueError:
        return None
    shift = (int(match[8]) * 60 + int(match[9])) * 60_000
    return int(moment.timestamp() * 1000) - (shift if match[7] == "+" else -shift)


def imap_date(ms: int) -> str:
    """UTC milliseconds → the date that SEARCH SINCE takes."""
    moment = datetime.fromtimestamp(max(0, ms) / 1000, UTC)
    return f"{moment.day}-{_MONTHS[moment.month - 1].title()}-{moment.year:04d}"


_LIST = re.compile(
    rb'(?:\* )?(?:LIST )?\((?P<flags>[^)]*)\) (?:"(?P<separator>[^"\\]|\\.)"|NIL) (?P<name>.+)',
    re.IGNORECASE | re.DOTALL,
)


def special_folder(lines: Sequence[bytes | bytearray], flag: bytes) -> str | None:
    """The folder that bears a flag in the answer to LIST, decoded; None where none does."""
    for index, line in enumerate(lines):
        match = None if isinstance(line, bytearray) else _LIST.match(line)
        if match is None or flag.lower() not in match["flags"].lower().split():
            continue
        name = match["name"]
        if re.fullmatch(rb"\{\d+\}", name) and index + 1 < len(lines):
            name = bytes(lines[index + 1])
        elif name.startswith(b'"'):
            name = re.sub(rb"\\(.)", rb"\1", name.strip()[1:-1])
        return from_modified_utf7(name.decode("ascii", "replace"))
    return None
