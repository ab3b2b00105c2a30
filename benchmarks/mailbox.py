"""Mailboxes to measure with: 2,000 mails of a help desk, made up the same way each time."""

from __future__ import annotations

import base64
import random
from email.utils import formatdate

CHARSETS = (("utf-8", 0.7), ("koi8-r", 0.1), ("windows-1251", 0.1), ("iso-8859-1", 0.1))
WORDS = {
    True: ("заказ", "доставка", "посылка", "когда", "пришла", "не", "оплата", "вернуть", "адрес", "спасибо"),
    False: (
        "order",
        "delivery",
        "parcel",
        "when",
        "arrived",
        "not",
        "payment",
        "return",
        "address",
        "thanks",
    ),
}
CUSTOMERS = 400
NEWEST = 1_790_000_000  # seconds since 1970 of the last mail


def mails(count: int, seed: int = 1) -> list[bytes]:
    """Mostly short; a third answers an earlier one, a third is HTML as well, one in eight brings a file."""
    chance = random.Random(seed)
    ids: list[str] = []
    return [_mail(chance, number, count, ids) for number in range(count)]


def _mail(chance: random.Random, number: int, count: int, ids: list[str]) -> bytes:
    charset = chance.choices([name for name, _ in CHARSETS], [weight for _, weight in CHARSETS])[0]
    text = _text(chance, russian=charset != "iso-8859-1" and chance.random() < 0.7)
    customer = chance.randrange(CUSTOMERS)
    identifier = f"<{number}.{chance.getrandbits(64):x}@mail.example.org>"
    lines = [
        f"Return-Path: <customer{customer}@example.org>",
        *(
            f"Received: from relay{hop}.example.org by mx.example.org; {formatdate(NEWEST)}"
            for hop in range(4)
        ),
        f"From: Customer {customer} <customer{customer}@example.org>",
        "To: support@shop.example",
        f"Subject: Question {number}",
        f"Date: {formatdate(NEWEST - (count - number) * 60)}",
        f"Message-ID: {identifier}",
        "MIME-Version: 1.0",
    ]
    if ids and chance.random() < 0.33:
        answered = chance.choice(ids[-50:])
        lines += [f"In-Reply-To: {answered}", f"References: {answered}"]
        text += (
            "\r\n\r\nOn Sat, 21 Nov 2026 at 10:00, Shop <support@shop.example> wrote:\r\n> " + "word " * 60
        )
    ids.append(identifier)
    parts = [_part(f"text/plain; charset={charset}", text.encode(charset, "replace"))]
    if chance.random() < 0.33:
        html = f"<html><body><p>{text}</p><table><tr><td>a<td>b</table></body></html>"
        both = (*parts, _part(f"text/html; charset={charset}", html.encode(charset, "replace")))
        parts = [_compound("alternative", both, f"alt{number}")]
    if chance.random() < 0.125:
        data = chance.randbytes(chance.choice((8_000, 60_000, 300_000)))
        name = b'Content-Disposition: attachment; filename="photo.jpg"\r\n'
        parts.append(_part("image/jpeg", data, name))
    whole = parts[0] if len(parts) == 1 else _compound("mixed", tuple(parts), f"mix{number}")
    return "\r\n".join(lines).encode() + b"\r\n" + whole


def _text(chance: random.Random, russian: bool) -> str:
    lines = [" ".join(chance.choices(WORDS[russian], k=12)) + "." for _ in range(chance.randint(2, 14))]
    return "\r\n".join(lines)


def _part(content_type: str, data: bytes, more: bytes = b"") -> bytes:
    encoded = base64.encodebytes(data).replace(b"\n", b"\r\n")
    head = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: base64\r\n".encode()
    return head + more + b"\r\n" + encoded


def _compound(kind: str, parts: tuple[bytes, ...], boundary: str) -> bytes:
    mark = boundary.encode()
    inside = b"".join(b"--" + mark + b"\r\n" + part + b"\r\n" for part in parts)
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
    return head + inside + b"--" + mark + b"--\r\n"


def many_parts() -> bytes:
    """1 MB: a mail of 100,000 parts."""
    head = b"From: eve@example.org\r\nSubject: boxes\r\nMessage-ID: <boxes@example.org>\r\n"
    return head + b"Content-Type: multipart/mixed; boundary=q\r\n\r\n" + b"--q\r\n\r\nx\r\n" * 100_000


def much_base64(size: int = 20_000_000) -> bytes:
    """One attachment that is `size` bytes of base64."""
    data = random.Random(2).randbytes(size * 3 // 4)
    head = (
        b"From: max@example.org\r\nSubject: film\r\nMessage-ID: <film@example.org>\r\nMIME-Version: 1.0\r\n"
    )
    name = b'Content-Disposition: attachment; filename="film.mp4"\r\n'
    return head + _compound("mixed", (_part("text/plain", b"See."), _part("video/mp4", data, name)), "film")
