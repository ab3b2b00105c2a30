"""Reading what strangers sent as JSON: numbers, times, places and phones, and what cannot be read. Pure."""

from __future__ import annotations

import hashlib
import json
import math
import mimetypes
import re
from collections.abc import Iterable
from typing import Any, Final, Literal

from channels import json_input
from channels.base import Attachment, Contact, InboundEvent, Sender
from channels.contacts import phone_number
from channels.json_input import string

FileKind = Literal["file", "image", "audio", "voice", "video", "sticker"]

_YEAR_10000_S: Final = 253_402_300_800
_EXTENSIONS: Final = {
    "audio/ogg": ".ogg",
    "audio/mpeg": ".mp3",
    "video/mp4": ".mp4",
    "image/webp": ".webp",
    "video/webm": ".webm",
    "application/x-tgsticker": ".tgs",
    "application/octet-stream": "",
}


def decode(raw: bytes) -> Any:
    """JSON under the common policy; half characters and NULs alone do not make a message unreadable.

    Raises JsonInputError.
    """
    try:
        return json_input.decode(raw)
    except json_input.JsonInputError as error:
        try:
            return _mended(json.loads(raw.decode(), parse_constant=_refuse), json_input.DEPTH_MAX)
        except (ValueError, RecursionError):
            raise error from None


def _refuse(constant: str) -> None:
    raise ValueError(constant)


def _mended(value: Any, depth: int) -> Any:
    if depth == 0:
        raise ValueError("too deep")
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_mended(key, depth - 1): _mended(item, depth - 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_mended(item, depth - 1) for item in value]
    return value


# A backslash and what it escapes, so that an escaped backslash begins nothing; a half alone is the group.
_ESCAPE: Final = re.compile(
    rb"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(\\u[dD][89a-fA-F][0-9a-fA-F]{2})|\\."
)


def whole_characters(raw: bytes) -> bytes:
    """JSON without half characters: one of them would make all that stands beside it unreadable."""
    return _ESCAPE.sub(lambda escape: rb"\ufffd" if escape[1] else escape[0], raw)


def digest(text: str | bytes) -> str:
    return hashlib.sha256(text.encode() if isinstance(text, str) else text).hexdigest()


def unreadable(raw: bytes, problem: str) -> InboundEvent:
    """A body that is no update at all, shown as what it is."""
    found = digest(raw)
    return InboundEvent(
        kind="unsupported",
        dedupe_key=f"body:{found}",
        sender=Sender(external_id=f"unreadable:{found[:16]}", name="unreadable update", reachable=False),
        thread=f"unreadable:{found[:16]}",
        detail={"problem": problem, "size": f"{len(raw)} bytes"},
    )


def integer(value: Any) -> int | None:
    """An id or a time, as far as a JSON number can be one."""
    return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53 else None


def moment(value: Any) -> int | None:
    """Unix seconds as our milliseconds."""
    seconds = integer(value)
    return seconds * 1000 if seconds is not None and 0 < seconds < _YEAR_10000_S else None


def joined(values: Iterable[Any], limit: int, between: str = " ") -> str:
    """Those that are texts, each cut at `limit`."""
    return between.join(filter(None, (string(value, limit) for value in values)))


def place(latitude: Any, longitude: Any, named: str) -> tuple[dict[str, str], str] | None:
    """A spot on the earth as (details, line of text), or None where these are no coordinates."""
    lat, lon = _degrees(latitude, 90), _degrees(longitude, 180)
    if lat is None or lon is None:
        return None
    where = ", ".join(filter(None, [named, f"{lat:.6f}, {lon:.6f}"]))
    return {"lat": str(lat), "lon": str(lon)}, f"\N{ROUND PUSHPIN} {where}"


def _degrees(value: Any, limit: int) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and abs(value) <= limit else None


def shared_phone(given: str, name: str, country: str, own: bool, evidence: str) -> tuple[str, Contact | None]:
    """A shared contact as (line of text, what it proves): only of one's own card is the number vouched for.

    Messengers write numbers in full, but mostly without the plus.
    """
    number = phone_number(f"+{given.lstrip('+')}", "") or phone_number(given, country)
    line = f"\N{BLACK TELEPHONE} {' '.join(filter(None, [name, number or given]))}"
    if not (own and number):
        return line, None
    return line, Contact(scheme="phone", external_id=number, verified=True, evidence=evidence)


def extension(content_type: str) -> str:
    known = _EXTENSIONS.get(content_type)
    return (mimetypes.guess_extension(content_type) or "") if known is None else known


def attachment(ref: str, size: Any, kind: FileKind, name: str, content_type: str, why: str) -> Attachment:
    """A file named by the platform, to be fetched. `why` it cannot be, where `ref` is empty."""
    known = integer(size)
    return Attachment(
        name=name,
        content_type=content_type,
        kind=kind,
        ref=ref,
        size=known if known is not None and known >= 0 else None,
        problem="" if ref else why,
    )
