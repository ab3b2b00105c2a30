"""What holds for every mail that was read, whatever was in it."""

from __future__ import annotations

import email
import re
from email.message import Message
from typing import Any

import msgspec

from channels.email import headers
from channels.email.attached import MAX_NAME
from channels.email.mail import Mail, read_mail
from channels.email.nested import VEIL, veiled
from channels.email.parse import parse
from channels.email.scan import scan
from channels.folds import sound, unfolded

_UNSAFE_NAME = re.compile(r"[/\\\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def broken(data: bytes) -> str:
    """What does not hold, in words; "" where all is well. Raises whatever the reader raises."""
    if differs(data):
        return "the scan of the structure is not what the library makes of it"
    mail = read_mail(data)
    events = parse(data, {})
    msgspec.json.encode(events)
    if len(events) != 1:
        return f"{len(events)} events of one mail"
    if events[0].folds and events[0].text != mail.content.text:
        return "folds of another text"
    return _of_mail(mail)


def differs(data: bytes) -> bool:
    """Does the short way take a mail apart otherwise than Python's parser? Mails that it leaves do not."""
    scanned = scan(data)
    if scanned is None:
        return False
    return _tree(scanned) != _tree(email.message_from_bytes(veiled(data), policy=headers.POLICY))


def _tree(message: Message[Any, Any]) -> tuple[list[tuple[str, str]], Any]:
    fields = [(name, str(value).replace(VEIL, "")) for name, value in message.raw_items()]
    if message.is_multipart():
        return fields, [_tree(part) for part in message.get_payload()]  # type: ignore[arg-type]
    # As it is kept: asked for in the open, 8-bit text would be decoded.
    return fields, str(message._payload or "").replace(VEIL, "")  # type: ignore[attr-defined]


def _of_mail(mail: Mail) -> str:
    text = mail.content.text
    if sound(mail.folds, text) != mail.folds:
        return "folds that are not sound"
    if mail.folds and not unfolded(text, mail.folds).strip():
        return "nothing is left of the text"
    for one in mail.content.attachments:
        if (
            not one.name
            or _UNSAFE_NAME.search(one.name)
            or one.name in (".", "..")
            or len(one.name) > MAX_NAME
        ):
            return f"name of an attachment: {one.name!r}"
    people = [*mail.to, *mail.cc, *mail.reply_to, *([mail.author] if mail.author else [])]
    shown = [mail.subject, text, *mail.problems, *mail.in_reply_to, *mail.references, mail.message_id or ""]
    shown += [part for one in people for part in (one.name, one.address)]
    shown += [part for one in mail.bounces for part in (one.recipient, one.diagnostic, one.status)]
    for value in shown:
        if re.search(r"[\ud800-\udfff]", value):
            return f"half of a character in {value[:80]!r}"
    for value in (mail.subject, *(one.name for one in people)):
        if re.search(r"[\x00-\x1f\x7f-\x9f]", value):
            return f"control characters in {value[:80]!r}"
    return ""
