"""The parts of a mail: which text is its body, what is attached. Caps on everything a sender can grow.

Structure comes from the compat32 parser, the one of Python's that raises on none of the known broken
mails; each part is decoded on its own, and one that fails becomes an attachment with a problem.
"""

from __future__ import annotations

import binascii
import email
import re
from collections.abc import Iterator
from email.message import Message
from email.policy import compat32
from typing import Any

import msgspec

from channels.base import Attachment
from channels.email import charset, headers
from channels.email.html import render

MAX_HEADER_BLOCK = 128 * 1024
MAX_DELIMITERS = 2_000
MAX_PARTS = 500
MAX_DEPTH = 20
MAX_ATTACHMENTS = 100
MAX_DECODED = 50 * 1024 * 1024
MAX_TEXT = 400_000
MAX_NAME = 120

_PLACEHOLDER = re.compile(
    r"^\W*(this is an? (html|multi-?part)( e-?mail| message)?\b.{0,120}|"
    r".{0,60}(your|e-?mail) (e-?mail )?(client|reader|program) (does not|doesn't|cannot|can't).{0,120})\W*$",
    re.IGNORECASE | re.DOTALL,
)


class Content(msgspec.Struct, kw_only=True):
    """`facts` are small things to show (encrypted, remote images …)."""

    text: str = ""
    attachments: list[Attachment] = []
    facts: dict[str, str] = {}
    types: list[str] = []  # content types in order, for classification


class TooComplexError(Exception):
    """The mail has more parts than anybody means; it is attached whole instead of being taken apart."""


class _Text(msgspec.Struct):
    text: str
    html: bool
    group: int  # of the nearest multipart/alternative, 0 for none


class _Leaf(msgspec.Struct):
    part: Any
    content_type: str
    group: int


def parse_message(raw: bytes) -> Message[Any, Any]:
    """Structure of a mail. Raises TooComplexError, and RecursionError for absurd nesting."""
    head, separator, body = _split(raw)
    if len(head) > MAX_HEADER_BLOCK:
        cut = head.rfind(b"\n", 0, MAX_HEADER_BLOCK) + 1
        head = head[: cut or MAX_HEADER_BLOCK]
        raw = head.rstrip(b"\r\n") + (separator or b"\r\n\r\n") + body
    is_compound = re.search(rb"^content-type:\s*(multipart|message)/", head, re.IGNORECASE | re.MULTILINE)
    if is_compound and body.count(b"\n--") > MAX_DELIMITERS:
        raise TooComplexError(f"the mail has more than {MAX_DELIMITERS} part delimiters")
    return email.message_from_bytes(raw, policy=compat32)


def header_only(raw: bytes) -> Message[Any, Any]:
    """The header of a mail whose body is not looked at; for stubs and failures."""
    head = _split(raw)[0][:MAX_HEADER_BLOCK]
    neutral = re.sub(rb"(?im)^content-", b"X-Unused-", head)
    return email.message_from_bytes(neutral + b"\r\n\r\n", policy=compat32)


def _split(raw: bytes) -> tuple[bytes, bytes, bytes]:
    match = re.search(rb"\r?\n\r?\n", raw)
    if match is None:
        return raw, b"", b""
    return raw[: match.start()], match[0], raw[match.end() :]


def read(message: Message[Any, Any]) -> Content:
    """Body text, attachments and facts."""
    content = Content(facts={}, attachments=[], types=[])
    texts: list[_Text] = []
    remaining = MAX_DECODED
    for leaf in _leaves(message, content):
        name = _file_name(leaf.part)
        disposition = headers.raw_value(leaf.part, "content-disposition").partition(";")[0].strip().lower()
        is_text = leaf.content_type in ("text/plain", "text/html")
        if is_text and disposition != "attachment" and (not name or not texts):
            texts.append(_text(leaf))
            continue
        if len(content.attachments) >= MAX_ATTACHMENTS:
            content.facts["problem"] = f"only the first {MAX_ATTACHMENTS} attachments are shown"
            break
        attachment = _attachment(leaf, name, remaining)
        remaining -= len(attachment.data or b"")
        content.attachments.append(attachment)
        if leaf.content_type == "text/calendar" and attachment.data:
            summary = _calendar_line(attachment.data)
            if summary:
                content.facts["calendar"] = summary
    content.text = _body(texts, content.facts)[:MAX_TEXT]
    return content


