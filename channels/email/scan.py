"""The structure of a mail of the usual shape, from its bytes; every other mail is left to Python's parser.

That parser goes line by line through everything, the base64 of a photograph too. Here boundaries are searched
for instead, and the fields of a header are matched as a block. Only what surely comes out the same is done:
fields that are fields, containers with a plain boundary, parts that are begun and closed in order. Whatever
is odd gives None. `tests/unit/test_email_scan.py` compares the two parsers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from email.message import Message
from typing import Any

from channels.email.headers import MAX_STRUCTURED, POLICY, cut

MAX_DEPTH = 20
MAX_PARTS = 500
MAX_LIKE_DELIMITERS = 2_000  # lines of a container that begin as its delimiters do

# What Python's parser takes for the lines of one field, without the last line's end.
_FIELDS = re.compile(r"(?:[!-9;-~]++:[^\n]*+(?:\n[ \t][^\n]*+)*+\n)++")
_NAME_AND_VALUE = re.compile(r"([!-9;-~]++):[ \t]*+([^\n]*+(?:\n[ \t][^\n]*+)*+)")
_BLANK = re.compile(rb"\n\r?\n")
_FURTHER = r"(?:\s*+;\s*+(?!boundary)[a-z0-9-]++=(?:\"[^\"\\;<>*]*+\"|[^\s\"\\;<>*]++))*+"
_CONTAINER = re.compile(
    rf"multipart/(?!digest)[a-z0-9.+-]++{_FURTHER}"
    r"\s*+;\s*+boundary=(?:\"([^\"\\;<>\s](?:[^\"\\;<>\r\n\t]*[^\"\\;<>\s])?)\"|([^\s\"\\;<>]++))"
    rf"{_FURTHER}\s*+;?+\s*+",
    re.IGNORECASE | re.ASCII,
)
_AFTER_BOUNDARY = re.compile(rb"(--)?[ \t]*+(?:\r?\n|\Z|(\r))")
# Where a mail inside of the mail is known as one by nested.py, too, and stays closed.
_CLOSED = re.compile(r"(?:\r?\n[ \t]+)?message/", re.IGNORECASE)


class _UnusualError(Exception):
    """This mail is for Python's parser."""


def scan(raw: bytes) -> Message[Any, Any] | None:
    """What `email.message_from_bytes` makes of the mail with the mails in it closed, less preambles and
    epilogues, which nobody shows; None where the mail is not of the usual shape."""
    try:
        return _Scan(raw).part(0, len(raw), 0)
    except _UnusualError:
        return None


class _Scan:
    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._parts = 0

    def part(self, start: int, end: int, depth: int) -> Message[Any, Any]:
        """The part between two places, without the line break that belongs to the delimiter behind it."""
        self._parts += 1
        if self._parts > MAX_PARTS or depth > MAX_DEPTH:
            raise _UnusualError
        message: Message[Any, Any] = Message(policy=POLICY)
        declared, body = self._fields(message, start, end)
        kind = declared.partition(";")[0].strip().lower()
        if kind.startswith("multipart/") and kind.count("/") == 1:
            for begin, finish in self._segments(declared, body, end):
                message.attach(self.part(begin, finish, depth + 1))
            return message
        if kind.startswith("message/") and _CLOSED.match(declared) is None:
            raise _UnusualError
        message.set_payload(self._raw[body:end].decode("ascii", "surrogateescape"))
        return message

    def _fields(self, message: Message[Any, Any], start: int, end: int) -> tuple[str, int]:
        """Give the message its header; the declared content type, and where the body begins."""
        for line_break in (b"\r\n", b"\n"):
            if self._raw.startswith(line_break, start, end):
                return "", start + len(line_break)
        blank = _BLANK.search(self._raw, start, end)
        if blank is None:
            raise _UnusualError
        text = self._raw[start : blank.start() + 1].decode("ascii", "surrogateescape")
        if _FIELDS.fullmatch(text) is None or text.count("\r") != text.count("\r\n"):
            raise _UnusualError
        declared = None
        for name, value in _NAME_AND_VALUE.findall(text):
            value = value.rstrip("\r\n")
            if len(value) > MAX_STRUCTURED:
                value = cut(name, value)
            message.set_raw(name, value)
            if declared is None and name.lower() == "content-type":
                declared = value
        if declared is not None and not declared.isascii():
            raise _UnusualError
        return declared or "", blank.end()

    def _segments(self, declared: str, body: int, end: int) -> Iterator[tuple[int, int]]:
        """Where the parts of a container begin and end."""
        match = _CONTAINER.fullmatch(declared)
        if match is None:
            raise _UnusualError
        begin = None
        for line, after, closing in self._delimiters((match[1] or match[2]).encode("ascii"), body, end):
            if begin is not None:
                finish = line - 1 if self._raw[line - 1 : line] == b"\r" else line
                if finish <= begin:
                    raise _UnusualError
                yield begin, finish
            elif closing:
                raise _UnusualError
            if closing:
                return
            begin = after
        raise _UnusualError  # never begun, or never closed

    def _delimiters(self, boundary: bytes, body: int, end: int) -> Iterator[tuple[int, int, bool]]:
        """(the line break before it, where the next line begins, does it close?) of each delimiter line."""
        mark = b"\n--" + boundary
        at = body - 1  # the line break before the body
        # Python's parser knows line ends that are a carriage return alone.
        if self._raw.find(b"\r--" + boundary, body, end) >= 0:
            raise _UnusualError
        for _ in range(MAX_LIKE_DELIMITERS):
            at = self._raw.find(mark, at, end)
            if at < 0:
                return
            rest = _AFTER_BOUNDARY.match(self._raw, at + len(mark), end)
            if rest is not None:
                if rest[2]:
                    raise _UnusualError
                yield at, rest.end(), rest[1] is not None
            at += len(mark)
        raise _UnusualError
