"""What a file is, by its bytes, and whether its sender said otherwise. Pure.

The signatures are those of the WHATWG's MIME Sniffing Standard and of the formats' own documents.
"""

from __future__ import annotations

import codecs
import mimetypes
from typing import Final, Literal

import msgspec

Kind = Literal["file", "image", "audio", "video"]

ZIP = "application/zip"
OLE = "application/x-ole-storage"
UNKNOWN = "application/octet-stream"
HEAD = 4096  # bytes that are looked at to tell whether it is text
PDF_WITHIN = 1024  # bytes; readers accept what stands before the mark

_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypheix", "image/heic"),
    (4, b"ftypmif1", "image/heif"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftyp", "video/mp4"),
    (0, b"\x1aE\xdf\xa3", "video/webm"),
    (8, b"WAVE", "audio/wav"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", OLE),
    (0, b"PK\x03\x04", ZIP),
    (0, b"\x7fELF", "application/x-executable"),
)
_WINDOWS_PROGRAM = "application/vnd.microsoft.portable-executable"
PROGRAMS: Final = frozenset({_WINDOWS_PROGRAM, "application/x-executable"})

_OFFICE = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
}
_ALIASES = {
    "image/jpg": "image/jpeg",
    "image/pjpeg": "image/jpeg",
    "image/x-png": "image/png",
    "image/apng": "image/png",
    "image/heif": "image/heic",
    "audio/x-wav": "audio/wav",
    "audio/wave": "audio/wav",
    "audio/vnd.wave": "audio/wav",
    "audio/mp3": "audio/mpeg",
    "audio/x-mp3": "audio/mpeg",
    "image/heic-sequence": "image/heic",
    "application/x-pdf": "application/pdf",
    "application/x-msdownload": _WINDOWS_PROGRAM,
    "application/x-dosexec": _WINDOWS_PROGRAM,
    "application/x-msdos-program": _WINDOWS_PROGRAM,
    "application/x-elf": "application/x-executable",
    "application/x-sharedlib": "application/x-executable",
    "application/x-zip-compressed": ZIP,
}
# What else begins with the same bytes, so that the sender knows better.
_HOLDS: dict[str | None, frozenset[str]] = {
    "video/mp4": frozenset(
        {
            "audio/mp4",
            "audio/m4a",
            "audio/x-m4a",
            "audio/aac",
            "audio/3gpp",
            "video/3gpp",
            "video/3gpp2",
            "video/quicktime",
            "video/x-m4v",
            "application/mp4",
            "image/heic",
            "image/avif",
        }
    ),
    "audio/mp4": frozenset({"video/mp4", "audio/m4a", "audio/x-m4a", "audio/aac"}),
    "image/heif": frozenset({"image/heic", "image/avif"}),
    "video/webm": frozenset({"audio/webm", "video/x-matroska", "audio/x-matroska"}),
    "audio/ogg": frozenset({"audio/opus", "audio/vorbis", "video/ogg", "application/ogg"}),
    "audio/mpeg": frozenset({"audio/aac", "audio/x-aac"}),
    "application/pdf": frozenset({"application/illustrator", "application/postscript"}),
}
_SIGNED = (
    frozenset(content_type for _, _, content_type in _SIGNATURES)
    | frozenset(_OFFICE.values())
    | frozenset().union(*_HOLDS.values())
)
# A file of these never begins otherwise; of the rest we do not know every beginning.
_ALWAYS = frozenset(
    {"image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf", "video/webm", "audio/ogg"}
)
_TEXTS = frozenset({"text/plain", "text/html", "text/xml", "image/svg+xml"})
_SAYS_NOTHING = frozenset(
    {"", UNKNOWN, "binary/octet-stream", "application/x-download", "application/unknown"}
)

_names = mimetypes.MimeTypes()  # without what the host's own files add


class Told(msgspec.Struct, frozen=True):
    """`content_type` by the bytes where they tell it, else the sender's. `stated` is what he, or the name,
    says where the bytes contradict that, else empty."""

    content_type: str
    stated: str = ""


def signed(content: bytes) -> str | None:
    """The media type that the first bytes name; None where they name none (text has no such mark)."""
    for offset, magic, content_type in _SIGNATURES:
        if content[offset : offset + len(magic)] == magic:
            return content_type
    # Two letters are too few where all that follows is text, too.
    return _WINDOWS_PROGRAM if content[:2] == b"MZ" and _text(content) is None else None


def office(content_type: str, name: str) -> str:
    """A container's type; which document it holds, only the name says."""
    return _OFFICE.get(_ending(name), content_type) if content_type in (ZIP, OLE) else content_type


def kind_of(content_type: str) -> Kind:
    main = content_type.partition("/")[0]
    return main if main in ("image", "audio", "video") else "file"  # type: ignore[return-value]


def told(stated: str, name: str, content: bytes) -> Told:
    """What a file is, whose sender states a media type and a name; either may be empty. Never raises."""
    if not content:
        return Told(stated)
    claims = _claims(stated, name)
    found = signed(content) or _text(content)
    if "application/pdf" in claims and b"%PDF-" in content[:PDF_WITHIN]:
        found = "application/pdf"
    for claim in claims:
        if not _agrees(_ALIASES.get(claim, claim), found):
            return Told(office(found or UNKNOWN, name), claim)
    if found in (ZIP, OLE) and _ending(name) in _OFFICE:
        return Told(office(found, name))
    if not claims:
        return Told(found or stated)
    if found is None or found in _TEXTS or found in (ZIP, OLE) or claims[0] in _HOLDS.get(found, ()):
        return Told(stated if stated.lower().startswith(claims[0]) else claims[0])
    return Told(found)


def _claims(stated: str, name: str) -> list[str]:
    said, named = stated.partition(";")[0].strip().lower(), _by_name(name)
    if said == _OFFICE["xls"] and named == "text/csv":
        said = ""  # so browsers under Windows call every table
    return [claim for claim in (said, named) if claim not in _SAYS_NOTHING]


def _agrees(claim: str, found: str | None) -> bool:
    if claim == found or claim in _HOLDS.get(found, ()):
        return True
    if found is None:
        return claim not in _ALWAYS
    if found in (ZIP, OLE):
        return claim in _OFFICE.values() or not (claim in _SIGNED or claim.startswith("text/"))
    if found not in _TEXTS or claim in _SIGNED:
        return False
    return claim == "image/svg+xml" or not claim.startswith(("image/", "audio/", "video/", "font/"))


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower()


def _by_name(name: str) -> str:
    ending = _ending(name)
    if ending in _OFFICE:
        return _OFFICE[ending]
    if "." not in name or ending == "ts":  # a film to some, a program's text to most
        return ""
    return _names.types_map[True].get(f".{ending}") or _names.types_map[False].get(f".{ending}", "")


def _text(content: bytes) -> str | None:
    head = content[:HEAD]
    try:
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return None
    if not all(char.isprintable() or char.isspace() or char >= "\xa0" for char in text):
        return None
    begins = text.lstrip()[:300].lower()
    if begins.startswith(("<!doctype html", "<html", "<head", "<body", "<script")):
        return "text/html"
    if begins.startswith("<svg") or (begins.startswith("<?xml") and "<svg" in text.lower()):
        return "image/svg+xml"
    return "text/xml" if begins.startswith("<?xml") else "text/plain"
