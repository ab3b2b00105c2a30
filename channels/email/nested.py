"""Mails inside of mails stay closed: for the parser they are files, byte for byte as they came.

Python's parser would take them apart, and write them anew when they are to be attached: with other line
ends and other folds. So their type is veiled while the outer mail is parsed (RFC 2046 5.2: message/…), and
unveiled wherever text or bytes of the mail leave the parser.
"""

from __future__ import annotations

import email
import re
from collections.abc import Iterator
from email.message import Message
from email.policy import Policy
from typing import Any

VEIL = "x-veiled-"

_DECLARED = re.compile(rb"(^content-type:[ \t]*(?:\r?\n[ \t]+)?)(?=message/)", re.IGNORECASE | re.MULTILINE)
_VEILED = re.compile(rb"x-veiled-(?=message/)", re.IGNORECASE)


def veiled(raw: bytes) -> bytes:
    """The mail with every message/… type in it veiled."""
    if b"message/" not in raw.lower():
        return raw  # nearly always, and the pattern takes 2 ms a megabyte
    return _DECLARED.sub(rb"\1" + VEIL.encode("ascii"), raw)


def unveiled(data: bytes) -> bytes:
    return _VEILED.sub(b"", data) if VEIL.encode("ascii") in data else data


def type_of(part: Any) -> str:
    """Content type of a part, lower case; of a mail inside of the mail its true one."""
    return str(part.get_content_type()).removeprefix(VEIL)


def header_of(data: bytes, policy: Policy) -> Message[Any, Any]:
    """The header of a closed mail; its body is not looked at."""
    head = re.split(rb"\r?\n\r?\n", data.lstrip(b"\r\n")[: 128 * 1024], maxsplit=1)[0]
    neutral = re.sub(rb"(?im)^content-", b"X-Unused-", head)
    return email.message_from_bytes(neutral + b"\r\n\r\n", policy=policy)


def header_blocks(data: bytes, policy: Policy, limit: int) -> Iterator[Message[Any, Any]]:
    """The blocks of header lines that make a message/delivery-status (RFC 3464 2.1)."""
    for block in re.split(rb"(?:\r?\n[ \t]*){2,}", data.strip()[: 1024 * 1024], maxsplit=limit)[:limit]:
        yield email.message_from_bytes(block.strip() + b"\r\n\r\n", policy=policy)
