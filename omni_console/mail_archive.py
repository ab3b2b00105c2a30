"""Mails in files of other programs: mbox, Maildir, single .eml files. Oldest first, so that answers find
what they answer.

Only places and dates are kept in memory; a file of gigabytes is read twice, and never whole.
"""

from __future__ import annotations

import email.utils
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

BATCH_BYTES = 4 * 1024 * 1024
BATCH_MAILS = 100
LARGEST = 100 * 1024 * 1024
HEAD = 64 * 1024

# The line between two mails of an mbox (RFC 4155), after a blank line: a sender and a date with its year.
_FROM = re.compile(rb"^From \S.*\b\d{4}(?: [+-]\d{4})?\s*$")


class ArchiveError(Exception):
    """This is not such an archive."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Entry(msgspec.Struct, frozen=True):
    """One mail: `size` bytes from `start` of a file. `quoted`: lines ">From " lost a ">" there (mboxrd)."""

    file: Path
    start: int
    size: int
    date: float
    quoted: bool = False

    def read(self) -> bytes:
        with open(self.file, "rb") as file:
            file.seek(self.start)
            raw = file.read(self.size)
        return re.sub(rb"(?m)^>(>*From )", rb"\1", raw) if self.quoted else raw


def found_in(kind: str, path: Path) -> list[Entry]:
    """Every mail of the archive, oldest first. Raises ArchiveError, OSError."""
    entries = list({"mbox": _mbox, "maildir": _maildir, "eml": _eml}[kind](path))
    entries.sort(key=lambda entry: entry.date)
    return entries


def batches(entries: list[Entry], too_big: list[str]) -> Iterator[bytes]:
    """Bodies of requests, each of a few megabytes; what the server would not take is named in `too_big`."""
    batch: list[bytes] = []
    weight = 0
    for entry in entries:
        if entry.size > LARGEST:
            too_big.append(f"{entry.file} at byte {entry.start}: {entry.size} bytes")
            continue
        raw = entry.read()
        batch.append(b"%d\n" % len(raw) + raw)
        weight += len(raw)
        if weight >= BATCH_BYTES or len(batch) >= BATCH_MAILS:
            yield b"".join(batch)
            batch, weight = [], 0
    if batch:
        yield b"".join(batch)


def _mbox(path: Path) -> Iterator[Entry]:
    if not path.is_file():
        raise ArchiveError("an mbox is one file", "for a folder of files: omni mail import maildir | eml")
    with open(path, "rb") as file:
        start: int | None = None
        blank = True
        position = 0
        for line in _lines(file):
            if blank and line.startswith(b"From ") and _FROM.match(line):
                if start is not None:
                    yield _of_mbox(path, start, position)
                start = position + len(line)
            elif start is None and line.strip():
                raise ArchiveError(
                    "it does not begin with a line From SENDER DATE", "is it one mail? omni mail import eml"
                )
            blank = not line.strip()
            position += len(line)
        if start is not None:
            yield _of_mbox(path, start, position)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    while line := file.readline(HEAD):
        yield line


def _of_mbox(path: Path, start: int, end: int) -> Entry:
    return Entry(path, start, end - start, _date(path, start, end - start), quoted=True)


def _maildir(path: Path) -> Iterator[Entry]:
    folders = [each for name in ("cur", "new") for each in path.rglob(name) if each.is_dir()]
    if not folders:
        raise ArchiveError("a Maildir has folders cur and new", "for a folder of .eml: omni mail import eml")
    for folder in folders:
        for file in sorted(folder.iterdir()):
            if file.is_file() and not file.name.startswith("."):
                yield _of_file(file)


def _eml(path: Path) -> Iterator[Entry]:
    if path.is_file():
        yield _of_file(path)
        return
    for file in sorted(path.rglob("*.eml")):
        if file.is_file():
            yield _of_file(file)


def _of_file(file: Path) -> Entry:
    size = file.stat().st_size
    return Entry(file, 0, size, _date(file, 0, size))


def _date(path: Path, start: int, size: int) -> float:
    """Seconds since 1970 of its Date line; what has none comes first."""
    with open(path, "rb") as file:
        file.seek(start)
        head = re.split(rb"\r?\n\r?\n", file.read(min(size, HEAD)), maxsplit=1)[0]
    match = re.search(rb"^date:[ \t]*([^\r\n]{1,100})", head, re.IGNORECASE | re.MULTILINE)
    parsed = email.utils.parsedate_tz(match[1].decode("ascii", "replace")) if match else None
    try:
        return 0.0 if parsed is None else float(email.utils.mktime_tz(parsed))
    except (ValueError, OverflowError):
        return 0.0
