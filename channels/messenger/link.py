"""HTTP to a messenger. Our secret may be part of every address, so no address and no exception that may hold
one ever leaves this module: errors are told in our own words.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from channels import dialling
from channels.messenger.settings import MessengerSettings

ANSWER_MAX = 32 * 1024 * 1024
TOLD_MAX = 300


class UnreachedError(Exception):
    """No answer. `begun`: the request may have reached the other side nevertheless."""

    def __init__(self, reason: str, *, begun: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.begun = begun


class TooLargeError(Exception):
    """A file has more bytes than allowed."""


class Reply(msgspec.Struct, frozen=True):
    """An HTTP answer, whoever gave it. `retry_after`: seconds, where a header says them."""

    status: int
    body: bytes
    retry_after: float | None = None


class Link:
    """One session with a messenger; open it before use. `secret` never appears in what `told` gives."""

    def __init__(
        self, settings: MessengerSettings, secret: str, agent: str, bases: Sequence[str] = ()
    ) -> None:
        """`bases`: the configured addresses of the API, which may be of this machine."""
        self._settings = settings
        self._allowed = dialling.networks(settings.networks)
        for base in (*bases, settings.proxy):
            self._allowed += dialling.named_by(base)
        self._secret = secret
        self._agent = agent
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
            # Shorter than servers keep a connection: a request on one that was just closed is in doubt.
            connector=dialling.connector(self._allowed, ssl=context, keepalive_timeout=10.0),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": self._agent},
            proxy=settings.proxy or None,
            proxy_auth=proxy_auth,
            trace_configs=[trace],
        )

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()

    def told(self, text: str) -> str:
        """Somebody else's words as they may be shown: short, on one line, without our secret."""
        text = text.replace(self._secret, "TOKEN").replace(quote(self._secret, safe=""), "TOKEN")
        return re.sub(r"[^ -~\u00a1-\ud7ff\ue000-\ufffd]+", " ", text)[:TOLD_MAX]

    async def post(
        self,
        address: str,
        params: Mapping[str, Any] | None = None,
        form: aiohttp.FormData | None = None,
        patience: float | None = None,
    ) -> Reply:
        """One request, `params` as JSON or `form` as multipart. Raises UnreachedError and nothing else."""
        begun = SimpleNamespace(begun=False)
        try:
            async with self._opened().post(
                URL(address, encoded=True),
                json=None if form is not None else (params or {}),
                data=form,
                timeout=self._timeout(patience),
                allow_redirects=False,
                trace_request_ctx=begun,
            ) as response:
                header = response.headers.get("Retry-After", "")
                after = float(header) if header.isascii() and header.isdigit() and len(header) < 7 else None
                return Reply(response.status, await _read(response, ANSWER_MAX), after)
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError, TooLargeError) as error:
            raise UnreachedError(_in_words(error), begun=begun.begun) from None

    async def download(self, address: str, size_max: int) -> bytes:
        """The bytes of a file. Raises UnreachedError and TooLargeError."""
        try:
            async with self._opened().get(
                URL(address, encoded=True), timeout=self._timeout(None), allow_redirects=False
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
    """An exception without its text: that may hold the address, and with it the secret."""
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
