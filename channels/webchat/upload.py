"""Which files a visitor may send: by their content, never by what they claim to be. Pure."""

from __future__ import annotations

from typing import Literal

from channels.base import Attachment

Kind = Literal["file", "image", "audio", "video"]

_SIGNATURES: tuple[tuple[int, bytes, str, Kind], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg", "image"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png", "image"),
    (0, b"GIF87a", "image/gif", "image"),
    (0, b"GIF89a", "image/gif", "image"),
    (8, b"WEBP", "image/webp", "image"),
    (4, b"ftypheic", "image/heic", "image"),
    (4, b"ftypheix", "image/heic", "image"),
    (4, b"ftypmif1", "image/heif", "image"),
    (4, b"ftypavif", "image/avif", "image"),
    (4, b"ftypM4A", "audio/mp4", "audio"),
    (4, b"ftyp", "video/mp4", "video"),
    (0, b"\x1aE\xdf\xa3", "video/webm", "video"),
    (8, b"WAVE", "audio/wav", "audio"),
    (0, b"OggS", "audio/ogg", "audio"),
    (0, b"ID3", "audio/mpeg", "audio"),
    (0, b"\xff\xfb", "audio/mpeg", "audio"),
    (0, b"%PDF-", "application/pdf", "file"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage", "file"),
    (0, b"PK\x03\x04", "application/zip", "file"),
)

_OFFICE = {
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "odt": "application/vnd.oasis.opendocument.text",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "doc": "application/msword",
    "xls": "application/vnd.ms-excel",
}
_MARKUP = (b"<!doctype", b"<html", b"<svg", b"<?xml", b"<script", b"<body", b"<head")

# What a browser may show inside the panel; everything else is only saved.
SHOWN_INLINE = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"})


def sniff(content: bytes, name: str) -> tuple[str, Kind] | None:
    """Media type and kind of a file's content, or None where it is not on the list (HTML, SVG, programs)."""
    for offset, magic, content_type, kind in _SIGNATURES:
        if content[offset : offset + len(magic)] == magic:
            if content_type in {"application/zip", "application/x-ole-storage"}:
                content_type = _OFFICE.get(name.rpartition(".")[2].lower(), content_type)
            return content_type, kind
    return ("text/plain", "file") if _plain_text(content) else None


def _plain_text(content: bytes) -> bool:
    head = content[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not content or any(mark in head for mark in _MARKUP):
        return False
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return all(character.isprintable() or character.isspace() or character >= "\xa0" for character in text)


def clean_name(name: str | None) -> str:
    """A sender's file name as text that can be stored: no lone surrogates, no control characters."""
    text = (name or "").encode("utf-8", "replace").decode()
    text = "".join(
        character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text
    )
    return text[-200:] or "file"


def attachment(name: str | None, content: bytes) -> Attachment | None:
    """The file as it goes to the server, or None where its type is refused."""
    shown = clean_name(name)
    found = sniff(content, shown)
    if found is None:
        return None
    content_type, kind = found
    return Attachment(name=shown, content_type=content_type, kind=kind, data=content)
