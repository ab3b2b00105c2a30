"""A mail as the journal keeps it: by what it is known again, and what its parser is told. Pure.

The same Message-ID is no proof of the same mail (ids are re-used, lists change what they pass on), and
the same bytes are no condition for it (two of our addresses in one account bring one mail twice, each
with its own Received lines). So a mail is the same where id, date, author, subject and body are; without
an id, where everything is. Mails of different accounts are never the same: that is up to the journal.
"""

from __future__ import annotations

import functools
import hashlib
import re
from typing import Literal

from channels.base import Delivery, Place
from channels.email import headers
from channels.email.addresses import canonical, find_mailboxes
from channels.email.imap import Meta
from channels.email.settings import EmailSettings

Role = Literal["", "sent"]

PIECE = 1024 * 1024
# A large mail is looked through on a thread: hashing it takes tens of milliseconds.
LARGE = 256 * 1024

_MAY_MATTER = re.compile(rb"\s*[mdfsc]", re.IGNORECASE)
_SHAPE = (b"subject", b"content-type", b"content-transfer-encoding")


def _split(raw: bytes) -> tuple[bytes, int]:
    """Header without the blank line, and where the body begins."""
    match = re.search(rb"\r?\n\r?\n", raw)
    return (raw, len(raw)) if match is None else (raw[: match.start()], match.end())


@functools.lru_cache(maxsize=1)  # each mail is asked for twice in a row
def _fields(head: bytes) -> dict[bytes, bytes]:
    """First value of each header that matters here, unfolded, by lower-case name."""
    found: dict[bytes, bytes] = {}
    for line in re.sub(rb"\r?\n(?=[ \t])", b"", head).splitlines():
        if _MAY_MATTER.match(line) is None:
            continue
        name, colon, value = line.partition(b":")
        name = name.strip().lower()
        if colon and name in (b"message-id", b"date", b"from", *_SHAPE):
            found.setdefault(name, b" ".join(value.split()))
    return found


def dedupe_key(raw: bytes, role: Role = "") -> str:
    """Equal for the same mail, however it came. What we sent and what came back to us stay two."""
    head, body_at = _split(raw)
    fields = _fields(head)
    digest = hashlib.sha256()
    if fields.get(b"message-id"):
        for name in (b"message-id", b"date", b"from", *_SHAPE):
            digest.update(fields.get(name, b"") + b"\x00")
    else:
        digest.update(head.replace(b"\r", b"") + b"\x00")
    # Line ends and blank lines at the end are the transport's: archives keep others than servers do.
    end = len(raw)
    while end > body_at and raw[end - 1] in b"\r\n":
        end -= 1
    for start in range(body_at, end, PIECE):
        digest.update(raw[start : min(start + PIECE, end)].replace(b"\r", b""))
    return f"{role or 'mail'}:{digest.hexdigest()}"


def stub_key(header: bytes, size: int, place: str) -> str:
    """Of a mail of which only the header was had, and its size. Without any bytes only the place tells
    one such mail from another."""
    digest = hashlib.sha256(header or place.encode()).hexdigest()
    return f"stub:{digest}:{size}"


def likeness(header: bytes) -> str:
    """What a listing shows of a mail besides size and arrival; "" for one without a Message-ID, which
    cannot be told from others by its header."""
    fields = _fields(_split(header)[0])
    if not fields.get(b"message-id"):
        return ""
    text = b"\x00".join(fields.get(name, b"") for name in (b"message-id", b"date", b"from"))
    return hashlib.sha256(text).hexdigest()[:32]


def mail_delivery(
    settings: EmailSettings, place: Place, raw: bytes, *, role: Role = "", stub: str = "", junk: bool = False
) -> Delivery:
    """`stub`: "" for a whole mail, else why only its header is here ("too_big", "unavailable"). `junk`: the
    server marks the folder as one for junk."""
    key = (
        stub_key(raw, place.size, f"{place.box}\x00{place.epoch}\x00{place.number}")
        if stub
        else dedupe_key(raw, role)
    )
    return Delivery(
        dedupe_key=key,
        raw=raw,
        event=None,
        meta={
            "dedupe_key": key,
            "folder": place.box,
            "uidvalidity": str(place.epoch),
            "uid": str(place.number),
            "internal_date": "" if place.date is None else str(place.date),
            "size": str(place.size),
            "limit": str(settings.max_message_bytes),
            "stub": stub,
            "role": role,
            **({"junk": "1"} if junk else {}),
            **told(settings),
        },
        place=place,
    )


def archived(settings: EmailSettings, raw: bytes) -> Delivery:
    """A mail that somebody has as a file. Whether it is ours is told by who wrote it."""
    fields = _fields(_split(raw)[0])
    own = {canonical(name) for name in (settings.address, *settings.aliases)}
    authors = find_mailboxes(fields.get(b"from", b"").decode("utf-8", "replace"))
    role: Role = "sent" if authors and canonical(authors[0].address) in own else ""
    key = dedupe_key(raw, role)
    return Delivery(
        dedupe_key=key,
        raw=raw,
        event=None,
        meta={
            "dedupe_key": key,
            "size": str(len(raw)),
            "limit": str(settings.max_message_bytes),
            "role": role,
            "history": "1",
            "internal_date": "" if fields.get(b"date") else _arrival(raw),
            **told(settings),
        },
    )


def _arrival(raw: bytes) -> str:
    """When the last server took a mail that bears no date; "" where that is not written either."""
    head = re.sub(rb"\r?\n(?=[ \t])", b"", _split(raw)[0])
    received = re.search(rb"^received:[^\r\n]*;([^\r\n]*)", head, re.IGNORECASE | re.MULTILINE)
    at = headers.date_ms(received[1].decode("ascii", "replace").strip()) if received else None
    return "" if at is None else str(at)


def told(settings: EmailSettings) -> dict[str, str]:
    """What the parser is told of the account."""
    return {
        "address": settings.address,
        "aliases": " ".join(settings.aliases),
        "trusted_authserv": " ".join(settings.trusted_authserv),
    }


def place_of(folder: str, uidvalidity: int, meta: Meta, header: bytes = b"") -> Place:
    return Place(
        box=folder,
        epoch=uidvalidity,
        number=meta.uid,
        size=meta.size,
        date=meta.internal_date,
        likeness=likeness(header) if header else "",
    )
