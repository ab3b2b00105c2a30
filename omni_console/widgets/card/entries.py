"""A line of the card, and what can be done with it."""

from __future__ import annotations

from typing import Literal

import msgspec

from omni_console.widgets.paint import Line

DeedKind = Literal[
    "name", "language", "time_zone", "preferred", "field", "tags", "consent", "address", "finding",
    "suggestion", "record", "score", "promise", "case", "link", "merge", "files", "notes", "origin",
]  # fmt: skip


class Deed(msgspec.Struct, frozen=True):
    """What enter acts on. `id` and `name` say which of its kind: a field's name, a merge's number."""

    kind: DeedKind
    id: int = 0
    name: str = ""


class Entry(msgspec.Struct, frozen=True):
    line: Line
    deed: Deed | None = None  # None: the cursor passes over it


Section = list[Entry]
