"""Layouts of the screen, kept by name: which panes, how they share it, what they show. Plain Python.

A file for each server and operator, for its owner alone. It holds numbers of conversations, the names that
the operator gave and the filter he typed, and nothing that a customer wrote.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from omni_console import tiling
from omni_console.own_files import alone, write_private
from omni_console.tiling import Leaf, Node, Split
from server.protocol import View

NAME_MAX = 40
NAMED_MAX = 50
FILTER_MAX = 400  # characters
FILE_MAX = 1_000_000  # bytes; ours have a few thousand
_DEPTH_MAX = 12  # of splits in splits

Card = Literal["", "shown", "hidden"]  # "": as the screen's width has it
Focus = Literal["list", "pane", "card"]


class Layout(msgspec.Struct, kw_only=True, frozen=True):
    """`splits` knows panes by numbers of its own; `conversations` says what they show, or nothing."""

    splits: Node = Leaf(1)
    conversations: dict[int, int] = {}
    active: int = 1
    zoomed: bool = False
    card: Card = ""
    list_width: Annotated[int, msgspec.Meta(ge=0, le=1000)] = 0  # 0: as wide as it is by itself
    view: View = "mine"
    place: Annotated[str, msgspec.Meta(pattern=r"^\d{0,18}$")] = ""  # the number of a saved view
    filter: Annotated[str, msgspec.Meta(max_length=FILTER_MAX)] = ""  # as it was typed
    focus: Focus = "list"

    @property
    def panes(self) -> int:
        return len(list(tiling.leaves(self.splits)))


class Book(msgspec.Struct, kw_only=True, frozen=True):
    last: Layout | None = None
    named: dict[str, Layout] = {}


class BrokenLayoutsError(Exception):
    """The file does not hold layouts; the message says where it was put."""


def file_name(server: str, site: str, login: str) -> str:
    """Numbers of one server mean somebody else on another one."""
    place = "\n".join((server, site, login))
    return hashlib.sha256(place.encode()).hexdigest()[:16] + ".json"


class LayoutFile:
    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Book:
        """A missing file is an empty book. A bad one is put aside, and BrokenLayoutsError raised. OSError."""
        try:
            with self.path.open("rb") as file:
                data = file.read(FILE_MAX + 1)
        except FileNotFoundError:
            return Book()
        try:
            return _checked(data)
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            aside = self.path.with_suffix(".broken")
            self.path.replace(aside)
            raise BrokenLayoutsError(str(aside)) from error

    def change(self, deed: Callable[[Book], Book]) -> Book:
        """Read, change, write, alone: this console keeps some by itself and some because it is told to, and
        there may be others of the same operator. Raises OSError."""
        with alone(self.path):
            try:
                book = self.read()
            except BrokenLayoutsError:
                book = Book()
            changed = deed(book)
            if changed != book:
                write_private(self.path, msgspec.json.encode(changed).decode())
            return changed


def _checked(data: bytes) -> Book:
    if len(data) > FILE_MAX:
        raise ValueError("too large for a file of layouts")
    book = msgspec.json.decode(data, type=Book)
    for layout in (book.last, *book.named.values()):
        if layout is not None:
            _check(layout)
    return book


def _check(layout: Layout) -> None:
    _check_node(layout.splits, _DEPTH_MAX)
    keys = list(tiling.leaves(layout.splits))
    if len(keys) > tiling.PANES_MAX or len(set(keys)) < len(keys):
        raise ValueError("these are no panes")


def _check_node(node: Node, depth: int) -> None:
    if isinstance(node, Split):
        good = all(math.isfinite(share) and 0 < share < 1e9 for share in node.shares)
        if depth == 0 or len(node.parts) < 2 or len(node.parts) != len(node.shares) or not good:
            raise ValueError("this is no split")
        for part in node.parts:
            _check_node(part, depth - 1)


def with_last(layout: Layout) -> Callable[[Book], Book]:
    return lambda book: msgspec.structs.replace(book, last=layout)


def with_named(name: str, layout: Layout) -> Callable[[Book], Book]:
    """One more name, or the layout of an old one; the oldest goes when there are too many."""

    def deed(book: Book) -> Book:
        named = {**{old: one for old, one in book.named.items() if old != name}, name: layout}
        return msgspec.structs.replace(book, named=dict(list(named.items())[-NAMED_MAX:]))

    return deed


def without_named(name: str) -> Callable[[Book], Book]:
    return lambda book: msgspec.structs.replace(
        book, named={old: one for old, one in book.named.items() if old != name}
    )
