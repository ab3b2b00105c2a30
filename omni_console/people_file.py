"""A file of people, or of people and what was said with them, line by line. Pure but for reading the file.

CSV: one person a row, named by the columns. JSONL: `{"person": {…}}` or `{"message": {…}}` a line, as the
wire types ImportPerson and ImportMessage.
"""

from __future__ import annotations

import csv
import hashlib
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from server.protocol import ImportLine, ImportMessage, ImportPerson, ImportProblem

SEPARATOR = "|"  # between several values in one cell
_LISTS = {"email": "emails", "emails": "emails", "phone": "phones", "phones": "phones", "tags": "tags"}
_TEXTS = frozenset({"id", "name", "language", "time_zone"})
_YES = {
    "yes": True,
    "true": True,
    "1": True,
    "да": True,
    "no": False,
    "false": False,
    "0": False,
    "нет": False,
}
_AT = re.compile(r" - at `\$\.?(.*)`$")


class UnreadableError(ValueError):
    """The file as a whole makes no sense."""


class Content(msgspec.Struct):
    lines: list[ImportLine]
    problems: list[ImportProblem]


def read(data: bytes, name: str) -> Content:
    """`name` decides: .csv, else JSONL. Raises UnreadableError."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UnreadableError(f"it is not UTF-8 (byte {error.start})") from error
    rows = _csv(text) if name.lower().endswith(".csv") else _jsonl(text)
    content = Content([], [])
    for number, row in rows:
        try:
            content.lines.append(_line(number, row()))
        except (ValueError, msgspec.ValidationError) as error:
            content.problems.append(ImportProblem(line=number, problem=_plain(error)))
    _refuse_repeats(content)
    return content


class _Row:
    """A line that is looked at only when it is its turn, so that each failure is its own."""

    def __init__(self, given: str | list[str], columns: list[str] | None = None) -> None:
        self._given = given
        self._columns = columns or []

    def __call__(self) -> dict[str, Any]:
        if isinstance(self._given, list):
            return {"person": _person(self._columns, self._given)}
        found = msgspec.json.decode(self._given.encode())
        if not isinstance(found, dict):
            raise ValueError("it is no JSON object")
        message = found.get("message")
        if isinstance(message, dict) and isinstance(message.get("at"), str):
            message["at"] = _moment(message["at"])
        return found


def _plain(error: Exception) -> str:
    text = str(error)
    found = _AT.search(text)
    return f"{found[1]}: {text[: found.start()]}" if found else text


def _line(number: int, row: dict[str, Any]) -> ImportLine:
    line = msgspec.convert({**row, "line": number}, ImportLine)
    if (line.person is None) == (line.message is None):
        raise ValueError('it is neither {"person": …} nor {"message": …}')
    return line


def _jsonl(text: str) -> Iterator[tuple[int, _Row]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            yield number, _Row(line)


def _csv(text: str) -> Iterator[tuple[int, _Row]]:
    head = text.partition("\n")[0]
    delimiter = max(",;\t", key=head.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        columns = [name.strip() for name in next(reader)]
    except StopIteration:
        raise UnreadableError("it is empty") from None
    except csv.Error as error:
        raise UnreadableError(f"line 1: {error}") from error
    if "" in columns or len(set(columns)) != len(columns):
        raise UnreadableError(f"line 1: a column has no name, or two have the same: {', '.join(columns)}")
    while True:
        number = reader.line_num + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise UnreadableError(f"line {number}: {error}") from error
        if not any(cell.strip() for cell in cells):
            continue
        yield number, _Row(cells, columns)


def _person(columns: list[str], cells: list[str]) -> dict[str, Any]:
    if len(cells) != len(columns):
        raise ValueError(f"it has {len(cells)} cells, and the head has {len(columns)}")
    person: dict[str, Any] = {"fields": {}, "consents": {}}
    for column, cell in zip(columns, cells, strict=True):
        value = cell.strip()
        if not value:
            continue
        if column in _TEXTS:
            person[column] = value
        elif column in _LISTS:
            parts = [part.strip() for part in value.split(SEPARATOR)]
            person[_LISTS[column]] = [*person.get(_LISTS[column], []), *filter(None, parts)]
        elif column.startswith("consent."):
            if value.lower() not in _YES:
                raise ValueError(f"{column}: {value[:20]!r} is neither yes nor no")
            person["consents"][column.removeprefix("consent.")] = _YES[value.lower()]
        else:
            person["fields"][column] = value
    if "id" not in person:
        person["id"] = _made_up_id(person)
    return person


def _made_up_id(person: dict[str, Any]) -> str:
    """The same name with the same addresses is the same person of the same file, and nobody else."""
    known = [person.get("name", ""), *person.get("emails", []), "/", *person.get("phones", [])]
    if len(known) == 2 and not known[0]:
        raise ValueError("it has neither an id nor a name nor an address")
    return "row-" + hashlib.sha256("\n".join(known).encode()).hexdigest()[:32]


def _moment(text: str) -> int:
    """UTC milliseconds of an ISO 8601 time; without a zone it is UTC."""
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(f"message.at: {text[:40]!r} is not a time such as 2026-11-21T12:00:00Z") from error
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def _refuse_repeats(content: Content) -> None:
    seen: dict[tuple[str, ...], int] = {}
    kept = []
    for line in content.lines:
        key = _key(line.person or line.message)
        first = seen.setdefault(key, line.line)
        if first == line.line:
            kept.append(line)
        else:
            content.problems.append(ImportProblem(line=line.line, problem=f"it repeats line {first}"))
    content.lines = kept
    content.problems.sort(key=lambda problem: problem.line)


def _key(one: ImportPerson | ImportMessage | None) -> tuple[str, ...]:
    if isinstance(one, ImportMessage):
        return (one.person, one.id)
    return ("" if one is None else one.id,)
