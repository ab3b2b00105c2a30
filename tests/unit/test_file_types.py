"""What a file is by its bytes, and where its sender says otherwise."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.file_types import signed, told

JPEG, PNG, PDF = b"\xff\xd8\xff\xe0 jpeg", b"\x89PNG\r\n\x1a\n png", b"%PDF-1.7"
PE, ELF, ZIP, OLE = b"MZ\x90\x00\x03", b"\x7fELF\x02", b"PK\x03\x04\x14", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
MP4 = b"\x00\x00\x00\x18ftypmp42"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PROGRAM = "application/vnd.microsoft.portable-executable"


@pytest.mark.parametrize(
    ("stated", "name", "content", "expected"),
    [
        ("application/octet-stream", "scan", PDF, "application/pdf"),
        ("", "a.jpg", JPEG, "image/jpeg"),
        ("image/jpg", "a.jpg", JPEG, "image/jpeg"),
        ("IMAGE/PNG; name=a.png", "a.png", PNG, "image/png"),
        ("application/pdf", "a.pdf", b"\r\n\r\n%PDF-1.4", "application/pdf"),
        ("application/octet-stream", "a.docx", ZIP, DOCX),
        (DOCX, "a", ZIP, DOCX),
        ("application/msword", "a.docx", OLE, DOCX),  # encrypted ones are such containers
        ("application/java-archive", "a.jar", ZIP, "application/java-archive"),
        ("audio/mp4", "voice.m4a", MP4, "audio/mp4"),
        ("video/quicktime", "a.mov", MP4, "video/quicktime"),
        ("text/csv", "a.csv", b"a;b\n", "text/csv"),
        ("", "a.csv", b"a;b\n", "text/csv"),
        ("text/plain; charset=koi8-r", "a.txt", b"\xf0\xd2", "text/plain; charset=koi8-r"),
        ("text/calendar", "", b"BEGIN:VCALENDAR", "text/calendar"),
        ("text/plain", "a.txt", b"MZ is how he signs", "text/plain"),
        ("message/rfc822", "a.eml", b"Subject: a\n\nb", "message/rfc822"),
        ("application/x-tgsticker", "sticker.tgs", b"\x1f\x8b\x08", "application/x-tgsticker"),
        ("audio/mpeg", "a.mp3", b"\xff\xf3\x40", "audio/mpeg"),
        ("image/png", "a.png", b"", "image/png"),
        ("application/octet-stream", "a.pdf", b"junk\n%PDF-1.4", "application/pdf"),
        ("application/vnd.ms-excel", "list.csv", b"a;b\n", "text/csv"),  # as browsers under Windows say it
        ("application/x-msdownload", "setup.exe", PE, PROGRAM),
        ("audio/aac", "a.aac", b"ID3\x03", "audio/aac"),
        ("", "main.ts", b"const a = 1", "text/plain"),
        ("application/postscript", "a.ai", PDF, "application/postscript"),
        ("image/svg+xml", "a.svg", b"<svg/>", "image/svg+xml"),
        ("", "", b"\x00\x01", ""),
    ],
)
def test_the_bytes_say_what_it_is(stated: str, name: str, content: bytes, expected: str) -> None:
    found = told(stated, name, content)
    assert (found.content_type, found.stated) == (expected, "")


@pytest.mark.parametrize(
    ("stated", "name", "content", "content_type", "claimed"),
    [
        ("application/pdf", "invoice.pdf", PE, PROGRAM, "application/pdf"),
        ("image/jpeg", "photo.jpg", ELF, "application/x-executable", "image/jpeg"),
        ("application/octet-stream", "photo.jpg", PE, PROGRAM, "image/jpeg"),
        ("image/png", "report.pdf", PNG, "image/png", "application/pdf"),
        ("image/png", "a.png", JPEG, "image/jpeg", "image/png"),
        ("image/png", "a.png", b"<svg onload='alert(1)'/>", "image/svg+xml", "image/png"),
        ("application/pdf", "a.pdf", b"<!DOCTYPE html><script>", "text/html", "application/pdf"),
        (DOCX, "a.docx", b"<html>", "text/html", DOCX),
        ("image/gif", "a.gif", b"\x00\x01\x02", "application/octet-stream", "image/gif"),
        ("text/plain", "a.txt", ZIP, "application/zip", "text/plain"),
        ("image/jpeg", "a.jpg", b"just words", "text/plain", "image/jpeg"),
        ("audio/flac", "a.flac", b"just words", "text/plain", "audio/flac"),
    ],
)
def test_a_sender_who_says_otherwise_is_contradicted(
    stated: str, name: str, content: bytes, content_type: str, claimed: str
) -> None:
    found = told(stated, name, content)
    assert (found.content_type, found.stated) == (content_type, claimed)


def test_what_stands_before_a_pdf_hides_nothing_from_the_site_chat() -> None:
    assert signed(b"<script>alert(1)</script>%PDF-1.7") is None


@given(st.text(max_size=60), st.text(max_size=60), st.binary(max_size=200))
def test_whatever_is_sent_is_judged(stated: str, name: str, content: bytes) -> None:
    found = told(stated, name, content)
    assert bool(found.stated) <= (found.content_type != found.stated)
