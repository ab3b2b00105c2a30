"""Files that customers sent: fetched at once, because their addresses expire and may hold our secret."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import msgspec

from channels.base import Attachment, InboundEvent
from channels.messenger.link import Link, TooLargeError, UnreachedError

MIB = 1024 * 1024
FETCH_S = 40.0  # for one file; the public door waits a little longer
ATTEMPTS = 2
DOWNLOADS = 4  # at the same time: each is in memory whole


class FetchError(Exception):
    """Why a file is not here, in words for an operator."""


class Fetcher:
    """`locate(ref)` gives the address of a file; it raises FetchError, UnreachedError. At most `at_once`
    files are in memory at the same time, each of at most `size_max` bytes."""

    def __init__(
        self, link: Link, platform: str, locate: Callable[[str], Awaitable[str]], size_max: int, at_once: int
    ) -> None:
        self._link = link
        self._platform = platform
        self._locate = locate
        self._size_max = size_max
        self._room = asyncio.Semaphore(at_once)

    async def complete(self, events: list[InboundEvent]) -> list[InboundEvent]:
        """The events with their files, or with the problem of each that could not be had."""
        done = []
        for event in events:
            files = await asyncio.gather(*(self._one(file) for file in event.attachments))
            done.append(msgspec.structs.replace(event, attachments=tuple(files)))
        return done

    async def _one(self, file: Attachment) -> Attachment:
        if not file.ref or file.data is not None or file.problem:
            return file
        try:
            if file.size is not None and file.size > self._size_max:
                raise self._too_large()
            async with asyncio.timeout(FETCH_S), self._room:
                return msgspec.structs.replace(file, data=await self._fetch(file.ref))
        except FetchError as error:
            return msgspec.structs.replace(file, problem=str(error))
        except TimeoutError:
            return msgspec.structs.replace(file, problem=f"{self._platform} did not hand it out in time")

    async def _fetch(self, ref: str) -> bytes:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._link.download(await self._locate(ref), self._size_max)
            except TooLargeError:
                raise self._too_large() from None
            except UnreachedError as error:
                if attempt == ATTEMPTS:
                    raise FetchError(f"{self._platform} did not hand it out: {error.reason}") from None
                await asyncio.sleep(0.5)
        raise AssertionError("unreachable")

    def _too_large(self) -> FetchError:
        most = f"{self._size_max // MIB} MB that {self._platform} gives to bots"
        return FetchError(f"it is larger than the {most}; ask for it by e-mail")
