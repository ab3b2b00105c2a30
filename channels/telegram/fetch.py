"""Files that customers sent: fetched at once, because their addresses hold the token and expire."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec

from channels.base import Attachment, InboundEvent
from channels.json_input import string, table
from channels.telegram.api import Api, TooLargeError, UnreachedError
from channels.telegram.const import DOWNLOAD_MAX, DOWNLOADS

MIB = 1024 * 1024
FETCH_S = 40.0  # for one file; the public door waits a little longer
ATTEMPTS = 2
TOO_LARGE = (
    f"it is larger than the {DOWNLOAD_MAX // MIB} MB that Telegram gives to bots; ask for it by e-mail"
)


class FetchError(Exception):
    """Why a file is not here, in words for an operator."""


class Fetcher:
    def __init__(self, api: Api) -> None:
        self._api = api
        self._room = asyncio.Semaphore(DOWNLOADS)

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
            if file.size is not None and file.size > DOWNLOAD_MAX:
                raise FetchError(TOO_LARGE)
            async with asyncio.timeout(FETCH_S), self._room:
                return msgspec.structs.replace(file, data=await self._fetch(file.ref))
        except FetchError as error:
            return msgspec.structs.replace(file, problem=str(error))
        except TimeoutError:
            return msgspec.structs.replace(file, problem="Telegram did not hand it out in time")

    async def _fetch(self, file_id: str) -> bytes:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._api.download(await self._path(file_id), DOWNLOAD_MAX)
            except TooLargeError:
                raise FetchError(TOO_LARGE) from None
            except UnreachedError as error:
                if attempt == ATTEMPTS:
                    raise FetchError(f"Telegram did not hand it out: {error.reason}") from None
                await asyncio.sleep(0.5)
        raise AssertionError("unreachable")

    async def _path(self, file_id: str) -> str:
        answer = await self._api.call("getFile", {"file_id": file_id})
        if not answer.ok:
            if answer.spoken and 400 <= answer.status < 429:
                raise FetchError(f"Telegram does not hand it out: {answer.description or answer.status}")
            raise UnreachedError(f"it answers {answer.status}", begun=True)
        found: dict[str, Any] = table(answer.result())
        path = string(found.get("file_path"), 1000)
        if not path or path.startswith("/") or ".." in path.split("/"):
            raise FetchError("Telegram named no place to fetch it from")
        return path