def _leaves(message: Message[Any, Any], content: Content) -> Iterator[_Leaf]:
    """Parts that hold something, in order; containers are only noted. Iterative, counted and bounded."""
    stack: list[tuple[Any, int, int]] = [(message, 0, 0)]
    count = groups = 0
    while stack:
        part, depth, group = stack.pop()
        count += 1
        if count > MAX_PARTS:
            content.facts["problem"] = f"only the first {MAX_PARTS} parts are shown"
            return
        content_type = str(part.get_content_type())
        if not (content_type.isascii() and content_type.isprintable()):
            content_type = "application/octet-stream"
        content.types.append(content_type)
        payload = part.get_payload()
        if content_type.startswith("multipart/") and isinstance(payload, list):
            if content_type == "multipart/encrypted":
                content.facts["security"] = "encrypted, cannot be read here"
            elif content_type == "multipart/signed":
                content.facts["security"] = "signed, not verified"
            if depth >= MAX_DEPTH:
                content.facts["problem"] = f"parts nested deeper than {MAX_DEPTH} are not shown"
                continue
            if content_type == "multipart/alternative":
                groups += 1
                group = groups
            stack.extend((child, depth + 1, group) for child in reversed(payload))
            continue
        if content_type.startswith("multipart/"):
            # Declared as a container, but there is no boundary in it: it is text.
            content_type = "text/plain"
        if re.fullmatch(r"application/(x-)?pkcs7-mime", content_type):
            content.facts["security"] = "encrypted or opaquely signed, cannot be read here"
        yield _Leaf(part, content_type, group)


def _text(leaf: _Leaf) -> _Text:
    html = leaf.content_type == "text/html"
    data = _payload(leaf.part)
    content_type = headers.raw_value(leaf.part, "content-type")
    label = headers.parameter(content_type, "charset")
    if html and not label:
        declared = re.search(
            rb"<meta[^>]{0,200}charset\s*=\s*[\"']?([\w.:-]{2,40})", data[:4096], re.IGNORECASE
        )
        label = declared[1].decode("ascii") if declared else ""
    text = charset.decode(data, label).replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    if not html and headers.parameter(content_type, "format").lower() == "flowed":
        text = unflow(text, delsp=headers.parameter(content_type, "delsp").lower() == "yes")
    return _Text(text, html, leaf.group)


def _body(texts: list[_Text], facts: dict[str, str]) -> str:
    """Of each alternative its plain text, or its HTML where the plain text says nothing."""
    pieces: list[str] = []
    done: set[int] = set()
    for item in texts:
        if item.group in done:
            continue
        members = [item]
        if item.group:
            done.add(item.group)
            members = [other for other in texts if other.group == item.group]
        plain = "\n\n".join(member.text for member in members if not member.html).strip("\n")
        sources = [member.text for member in members if member.html]
        if sources and (not plain.strip() or _PLACEHOLDER.match(plain.strip()[:400])):
            rendered = [render(source) for source in sources]
            images = sum(one.remote_images for one in rendered)
            if images:
                facts["remote_images"] = str(images)
            plain = "\n\n".join(one.text for one in rendered if one.text) or plain
        if plain.strip():
            pieces.append(plain.rstrip())
    return "\n\n".join(pieces)


def _payload(part: Any) -> bytes:
    """Decoded bytes of a leaf; the undecoded ones where the transfer encoding is broken."""
    try:
        data = part.get_payload(decode=True)
    except (ValueError, LookupError, binascii.Error, AssertionError):
        data = None
    if isinstance(data, bytes):
        return data
    payload = part.get_payload()
    return payload.encode("utf-8", "surrogateescape") if isinstance(payload, str) else b""


