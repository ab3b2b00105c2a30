"""Outgoing mail as bytes: headers written by hand, one line break policy, nothing a value could inject.

The library's header folding turns long Message-IDs into encoded words; ids must arrive as they are.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from email.header import Header
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

import msgspec

from channels.base import OutboundFile, Quotation
from channels.email import markdown
from channels.email.addresses import Mailbox
from channels.email.automatic import ID_HEADER, LOOP_HEADER
from channels.email.markdown import Below

MAX_REFERENCES = 16  # the first and the last ones; RFC 5322 has no limit, servers have
_REPLY = re.compile(r"^\s*(re|aw|sv|vs|antw|odp|ynt|rif|отв|ответ|на)\s*(\[\d+\])?\s*:", re.IGNORECASE)
_ID = re.compile(r"<[^<>\s]{1,900}@[^<>\s]{1,255}>")


class MessageError(Exception):
    """The message cannot be written as a mail; the text says why."""


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """`references` oldest first, the last being the mail that is answered. `date` in UTC milliseconds.

    `text` is Markdown. `bcc` is written into the header of our own copy, and must be empty for what is sent.
    `quoted` (somebody else's words, sent on), `answered` (those of whom we write to) and `signature` are
    never read as Markdown.
    """

    sender: str
    sender_name: str
    to: Sequence[Mailbox]
    cc: Sequence[Mailbox] = ()
    bcc: Sequence[Mailbox] = ()
    reply_to: str = ""
    subject: str
    text: str
    quoted: str = ""
    answered: Quotation | None = None
    signature: str = ""
    marker: str = ""
    message_id: str
    references: Sequence[str] = ()
    date: int
    files: Sequence[OutboundFile] = ()
    automatic: bool = False
    account: str = ""  # the account's main address, where the sender is an alias of it


def build(draft: Draft) -> bytes:
    """RFC 5322 bytes with CRLF. Raises MessageError (no usable id, a file that cannot be read)."""
    if not _ID.fullmatch(draft.message_id):
        raise MessageError(f"unusable Message-ID {draft.message_id!r}")
    references = capped_references(draft.references)
    lines = [("From", _mailbox(draft.sender_name, draft.sender))]
    for name, boxes in (("To", draft.to), ("Cc", draft.cc), ("Bcc", draft.bcc)):
        if boxes:
            lines.append((name, ",\r\n ".join(_mailbox(box.name, box.address) for box in boxes)))
    if draft.reply_to and draft.reply_to != draft.sender:
        lines.append(("Reply-To", _mailbox(draft.sender_name, draft.reply_to)))
    lines += [
        ("Subject", _unstructured(draft.subject, "Subject")),
        ("Date", format_datetime(datetime.fromtimestamp(draft.date / 1000, UTC))),
        ("Message-ID", draft.message_id),
    ]
    if references:
        lines.append(("In-Reply-To", references[-1]))
        lines.append(("References", "\r\n ".join(references)))
    if draft.automatic:
        # RFC 3834, and what makes Exchange and mailing lists keep quiet.
        lines += [
            ("Auto-Submitted", "auto-replied"),
            ("X-Auto-Response-Suppress", "All"),
            ("Precedence", "bulk"),
        ]
    lines += [(LOOP_HEADER, draft.account or draft.sender), (ID_HEADER, draft.message_id)]
    head = "".join(f"{name}: {value}\r\n" for name, value in lines)
    # Every line is a header of ours or the continuation of one: the last guard against injection.
    if re.search(r"\r(?!\n)|(?<!\r)\n|\r\n(?![ \t]|[A-Z][A-Za-z-]*: |\Z)|[\x00]", head):
        raise MessageError("a header value holds a line break")
    return head.encode("utf-8") + _body(draft).as_bytes(policy=SMTP)


def _body(draft: Draft) -> EmailMessage:
    body = EmailMessage(policy=SMTP)
    text = _clean(draft.text)
    below = Below(
        signature=draft.signature,
        quoted=_clean(draft.quoted),
        marker=draft.marker,
        answered=draft.answered and Quotation(_clean(draft.answered.line), _clean(draft.answered.words)),
    )
    plain, rich = markdown.to_plain(text, below), markdown.to_html(text, below)
    body.set_content(plain, charset="utf-8", cte="quoted-printable")
    body.add_alternative(rich, subtype="html", charset="utf-8", cte="quoted-printable")
    for file in draft.files:
        try:
            data = Path(file.path).read_bytes()
        except OSError as error:
            raise MessageError(f"the file {file.name!r} cannot be read: {error.strerror}") from error
        maintype, subtype = _type(file.content_type)
        name = re.sub(r"[\x00-\x1f\x7f/\\\"]", "_", file.name) or "file"
        body.add_attachment(
            data, maintype=maintype, subtype=subtype, filename=name.encode("utf-8", "replace").decode("utf-8")
        )
    _bound(body, draft.message_id)
    return body


def _bound(body: EmailMessage, message_id: str) -> None:
    """The same boundaries at every attempt. "=_" stands in no base64 and no quoted-printable (RFC 2045)."""
    digest = hashlib.sha256(message_id.encode()).hexdigest()[:24]
    for number, part in enumerate(part for part in body.walk() if part.is_multipart()):
        part.set_boundary(f"=_{digest}_{number}")


def _clean(text: str) -> str:
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return text.encode("utf-8", "replace").decode("utf-8")


def _type(content_type: str) -> tuple[str, str]:
    match = re.fullmatch(r"([\w.+-]{1,60})/([\w.+-]{1,100})", content_type.partition(";")[0].strip().lower())
    # A mail or a container inside must travel as opaque bytes.
    if match is None or match[1] in ("message", "multipart"):
        return "application", "octet-stream"
    return match[1], match[2]


def reply_subject(subject: str | None, answers: bool, fallback: str) -> str:
    """`Re: ` before the subject of an answer, once, in whatever language it was already written."""
    text = _one_line(subject or "") or fallback
    return text if not answers or _REPLY.match(text) else f"Re: {text}"


def capped_references(references: Sequence[str]) -> list[str]:
    """Usable ids, each once (its last place counts), the first and the newest ones kept."""
    usable = [identifier for identifier in references if _ID.fullmatch(identifier)]
    unique = list(dict.fromkeys(reversed(usable)))[::-1]
    if len(unique) <= MAX_REFERENCES:
        return unique
    return unique[:1] + unique[-(MAX_REFERENCES - 1) :]


def _one_line(text: str) -> str:
    text = text.encode("utf-8", "replace").decode("utf-8")
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+", " ", text).split())


def _unstructured(text: str, name: str) -> str:
    text = _one_line(text)[:900]
    # "=?" in plain text would be read as an encoded word.
    plain = text.isascii() and "=?" not in text
    header = Header(text, "us-ascii" if plain else "utf-8", header_name=name, maxlinelen=76)
    return header.encode(linesep="\r\n", splitchars=" ")


def _mailbox(name: str, address: str) -> str:
    name = _one_line(name)[:120]
    if not name:
        return f"<{address}>"
    if name.isascii() and "=?" not in name:
        escaped = name.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}" <{address}>'
    return Header(name, "utf-8", maxlinelen=60).encode(linesep="\r\n") + f" <{address}>"
