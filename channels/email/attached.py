"""What is attached to a mail: names that are safe to show, bytes, and what is wrapped inside of them."""

from __future__ import annotations

import binascii
import re
from typing import Any

import msgspec

from channels.base import Attachment
from channels.email import headers
from channels.email.nested import header_of, unveiled
from channels.email.tnef import TnefError, Unpacked, unpack

MAX_NAME = 120
TNEF_TYPES = frozenset(["application/ms-tnef", "application/vnd.ms-tnef"])

_EXTENSIONS = {
    "text/plain": "txt",
    "text/html": "html",
    "text/calendar": "ics",
    "message/rfc822": "eml",
    "application/pdf": "pdf",
    "application/rtf": "rtf",
    "application/pkcs7-mime": "p7m",
    "application/x-pkcs7-mime": "p7m",
    "application/pkcs7-signature": "p7s",
    "application/x-pkcs7-signature": "p7s",
    "application/pgp-signature": "asc",
    "text/rfc822-headers": "txt",
    "application/pgp-encrypted": "asc",
    "application/ms-tnef": "dat",
    "image/jpeg": "jpg",
    "image/svg+xml": "svg",
}


def payload(part: Any) -> bytes:
    """Decoded bytes of a leaf; the undecoded ones where the transfer encoding is broken."""
    try:
        data = _plain_base64(part) or part.get_payload(decode=True)
    except (ValueError, LookupError, binascii.Error, AssertionError):
        data = None
    if isinstance(data, bytes):
        return unveiled(data)
    raw = part.get_payload()
    return unveiled(raw.encode("utf-8", "surrogateescape")) if isinstance(raw, str) else b""


def _plain_base64(part: Any) -> bytes | None:
    """The bytes of base64 without a fault, in one go; None for everything else."""
    if part.is_multipart() or headers.raw_value(part, "content-transfer-encoding").lower() != "base64":
        return None
    packed = part.get_payload()
    if not isinstance(packed, str) or not packed.isascii():
        return None
    try:
        return binascii.a2b_base64(packed.encode("ascii").translate(None, b"\r\n"), strict_mode=True)
    except binascii.Error:
        return None


def attachment(part: Any, content_type: str, name: str, remaining: int) -> Attachment:
    """A part as a file. `remaining`: bytes that the mail may still unpack to."""
    inline = is_inline(part, content_type)
    try:
        data = _written_anew(part) if part.is_multipart() else payload(part)
        if content_type.startswith("message/"):
            if content_type in ("message/rfc822", "message/global"):
                name = name or _name_by_subject(data) or "message.eml"
            name = name or "report.txt"
            return made(name, content_type, "message", data, remaining=remaining)
    except Exception as error:
        problem = f"cannot be decoded ({type(error).__name__})"
        return made(name, content_type, kind_of(content_type), None, problem, inline=inline)
    return made(name, content_type, kind_of(content_type), data, remaining=remaining, inline=inline)


def kind_of(content_type: str) -> str:
    if content_type in ("text/calendar", "message/rfc822"):
        return {"text/calendar": "calendar"}.get(content_type, "message")
    main = content_type.partition("/")[0]
    return main if main in ("image", "audio", "video") else "file"


def made(
    name: str,
    content_type: str,
    kind: str,
    data: bytes | None,
    problem: str = "",
    *,
    remaining: int | None = None,
    inline: bool = False,
) -> Attachment:
    if remaining is not None and data is not None and len(data) > remaining:
        data, problem = None, "left out: the mail unpacks to more than 50 MB"
    return msgspec.convert(
        {
            "name": name or default_name(content_type),
            "content_type": content_type,
            "kind": kind,
            "data": data,
            "problem": problem,
            "inline": inline,
        },
        Attachment,
    )


def is_inline(part: Any, content_type: str) -> bool:
    disposition = headers.raw_value(part, "content-disposition").partition(";")[0].strip().lower()
    if disposition:
        return disposition == "inline"
    return content_type.startswith("image/") and bool(headers.raw_value(part, "content-id"))


def is_tnef(content_type: str, name: str) -> bool:
    return content_type in TNEF_TYPES or name.lower() == "winmail.dat"


def unwrapped(part: Any) -> Unpacked | None:
    """What a winmail.dat holds; None where it cannot be read (then it is attached as it is)."""
    try:
        return unpack(payload(part))
    except (TnefError, ValueError):
        return None


def files_of(unpacked: Unpacked, remaining: int) -> list[Attachment]:
    found = []
    for file in unpacked.files:
        content_type = file.content_type.strip().lower()
        if not re.fullmatch(r"[a-z0-9.+-]{1,60}/[a-z0-9.+_-]{1,100}", content_type):
            content_type = "application/octet-stream"
        kind = kind_of(content_type)
        one = made(shown_name(file.name), content_type, kind, file.data, remaining=remaining)
        remaining -= len(one.data or b"")
        found.append(one)
    return found


def _written_anew(part: Any) -> bytes:
    """A message that the parser did take apart: in a digest they bear no type of their own."""
    return unveiled(b"\r\n".join(one.as_bytes() for one in part.get_payload()))


def _name_by_subject(data: bytes) -> str:
    subject = headers.decoded(headers.raw_value(header_of(data, headers.POLICY), "subject"))
    name = shown_name(re.sub(r"[/\\:*?\"<>|]+", " ", subject)[:80])
    return f"{name}.eml" if name else ""


def file_name(part: Any) -> str:
    """The sender's name for a part, cleaned for showing."""
    # The plain form first: the library turns raw 8-bit names into question marks.
    disposition = headers.raw_value(part, "content-disposition")
    name = headers.parameter(disposition, "filename")
    declared = headers.raw_value(part, "content-type")
    if not name and "name" in f"{disposition} {declared}".lower():
        try:
            name = part.get_filename() or ""
        except Exception:
            # RFC 2231 parameters break the library in several ways; the part is shown without a name.
            name = ""
    name = name or headers.parameter(declared, "name")
    return shown_name(headers.decoded(name)) if name else ""


def shown_name(name: str) -> str:
    """`../../etc/passwd` → `passwd`; controls, bidi controls, trailing dots and excess length are removed."""
    name = re.sub(r"[\u200b-\u200f\u061c\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]", "", name)
    name = headers.clean(re.split(r"[/\\]", headers.clean(name))[-1]).rstrip(". ")
    # A home directory, a hidden file, a drive or an alternate stream are paths, too.
    name = re.sub(r"^[A-Za-z]:(?=.)", "", name).lstrip("~. ")
    if len(name) > MAX_NAME:
        stem, dot, extension = name.rpartition(".")
        keep = MAX_NAME - len(extension) - 2
        name = f"{stem[:keep]}….{extension}" if dot and len(extension) <= 10 else name[:MAX_NAME]
    return name if name not in (".", "..") else ""


def default_name(content_type: str) -> str:
    extension = _EXTENSIONS.get(content_type) or re.sub(r"[^a-z0-9]", "", content_type.partition("/")[2])[:8]
    return f"unnamed.{extension or 'bin'}"
