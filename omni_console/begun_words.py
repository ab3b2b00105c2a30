"""What was begun of a message to many, which belongs to no conversation: kept over kills in a file that only
its owner reads."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from omni_console.own_files import write_private

Fields = dict[str, str]  # by the name of the line


class BegunWords:
    """`path` None: kept until the console ends. A file that cannot be read or written is the same."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._fields: Fields = {}
        if path is not None:
            with contextlib.suppress(OSError, msgspec.DecodeError):
                self._fields = msgspec.json.decode(path.read_bytes(), type=Fields)

    @property
    def outlives_us(self) -> bool:
        return self._path is not None

    def fields(self) -> Fields:
        return dict(self._fields)

    def keep(self, fields: Fields) -> None:
        if fields == self._fields:
            return
        self._fields = dict(fields)
        if self._path is not None:
            with contextlib.suppress(OSError):
                write_private(self._path, msgspec.json.encode(fields).decode())

    def forget(self) -> None:
        self._fields = {}
        if self._path is not None:
            with contextlib.suppress(OSError):
                self._path.unlink(missing_ok=True)
