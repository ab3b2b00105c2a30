"""Mails as they really come, written for tests: many mailers, Russian and English, and broken ones."""

from __future__ import annotations

import base64


def plain(
    number: int = 1,
    *,
    sender: str = "Anna Petrova <anna@customer.example>",
    subject: str = "A question",
    text: str = "",
    message_id: str | None = None,
    extra: str = "",
) -> bytes:
    """A small, well-formed mail. `message_id` "" leaves the header out."""
    identifier = f"<m{number}@customer.example>" if message_id is None else message_id
    lines = [
        f"From: {sender}",
        "To: support@shop.example",
        f"Subject: {subject}",
        "Date: Sat, 21 Nov 2026 10:00:00 +0300",
    ]
    if identifier:
        lines.append(f"Message-ID: {identifier}")
    if extra:
        lines.append(extra)
    body = text or f"Hello, this is mail number {number}."
    return ("\r\n".join([*lines, "", body]) + "\r\n").encode("utf-8", "surrogateescape")


def headed_mail(header: str, body: bytes) -> bytes:
    """A mail of these header lines (LF between them) and this body."""
    return header.replace("\n", "\r\n").encode("utf-8", "surrogateescape") + b"\r\n\r\n" + body


def multipart(subtype: str, *parts: bytes, headers: bytes = b"", boundary: bytes = b"b0undary") -> bytes:
    """Headers of a mail, then its parts (each with its own header and an empty line)."""
    joined = b"".join(b"--" + boundary + b"\r\n" + part + b"\r\n" for part in parts)
    head = headers or b"From: anna@customer.example\r\nMessage-ID: <multi@customer.example>\r\n"
    return (
        head
        + b"MIME-Version: 1.0\r\nContent-Type: multipart/"
        + subtype.encode()
        + b'; boundary="'
        + boundary
        + b'"\r\n\r\n'
        + joined
        + b"--"
        + boundary
        + b"--\r\n"
    )


def part(content_type: str, body: bytes, extra: str = "") -> bytes:
    head = f"Content-Type: {content_type}\r\n" + (extra + "\r\n" if extra else "")
    return head.encode() + b"\r\n" + body


def attached(name: str, content_type: str, data: bytes) -> bytes:
    return part(
        content_type,
        base64.encodebytes(data),
        f'Content-Disposition: attachment; filename="{name}"\r\nContent-Transfer-Encoding: base64',
    )


RUSSIAN = "Здравствуйте! Где мой заказ №42? Жду уже неделю."

# Mails on which Python's modern parser raises, hangs or recurses (reference in structure.py).
POISON: dict[str, bytes] = {
    "empty": b"",
    "only a line break": b"\r\n",
    "no header": b"just text without any header\r\n",
    "binary": bytes(range(256)) * 20,
    "type parameter star": b"From: a@x.example\r\nContent-Type: text/plain; name*\r\n\r\nhello",
    "filename star": (
        b"From: a@x.example\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n--q\r\n"
        b"Content-Type: application/pdf\r\nContent-Disposition: attachment; filename*0*=x''%zz; filename*\r\n"
        b"\r\nhello\r\n--q--\r\n"
    ),
    "address comment": b"From: a@x.example\r\nTo: (c):\r\n\r\nhello",
    "from is a group": b"From: undisclosed-recipients:;\r\n\r\nhello",
    "bracketed id": b"From: a@x.example\r\nMessage-ID: <[abc====@microsoft.com]>\r\n\r\nhello",
    "line break in encoded name": b"From: =?UTF-8?Q?=0AMy?= <a@x.example>\r\n\r\nhello",
    "deep comment": b"From: a@x.example\r\nTo: " + b"(" * 5000 + b"\r\n\r\nhello",
    "unknown charset": b"From: a@x.example\r\nContent-Type: text/plain; charset=klingon-8\r\n\r\nhello",
    "zip is not a charset": b"From: a@x.example\r\nContent-Type: text/plain; charset=zlib\r\n\r\nhello",
    "bad base64": (
        b"From: a@x.example\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\nx"
    ),
    "multipart without boundary": b"From: a@x.example\r\nContent-Type: multipart/mixed\r\n\r\nhello",
    "multipart of nothing": b"From: a@x.example\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\nhello",
    "rfc822 of nothing": b"From: a@x.example\r\nContent-Type: message/rfc822\r\n\r\n",
    "delivery status": (
        b"From: a@x.example\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; x\r\n\r\nX: y"
    ),
    "nested": b"From: a@x.example\r\n"
    + b"".join(
        b"Content-Type: multipart/mixed; boundary=q%d\r\n\r\n--q%d\r\n" % (level, level)
        for level in range(600)
    )
    + b"\r\nhello",
    "many parts": b"From: a@x.example\r\nContent-Type: multipart/mixed; boundary=q\r\n\r\n"
    + b"--q\r\n\r\nx\r\n" * 100_000,
    "many header lines": b"From: a@x.example\r\n" + b"X-Padding: 0123456789\r\n" * 50_000 + b"\r\nhello",
    "long header": b"From: a@x.example\r\nSubject: " + b"=?utf-8?q?x?= " * 50_000 + b"\r\n\r\nhello",
    "many recipients": b"From: a@x.example\r\nTo: " + b"a@x.example, " * 20_000 + b"\r\n\r\nhello",
    "date of nonsense": b"From: a@x.example\r\nDate: Mon, 99 Foo 20226 99:99:99 +9999999\r\n\r\nhello",
    "nul bytes": b"From: a\x00@x.example\r\nSubject: a\x00b\r\n\r\nhel\x00lo",
    "lone surrogates": b"From: \xed\xa0\x80 <a@x.example>\r\nSubject: \xed\xb0\x80\r\n\r\n\xed\xa0\x80",
    "deep html": b"From: a@x.example\r\nContent-Type: text/html\r\n\r\n"
    + b"<div><blockquote>" * 5000
    + b"hello",
    "bare colon": b": nothing\r\n\r\nhello",
    "mbox line first": b"From a@x.example Sat Nov 21\r\nFrom: a@x.example\r\n\r\nhello",
}
