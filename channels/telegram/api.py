"""The Bot API: calls, the place of a file, and what it says about both."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

import aiohttp
import msgspec

from channels.json_input import string, table
from channels.messenger.answer import Answer
from channels.messenger.fetch import FetchError
from channels.messenger.link import Link, UnreachedError
from channels.telegram.settings import TelegramSettings


class _Envelope(msgspec.Struct):
    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"null")
    description: str = ""
    parameters: Any = None


class Api(Link):
    def __init__(self, settings: TelegramSettings) -> None:
        self._token = settings.token.reveal()
        bases = settings.api_base, settings.file_base
        super().__init__(settings, self._token, "omni-console-telegram/1", bases)
        self._base = settings.api_base.rstrip("/")
        self._file_base = (settings.file_base or settings.api_base).rstrip("/")

    async def call(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        form: aiohttp.FormData | None = None,
        patience: float | None = None,
    ) -> Answer:
        """Raises UnreachedError and nothing else."""
        reply = await self.post(f"{self._base}/bot{self._token}/{method}", params, form, patience)
        try:
            envelope = msgspec.json.decode(reply.body, type=_Envelope)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return Answer(status=reply.status, spoken=False, retry_after=reply.retry_after)
        after, told = reply.retry_after, table(envelope.parameters).get("retry_after")
        if isinstance(told, int | float) and not isinstance(told, bool):
            after = max(0.0, min(float(told), 1e6))
        return Answer(
            status=reply.status,
            spoken=True,
            ok=envelope.ok,
            raw=bytes(envelope.result),
            description=self.told(envelope.description),
            retry_after=after,
        )

    async def locate(self, file_id: str) -> str:
        """The address of a file. Raises FetchError, UnreachedError."""
        answer = await self.call("getFile", {"file_id": file_id})
        if not answer.ok:
            if answer.spoken and 400 <= answer.status < 429:
                raise FetchError(f"Telegram does not hand it out: {answer.description or answer.status}")
            raise UnreachedError(f"it answers {answer.status}", begun=True)
        path = string(table(answer.result()).get("file_path"), 1000)
        if not path or path.startswith("/") or ".." in path.split("/"):
            raise FetchError("Telegram named no place to fetch it from")
        return f"{self._file_base}/file/bot{self._token}/{quote(path)}"