def _attachment(leaf: _Leaf, name: str, remaining: int) -> Attachment:
    part, content_type = leaf.part, leaf.content_type
    kind = "file"
    try:
        if content_type.startswith("message/") and isinstance(part.get_payload(), list):
            kind = "message"
            data = _nested(part)
            name = name or ("message.eml" if content_type == "message/rfc822" else "report.txt")
        else:
            data = _payload(part)
            kind = {"image": "image", "audio": "audio", "video": "video"}.get(
                content_type.partition("/")[0], "calendar" if content_type == "text/calendar" else "file"
            )
    except Exception as error:
        return _made(name, content_type, kind, None, f"cannot be decoded ({type(error).__name__})")
    if len(data) > remaining:
        return _made(name, content_type, kind, None, "left out: the mail unpacks to more than 50 MB")
    return _made(name, content_type, kind, data, "")


def _made(name: str, content_type: str, kind: str, data: bytes | None, problem: str) -> Attachment:
    return msgspec.convert(
        {
            "name": name or _default_name(content_type),
            "content_type": content_type,
            "kind": kind,
            "data": data,
            "problem": problem,
        },
        Attachment,
        strict=False,
    )


def _nested(part: Any) -> bytes:
    """A message inside of the mail, as bytes; never looked into (its ids and names are not ours to trust)."""
    inner = part.get_payload()
    encoding = headers.raw_value(part, "content-transfer-encoding").strip().lower()
    if encoding == "base64" and len(inner) == 1 and isinstance(inner[0].get_payload(), str):
        # Not allowed by RFC 2046 5.2.1, and seen: the whole inner message is encoded.
        return binascii.a2b_base64(inner[0].get_payload().encode("ascii", "replace"))
    return b"\r\n".join(one.as_bytes() for one in inner)


def _file_name(part: Any) -> str:
    """The sender's name for a part, cleaned for showing."""
    # The plain form first: the library turns raw 8-bit names into question marks.
    disposition = headers.raw_value(part, "content-disposition")
    name = headers.parameter(disposition, "filename")
    if not name:
        try:
            name = part.get_filename() or ""
        except Exception:
            # RFC 2231 parameters break the library in several ways; the part is shown without a name.
            name = ""
    name = name or headers.parameter(headers.raw_value(part, "content-type"), "name")
    return shown_name(headers.decoded(name))


def shown_name(name: str) -> str:
    """`../../etc/passwd` → `passwd`; bidi controls, trailing dots and excess length are removed."""
    name = re.sub(r"[\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]", "", name)
    name = re.split(r"[/\\]", name)[-1].strip().rstrip(". ")
    if len(name) > MAX_NAME:
        stem, dot, extension = name.rpartition(".")
        keep = MAX_NAME - len(extension) - 2
        name = f"{stem[:keep]}….{extension}" if dot and len(extension) <= 10 else name[:MAX_NAME]
    return name if name not in (".", "..") else ""


def _default_name(content_type: str) -> str:
    extension = {
        "text/plain": "txt",
        "text/html": "html",
        "text/calendar": "ics",
        "message/rfc822": "eml",
        "application/pdf": "pdf",
        "application/pkcs7-mime": "p7m",
        "application/x-pkcs7-mime": "p7m",
        "application/pkcs7-signature": "p7s",
        "application/ms-tnef": "dat",
    }.get(content_type) or re.sub(r"[^a-z0-9]", "", content_type.partition("/")[2])[:8]
    return f"unnamed.{extension or 'bin'}"


def _calendar_line(data: bytes) -> str:
    unfolded = re.sub(r"\r?\n[ \t]", "", charset.decode(data[:200_000], "utf-8"))
    found = re.search(r"^SUMMARY[^:\n]*:(.*)$", unfolded, re.MULTILINE)
    return headers.clean(re.sub(r"\\(.)", r"\1", found[1]))[:200] if found else ""


def unflow(text: str, delsp: bool) -> str:
    """Join the soft lines of format=flowed (RFC 3676), within one depth of quotation."""
    result: list[str] = []
    open_depth = -1
    for line in text.split("\n"):
        content = line.lstrip(">")
        depth = len(line) - len(content)
        content = content.removeprefix(" ")
        soft = content.endswith(" ") and content != "-- "
        piece = content[:-1] if soft and delsp else content
        if open_depth == depth and content != "-- ":
            result[-1] += piece
        else:
            result.append(("> " * depth if depth else "") + piece)
        open_depth = depth if soft else -1
    return "\n".join(result)
