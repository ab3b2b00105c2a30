"""One mail, read as far as it can be read without knowing whose mailbox it came to. Total: never raises."""

from __future__ import annotations

import re
from email.message import Message
from typing import Any

import msgspec

from channels.base import Bounce, Fold
from channels.email import headers
from channels.email.addresses import ascii_address, canonical, find_mailboxes
from channels.email.attached import made
from channels.email.automatic import Verdict, classify
from channels.email.body import folds
from channels.email.dsn import read_bounces
from channels.email.structure import Content, TooComplexError, header_only, parse_message, read

MAX_SHOWN = 500

_ANSWERS = re.compile(
    r"^\s*(?:re|aw|sv|ha|odp|отв|ответ|на|fwd?|пересл?|fw|wg|tr|rv)\s*(?:\[\d+\])?\s*:", re.IGNORECASE
)


class Named(msgspec.Struct, frozen=True):
    """An address as people read it: name decoded, domain in ASCII."""

    name: str
    address: str


class Mail(msgspec.Struct, kw_only=True):
    """`problems`: what could not be read, or looks wrong, in words."""

    subject: str = ""
    author: Named | None = None
    to: list[Named] = []
    cc: list[Named] = []
    reply_to: list[Named] = []
    message_id: str | None = None
    in_reply_to: list[str] = []
    references: list[str] = []
    date_ms: int | None = None
    content: Content = msgspec.field(default_factory=Content)
    folds: tuple[Fold, ...] = ()
    verdict: Verdict | None = None
    bounces: tuple[Bounce, ...] = ()
    problems: list[str] = []


def read_mail(raw: bytes, own: str = "") -> Mail:
    """`own`: our address, by which loops and our own groups are known; "" for none."""
    try:
        try:
            message = parse_message(raw)
            content = read(message)
        except TooComplexError as error:
            return _read(header_only(raw), _whole(raw, str(error)), own)
        return _read(message, content, own)
    except Exception as error:
        content = _whole(raw, f"this mail could not be read ({type(error).__name__})")
        try:
            return _read(header_only(raw), content, own)
        except Exception:
            return Mail(content=content, problems=list(content.problems))


def _whole(raw: bytes, problem: str) -> Content:
    text = f"[{problem[0].upper()}{problem[1:]}; the mail is attached as it came.]"
    attached = made("message.eml", "message/rfc822", "message", raw)
    return Content(text=text, attachments=[attached], facts={}, problems=[problem])


def _read(message: Message[Any, Any], content: Content, own: str) -> Mail:
    problems = list(content.problems)
    authors = _named(message, "from")
    from_headers = headers.raw_values(message, "from")
    if not authors:
        problems.append(
            "the mail names no sender" if not "".join(from_headers) else "the sender is no address"
        )
    elif len(from_headers) > 1 or len(authors) > 1:
        problems.append("the mail names several senders")
    subject = headers.decoded(headers.raw_value(message, "subject"))
    in_reply_to = headers.message_ids(headers.raw_values(message, "in-reply-to"))
    references = headers.message_ids(headers.raw_values(message, "references"))
    sender = canonical(authors[0].address) if authors else ""
    verdict = classify(message, sender, content.types, content.text, own)
    bounced = verdict is not None and verdict.kind == "bounce"
    written = headers.raw_value(message, "date")
    date_ms = headers.date_ms(written)
    if date_ms is None:
        problems.append("the date makes no sense" if written else "the mail has no date")
    ids = headers.message_ids([headers.raw_value(message, "message-id")])
    if not ids:
        problems.append("the mail has no Message-ID")
    return Mail(
        subject=subject,
        author=authors[0] if authors else None,
        to=_named(message, "to"),
        cc=_named(message, "cc"),
        reply_to=_named(message, "reply-to"),
        message_id=ids[0] if ids else None,
        in_reply_to=in_reply_to,
        references=references,
        date_ms=date_ms,
        content=content,
        folds=() if bounced else folds(content.body, answers_mail(subject, in_reply_to or references)),
        verdict=verdict,
        bounces=read_bounces(message, content.text) if bounced else (),
        problems=problems,
    )


def answers_mail(subject: str, named: object) -> bool:
    """Does this mail, by its header, answer or forward another one? `named`: ids that it refers to."""
    return bool(named) or _ANSWERS.match(subject) is not None


def _named(message: Message[Any, Any], header: str) -> list[Named]:
    found: list[Named] = []
    for value in headers.raw_values(message, header):
        for box in find_mailboxes(value):
            address = ascii_address(box.address)
            if address and len(found) < MAX_SHOWN:
                found.append(Named(headers.decoded(box.name)[:MAX_SHOWN], address))
    return found
