"""A worker apart, as the server sees it: a Unix socket behind which somebody parses, or nobody just now."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import msgspec

from channels.base import InboundEvent
from server.parsing import ParserAwayError, RawItem, wire
from server.parsing.child import START_S

GREETING_S = 5.0  # from the connect to the worker's first word: a service manager may be starting it
GRACE_S = START_S + 10.0  # the worker itself ends what takes too long; beyond this it does not answer
PAUSE_S = 1.0  # between two tries to reach it


class ParserFailedError(Exception):
    """The parser raised, in the worker; the text is what it raised."""


class DistantParser:
    width = 1  # one link, one question at a time

    def __init__(self, path: Path, version: str) -> None:
        """`version`: of the product, which must be the worker's as well."""
        self.path = path
        self._version = version
        self._link: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    def expect(self, parsers: Sequence[str]) -> None:
        """The worker is started by the system, and when it is asked."""

    async def ready(self) -> None:
        if self._link is not None and not self._link[0].at_eof():
            return
        self.kill()
        try:
            async with asyncio.timeout(GREETING_S):
                reader, writer = await asyncio.open_unix_connection(self.path)
                self._link = reader, writer
                greeting = msgspec.msgpack.decode(await wire.receive(reader), type=wire.Greeting)
        except (OSError, asyncio.IncompleteReadError) as error:  # TimeoutError is an OSError
            self.kill()
            raise ParserAwayError(f"no mail worker answers at {self.path}: {_what(error)}") from error
        except (wire.FrameError, msgspec.MsgspecError) as error:
            self.kill()
            raise ParserAwayError(f"what answers at {self.path} is no mail worker: {error}") from error
        if (greeting.protocol, greeting.version) != (wire.PROTOCOL, self._version):
            self.kill()
            raise ParserAwayError(
                f"the mail worker at {self.path} is of version {greeting.version}, the server of"
                f" {self._version}: restart it"
            )

    async def parse(self, items: list[RawItem], seconds: float) -> list[list[InboundEvent]]:
        await self.ready()
        assert self._link is not None  # noqa: S101 - for the type checker: ready() made it
        reader, writer = self._link
        try:
            async with asyncio.timeout(seconds + GRACE_S):
                await wire.send(writer, wire.Request(seconds=seconds, items=items))
                answer = msgspec.msgpack.decode(await wire.receive(reader), type=wire.Answer)
        except asyncio.IncompleteReadError as error:
            self.kill()
            raise BrokenProcessPool("the mail worker ended while it parsed") from error
        except BaseException:
            self.kill()  # half an answer may follow
            raise
        match answer:
            case wire.Parsed(events=events) if len(events) == len(items):
                return events
            case wire.Late():
                raise TimeoutError("it takes too long to parse")
            case wire.Died():
                raise BrokenProcessPool("parsing it kills the parser")
            case wire.Away(why=why):
                self.kill()
                raise ParserAwayError(f"the mail worker at {self.path}: {why}")
            case wire.Raised(error=error_text):
                raise ParserFailedError(error_text)
            case _:
                raise ParserFailedError("the mail worker answered for another number of items")

    def kill(self) -> None:
        if self._link is not None:
            with contextlib.suppress(RuntimeError):  # the loop that it belonged to may be closed
                self._link[1].close()
            self._link = None


def _what(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "it says nothing"
    return "it ended at once" if isinstance(error, asyncio.IncompleteReadError) else str(error)
