"""Calls of a messenger's API, and the envelope in which it answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import aiohttp
import msgspec

from channels.json_input import string
from channels.messenger.answer import Answer
from channels.messenger.fetch import FetchError
from channels.messenger.link import Link, Reply, UnreachedError
from channels.messenger.paths import raw_at, text_at, value_at
from channels.messenger.reading import whole_characters
from channels.messenger.settings import BotSettings

RETRY_AFTER_MAX_S = 1e6
PLACE_MAX = 1000
DESCRIPTION_MAX = 10_000


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """Where in every answer stand: whether it worked (true or false), what for, why not, and in how many
    seconds to try again."""

    ok: str
    result: str
    description: str
    retry_after: str


class Api(Link):
    """A platform's own says how it is called and answers, and where it keeps files."""

    platform: ClassVar[str]
    envelope: ClassVar[Envelope]

    def __init__(self, settings: BotSettings) -> None:
        self.token = settings.token.reveal()
        bases = [address for address in settings.addresses().values() if address]
        super().__init__(settings, self.token, f"omni-console-{settings.kind}/1", bases)
        self.base = settings.api_base.rstrip("/")

    def address(self, method: str) -> str:
        """Where a method is called."""
        raise NotImplementedError

    async def locate(self, ref: str) -> str:
        """The address of a file that a message names. Raises FetchError, UnreachedError."""
        raise NotImplementedError

    async def call(
        self,
        method: str,
        params: Mapping[str, Any] | None = None,
        form: aiohttp.FormData | None = None,
        patience: float | None = None,
    ) -> Answer:
        """Raises UnreachedError and nothing else."""
        return self.understand(await self.post(self.address(method), params, form, patience))

    def understand(self, reply: Reply) -> Answer:
        says, body = self.envelope, whole_characters(reply.body)
        ok = value_at(body, says.ok)
        if not isinstance(ok, bool):
            return Answer(status=reply.status, spoken=False, retry_after=reply.retry_after)
        after, told = reply.retry_after, value_at(body, says.retry_after)
        if isinstance(told, int | float) and not isinstance(told, bool):
            after = max(0.0, min(float(told), RETRY_AFTER_MAX_S))
        return Answer(
            status=reply.status,
            spoken=True,
            ok=ok,
            raw=raw_at(body, says.result) or b"null",
            description=self.told(string(value_at(body, says.description), DESCRIPTION_MAX)),
            retry_after=after,
        )

    async def ask_for_place(self, method: str, params: Mapping[str, Any], path: str) -> str:
        """Where a file is: what stands at the path of the answer. Raises FetchError, UnreachedError."""
        answer = await self.call(method, params)
        if not answer.ok:
            if answer.spoken and 400 <= answer.status < 429:
                why = answer.description or answer.status
                raise FetchError(f"{self.platform} does not hand it out: {why}")
            raise UnreachedError(f"it answers {answer.status}", begun=True)
        place = text_at(answer.result(), path, PLACE_MAX)
        if not place:
            raise FetchError(f"{self.platform} named no place to fetch it from")
        return place
