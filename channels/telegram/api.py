"""The Bot API over HTTP. The token is part of every address, so no address and no exception that may
hold one ever leaves this module: errors are told in our own words.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from channels import json_input
from channels.telegram.settings import TelegramSettings

ANSWER_MAX = 32 * 1024 * 1024
TOLD_MAX = 300


class UnreachedError(Exception):
    """No answer. `begun`: the request may have reached Telegram nevertheless."""

    def __init__(self, reason: str, *, begun: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.begun = begun


class TooLargeError(Exception):
    """A file has more bytes than allowed."""


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What Telegram (`spoken`) or something in between answered. `raw`: the JSON of `result`."""

    status: int
    spoken: bool
    ok: bool = False
    raw: bytes = b"null"
    description: str = ""
    retry_after: float | None = None

    def result(self) -> Any:
        try:
            return msgspec.json.decode(self.raw)
        except msgspec.MsgspecError:
            return None


class _Envelope(msgspec.Struct):
    ok: bool
    result: msgspec.Raw = msgspec.Raw(b"null")
    description: str = ""
    parameters: Any = None


class Api:
    """One session with the Bot API; open it before use."""

    def __init__(self, settings: TelegramSettings) -> None:
        self._token = settings.token.reveal()
        self._base = settings.api_base.rstrip("/")
        self._file_base = (settings.file_base or settings.api_base).rstrip("/")
        self._settings = settings
        self._session: aiohttp.ClientSession | None = None

    async def open(self) -> None:
        """Raises OSError or ssl.SSLError where `ca_file` cannot be read."""
        settings = self._settings
        context = ssl.create_default_context(cafile=settings.ca_file) if settings.ca_file else True
        proxy_auth = None
        if settings.proxy_login is not None:
            login, _, password = settings.proxy_login.reveal().partition(":")
            proxy_auth = aiohttp.BasicAuth(login, password)
        trace = aiohttp.TraceConfig()
        trace.on_request_headers_sent.append(_note_begun)
        self._session = aiohttp.ClientSession(
            # Shorter than Telegram keeps a connection: a request on one that was just closed is in doubt.
            connector=aiohttp.TCPConnector(ssl=context, keepalive_timeout=10.0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "omni-console-telegram/1"},
            proxy=settings.proxy or None,
            proxy_auth=proxy_auth,
            trace_configs=[trace],
        )

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def told(self, text: str) -> str:
        """Somebody else's words as they may be shown: short, on one line, without the token."""
        text = text.replace(self._token, "TOKEN").replace(quote(self._token, safe=""), "TOKEN")
        return re.sub(r"[^ -~\u00a1-\ud7ff\ue000-\ufffd]+", " ", text)[:TOLD_MAX]

    async def call(
        self,
        method: str,
        params: dict[str, Any] | None = None,
        form: aiohttp.FormData | None = None,
        patience: float | None = None,
    ) -> Answer:
        """One request, `params` as JSON or `form` as multipart. Raises UnreachedError and nothing else."""
        begun = SimpleNamespace(begun=False)
        try:
            async with self._opened().post(
                URL(f"{self._base}/bot{self._token}/{method}", encoded=True),
                json=None if form is not None else (params or {}),
                data=form,
                timeout=self._timeout(patience),
                allow_redirects=False,
                trace_request_ctx=begun,
            ) as response:
                return self._answer(response, await _read(response, ANSWER_MAX))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, TooLargeError) as error:
            raise UnreachedError(_in_words(error), begun=begun.begun) from None

    async def download(self, file_path: str, size_max: int) -> bytes:
        """The bytes of a file that getFile named. Raises UnreachedError and TooLargeError."""
        url = URL(f"{self._file_base}/file/bot{self._token}/{quote(file_path)}", encoded=True)
        try:
            async with self._opened().get(
                url, timeout=self._timeout(None), allow_redirects=False
            ) as response:
                if response.status != 200:
                    raise UnreachedError(f"it answers {response.status}", begun=True)
                return await _read(response, size_max)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
            raise UnreachedError(_in_words(error), begun=True) from None

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            raise UnreachedError("the channel is not running", begun=False)
        return self._session

    def _timeout(self, patience: float | None) -> aiohttp.ClientTimeout:
        connect = self._settings.timeout
        return aiohttp.ClientTimeout(total=patience or connect, connect=connect)

    def _answer(self, response: aiohttp.ClientResponse, body: bytes) -> Answer:
        header = response.headers.get("Retry-After", "")
        after = float(header) if header.isascii() and header.isdigit() and len(header) < 7 else None
        try:
            envelope = msgspec.json.decode(body, type=_Envelope)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return Answer(status=response.status, spoken=False, retry_after=after)
        told = json_input.table(envelope.parameters).get("retry_after")
        if isinstance(told, int | float) and not isinstance(told, bool):
            after = max(0.0, min(float(told), 1e6))
        return Answer(
            status=response.status,
            spoken=True,
            ok=envelope.ok,
            raw=bytes(envelope.result),
            description=self.told(envelope.description),
            retry_after=after,
        )


async def _note_begun(session: aiohttp.ClientSession, context: SimpleNamespace, params: Any) -> None:
    request = cast(SimpleNamespace | None, context.trace_request_ctx)
    if request is not None:
        request.begun = True


async def _read(response: aiohttp.ClientResponse, size_max: int) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(256 * 1024):
        size += len(chunk)
        if size > size_max:
            raise TooLargeError
        chunks.append(chunk)
    return await asyncio.to_thread(b"".join, chunks) if size > 1024 * 1024 else b"".join(chunks)


def _in_words(error: Exception) -> str:
    """An exception without its text: that may hold the address, and with it the token."""
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        return "its certificate is not trusted"
    if isinstance(error, aiohttp.ClientConnectorDNSError):
        return "its name is not known"
    if isinstance(error, aiohttp.ClientProxyConnectionError | aiohttp.ClientHttpProxyError):
        return "the proxy does not let us through"
    if isinstance(error, aiohttp.ClientConnectorError):
        return f"no connection ({error.strerror or type(error.os_error).__name__})"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    if isinstance(error, aiohttp.ServerDisconnectedError | ConnectionError):
        return "it closed the connection"
    return f"no usable answer ({type(error).__name__})"
