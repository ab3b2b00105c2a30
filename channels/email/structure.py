"""The parts of a mail: which are its text, what is attached. Caps on everything a sender can grow.

Structure comes from the compat32 parser, the one of Python's that raises on none of the known broken
mails; each part is decoded on its own, and one that fails becomes an attachment with a problem.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.message import Message
from typing import Any
from urllib.parse import unquote

import msgspec
from msgspec.structs import replace

from channels.base import Attachment
from channels.email import headers
from channels.email.attached import attachment, file_name, files_of, is_tnef, made, shown_name, unwrapped
from channels.email.body import Body, Text, compose, pgp_words, read_text, take_uuencoded
from channels.email.headers import POLICY
from channels.email.invitation import read_invitation
from channels.email.nested import type_of, veiled
from channels.email.scan import scan

MAX_HEADER_BLOCK = 128 * 1024
MAX_DELIMITERS = 2_000
MAX_LINE_STEPS = 20_000_000
MAX_PARTS = 500
MAX_DEPTH = 20
MAX_ATTACHMENTS = 100
MAX_DECODED = 50 * 1024 * 1024


_SHOWN_PICTURE = re.compile(r"cid:([^\"'\s<>)]{1,250})", re.IGNORECASE)


class Content(msgspec.Struct, kw_only=True):
    """`facts` are small things to show (encrypted, remote images …); `body` is where `text` comes from."""

    text: str = ""
    attachments: list[Attachment] = []
    facts: dict[str, str] = {}
    problems: list[str] = []
    types: list[str] = []  # content types in order, for classification
    body: Body = msgspec.field(default_factory=Body)


class TooComplexError(Exception):
    """The mail has more parts than anybody means; it is attached whole instead of being taken apart."""


class _Leaf(msgspec.Struct):
    part: Any
    content_type: str
    group: int


def parse_message(raw: bytes) -> Message[Any, Any]:
    """Structure of a mail. Raises TooComplexError, and RecursionError for absurd nesting."""
    head, separator, body = _split(raw)
    if len(head) > MAX_HEADER_BLOCK:
        cut = head.rfind(b"\n", 0, MAX_HEADER_BLOCK) + 1
        head = head[: cut or MAX_HEADER_BLOCK].rstrip(b"\r\n")
        separator = separator or b"\r\n\r\n"
    raw = head + separator + body
    usual = scan(raw)
    if usual is not None:
        return usual
    if re.search(rb"^content-type:\s*(multipart|message)/", head, re.IGNORECASE | re.MULTILINE):
        _count_parts(head, body)
    return email.message_from_bytes(veiled(raw), policy=POLICY)


def _count_parts(head: bytes, body: bytes) -> None:
    """Refuse what nobody can mean, before the parser spends minutes on it."""
    containers = body.count(b"boundary=") + body.count(b"Boundary=") + body.count(b"BOUNDARY=")
    # Each line passes through every container that is open around it.
    if containers > MAX_PARTS or containers * body.count(b"\n") > MAX_LINE_STEPS:
        raise TooComplexError("the mail has more containers of parts than anybody means")
    if body.count(b"\n--") <= MAX_DELIMITERS:
        return
    # Long dashes are common in texts: count only what begins with a boundary.
    declared = re.findall(rb"boundary\s*=\s*\"?([^\"\r\n;]{1,200})", head + b"\r\n" + body, re.IGNORECASE)
    boundaries = {one.strip() for one in declared}
    count = 0
    for match in re.finditer(rb"\n--([^\r\n]{1,200})", body):
        line = match[1].rstrip()
        count += line in boundaries or line.removesuffix(b"--") in boundaries
        if count > MAX_DELIMITERS:
            raise TooComplexError(f"the mail has more than {MAX_DELIMITERS} part delimiters")


def header_only(raw: bytes) -> Message[Any, Any]:
    """The header of a mail whose body is not looked at; for stubs and failures."""
    head = _split(raw)[0][:MAX_HEADER_BLOCK]
    neutral = re.sub(rb"(?im)^content-", b"X-Unused-", head)
    return email.message_from_bytes(neutral + b"\r\n\r\n", policy=POLICY)


def _split(raw: bytes) -> tuple[bytes, bytes, bytes]:
    # Some gateways put an empty line or a byte order mark before the header.
    raw = raw.removeprefix(b"\xef\xbb\xbf").lstrip(b"\r\n")
    if b"\r\r\n" in raw[:MAX_HEADER_BLOCK]:
        raw = raw.replace(b"\r\r\n", b"\r\n")  # saved twice by something that writes text files
    match = re.search(rb"\r?\n\r?\n", raw)
    if match is None:
        return raw, b"", b""
    return raw[: match.start()], match[0], raw[match.end() :]


def read(message: Message[Any, Any]) -> Content:
    """Text, attachments, facts and problems."""
    content = Content(facts={}, attachments=[], types=[], problems=[])
    texts: list[Text] = []
    invitations: list[str] = []
    remaining = MAX_DECODED
    pictures: dict[str, int] = {}  # Content-ID -> number of the attachment

    def attach(one: Attachment) -> None:
        nonlocal remaining
        remaining -= len(one.data or b"")
        content.attachments.append(one)

    for leaf in _leaves(message, content):
        name = file_name(leaf.part)
        disposition = headers.raw_value(leaf.part, "content-disposition").partition(";")[0].strip().lower()
        alternative = leaf.group and any(text.group == leaf.group for text in texts)
        is_text = leaf.content_type in ("text/plain", "text/html")
        if is_text and disposition != "attachment" and (not name or not texts or alternative):
            texts.append(read_text(leaf.part, leaf.content_type, leaf.group))
            continue
        if alternative and leaf.content_type == "text/x-amp-html":
            continue  # one more rendering of the same text, which only Gmail can show
        if len(content.attachments) >= MAX_ATTACHMENTS:
            content.problems.append(f"only the first {MAX_ATTACHMENTS} attachments are shown")
            break
        if is_tnef(leaf.content_type, name) and (unpacked := unwrapped(leaf.part)) is not None:
            if not texts and (unpacked.text.strip() or unpacked.html.strip()):
                text = unpacked.text.replace("\r\n", "\n").replace("\r", "\n")
                texts.append(Text(text if text.strip() else unpacked.html, not text.strip(), 0))
            for one in files_of(unpacked, remaining):
                attach(one)
            continue
        one = attachment(leaf.part, leaf.content_type, name, remaining)
        if identifier := headers.raw_value(leaf.part, "content-id").strip(" <>"):
            pictures[identifier] = len(content.attachments)
        attach(one)
        if one.problem:
            content.problems.append(f"{one.name}: {one.problem}")
        if one.kind == "calendar" and one.data and "calendar" not in content.facts:
            invitation = read_invitation(one.data)
            if invitation is not None:
                content.facts["calendar"] = invitation.summary
                invitations.append(invitation.text)
    _take_files_out_of_text(texts, content, attach)
    shown = {unquote(one) for page in texts if page.html for one in _SHOWN_PICTURE.findall(page.text)}
    for identifier in shown & pictures.keys():
        number = pictures[identifier]
        content.attachments[number] = replace(content.attachments[number], inline=True)
    content.body = compose(texts, content.facts)
    _say_security(content)
    for text in invitations:
        content.body.text = f"{content.body.text}\n\n{text}".lstrip("\n")
    content.text = content.body.text
    if problem := content.facts.pop("problem", ""):
        content.problems.append(problem)
    if content.problems:
        content.facts["problem"] = "; ".join(content.problems)
    return content


def _take_files_out_of_text(texts: list[Text], content: Content, attach: Any) -> None:
    for text in texts:
        if text.html or "\nbegin " not in f"\n{text.text}":
            continue
        text.text, files = take_uuencoded(text.text)
        for name, data in files:
            if len(content.attachments) < MAX_ATTACHMENTS:
                attach(made(shown_name(name), "application/octet-stream", "file", data))


def _say_security(content: Content) -> None:
    words = pgp_words(content.body.text)
    if words:
        content.facts.setdefault("security", words)
    security = content.facts.get("security", "")
    if not content.body.text.strip() and "cannot be read here" in security:
        content.body.text = f"[This mail is {security}. It is attached as it came.]"


def _leaves(message: Message[Any, Any], content: Content) -> Iterator[_Leaf]:
    """Parts that hold something, in order; containers are only noted. Iterative, counted and bounded."""
    stack: list[tuple[Any, int, int]] = [(message, 0, 0)]
    count = groups = 0
    while stack:
        part, depth, group = stack.pop()
        count += 1
        if count > MAX_PARTS:
            content.problems.append(f"only the first {MAX_PARTS} parts are shown")
            return
        content_type = type_of(part)
        if not (content_type.isascii() and content_type.isprintable() and len(content_type) < 200):
            content_type = "application/octet-stream"
        content.types.append(content_type)
        if content_type.startswith("multipart/") and part.is_multipart():
            if content_type == "multipart/encrypted":
                content.facts["security"] = "encrypted (PGP), cannot be read here"
            elif content_type == "multipart/signed":
                content.facts.setdefault("security", f"signed ({_signer(part)}), not verified")
            if depth >= MAX_DEPTH:
                content.problems.append(f"parts nested deeper than {MAX_DEPTH} are not shown")
                continue
            if content_type == "multipart/alternative":
                groups += 1
                group = groups
            stack.extend((child, depth + 1, group) for child in reversed(part.get_payload()))
            continue
        if content_type.startswith("multipart/"):
            # Declared as a container, but there is no boundary in it: it is text.
            content_type = "text/plain"
        if re.fullmatch(r"application/(x-)?pkcs7-mime", content_type):
            content.facts["security"] = _smime_words(part)
        yield _Leaf(part, content_type, group)


def _signer(part: Any) -> str:
    protocol = headers.parameter(headers.raw_value(part, "content-type"), "protocol").lower()
    return "S/MIME" if "pkcs7" in protocol else "PGP"


def _smime_words(part: Any) -> str:
    kind = headers.parameter(headers.raw_value(part, "content-type"), "smime-type").lower()
    if kind == "signed-data":
        return "signed (S/MIME) in a form that cannot be read here"
    return "encrypted (S/MIME), cannot be read here"
