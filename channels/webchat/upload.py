"""Which files a visitor may send: by their content, never by what they claim to be. Pure."""

from __future__ import annotations

from channels.base import Attachment
from channels.file_types import PROGRAMS, Kind, kind_of, office, signed

_MARKUP = (b"<!doctype", b"<html", b"<svg", b"<?xml", b"<script", b"<body", b"<head")

# What a browser may show inside the panel; everything else is only saved.
SHOWN_INLINE = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp", "image/avif"})


def sniff(content: bytes, name: str) -> tuple[str, Kind] | None:
    """Media type and kind of a file's content, or None where it is not on the list (HTML, SVG, programs)."""
    found = signed(content)
    if found in PROGRAMS:
        return None
    if found is not None:
        return office(found, name), kind_of(found)
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
