"""Parsing what may be made to cost seconds of CPU or gigabytes of memory: in a process of its own.

That process is a child of the server (`child.py`), or of a worker that the system starts with fewer rights
(`service.py`, reached through `distant.py`): then what takes the parser over has no network and no files.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from channels.base import InboundEvent

RawItem = tuple[str, bytes, dict[str, str]]  # parser "module:function", bytes, meta


class ParserAwayError(ConnectionError):
    """The parser cannot be asked now, and that is no item's fault."""


class Parser(Protocol):
    width: int  # how many calls of parse() it works on at once; more are not made

    def expect(self, parsers: Sequence[str]) -> None:
        """Items for these parsers ("module:function") will come: the first one need not wait for a start."""

    async def ready(self) -> None:
        """Make sure that somebody is there who parses. Raises ParserAwayError, OSError."""

    async def parse(self, items: list[RawItem], seconds: float) -> list[list[InboundEvent]]:
        """Raises TimeoutError, BrokenProcessPool where parsing kills the process, ParserAwayError, or what
        the parser raises."""

    def kill(self) -> None: ...
