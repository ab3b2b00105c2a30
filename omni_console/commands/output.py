"""Data on the standard output: a table for people, JSON for programs."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import click
import msgspec

from omni_console.commands.errors import plain

json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def quiet_logs() -> None:
    """What the server's modules log goes to stderr, and only from warnings on: stdout is for data."""
    from server.logs import set_up

    set_up("warning", "text")


def print_json(value: Any) -> None:
    click.echo(_visible(msgspec.json.format(msgspec.json.encode(value), indent=2).decode()))


def json_line(value: Any) -> str:
    """One line, for a stream of them."""
    return _visible(msgspec.json.encode(value).decode())


def _visible(text: str) -> str:
    """The same JSON, with nothing in it that a terminal takes for more than text."""
    return "".join(char if char.isprintable() or char == "\n" else json.dumps(char)[1:-1] for char in text)


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Columns as wide as their widest cell; the last one may be as long as it likes."""
    cells = [[plain(cell) for cell in row] for row in (head, *rows)]
    widths = [max(width(row[column]) for row in cells) for column in range(len(head))]
    for row in cells:
        line = "  ".join(cell + " " * (widths[column] - width(cell)) for column, cell in enumerate(row))
        click.echo(line.rstrip())


def width(text: str) -> int:
    """Terminal cells of a text without control characters."""
    wide = sum(1 for char in text if unicodedata.east_asian_width(char) in "WF")
    marks = sum(1 for char in text if unicodedata.combining(char))
    return len(text) + wide - marks


def moment(at: int | None) -> str:
    """UTC milliseconds in the local zone of whoever reads it."""
    if at is None:
        return "-"
    return datetime.fromtimestamp(at / 1000, UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
