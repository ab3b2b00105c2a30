"""What lies in a folder of the operator's own machine, as one picks a file from it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import msgspec

from omni_console.fuzzy import how_well
from server.protocol.filtering import folded

LOOKED_AT = 2_000  # of a bigger folder the names alone are read, so that no key waits for it
NAMES_MAX = 100_000


class Entry(msgspec.Struct, frozen=True):
    """`size` and `changed_at` (ms) of a file; None where they were not looked at."""

    name: str
    path: Path
    is_folder: bool
    size: int | None = None
    changed_at: int | None = None


class Folder:
    """The files of a folder, the newest first, then its folders. Raises OSError where it cannot be read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        with os.scandir(path) as found:
            names = list(islice(found, NAMES_MAX))
        looked_at = len(names) <= LOOKED_AT
        entries = [_entry(one, path, looked_at=looked_at) for one in names]
        self._entries = sorted(entries, key=_place)
        self._hay = {entry.name: folded(f" {entry.name}") for entry in self._entries}

    def answering(self, words: str) -> list[Entry]:
        """What answers a few letters, the best first; all that is not hidden where there are none."""
        hidden = words.startswith(".")
        seen = [one for one in self._entries if hidden or not one.name.startswith(".")]
        if not words.strip():
            return seen
        fits = [(how_well(words, self._hay[one.name]), one) for one in seen]
        return [one for fit, one in sorted(_known(fits), key=lambda item: item[0])]


def _known(fits: list[tuple[int | None, Entry]]) -> Iterator[tuple[int, Entry]]:
    for fit, one in fits:
        if fit is not None:
            yield fit, one


def place_of(typed: str, here: Path) -> tuple[Path, str]:
    """(folder, letters) that a path or a few letters typed in the folder `here` mean. Pure but for ~."""
    head, slash, letters = typed.rpartition("/")
    if not slash:
        return (Path(typed).expanduser(), "") if typed == "~" else (here, typed)
    return here / Path(head + slash).expanduser(), letters


def _entry(found: os.DirEntry[str], folder: Path, *, looked_at: bool) -> Entry:
    path = folder / found.name
    try:
        if found.is_dir():
            return Entry(found.name, path, is_folder=True)
        if looked_at:
            about = found.stat()
            return Entry(found.name, path, False, about.st_size, about.st_mtime_ns // 1_000_000)
    except OSError:
        pass  # gone meanwhile, or a link that leads nowhere: whoever takes it is told so
    return Entry(found.name, path, is_folder=False)


def _place(entry: Entry) -> tuple[bool, int, str]:
    return entry.is_folder, -(entry.changed_at or 0), entry.name.casefold()
