"""The operator API's second door: TCP, with every connection guarded like those of the public one."""

from __future__ import annotations

import asyncio
import ssl
import stat
from pathlib import Path
from typing import cast

from aiohttp import web

from server.public.counters import Counters
from server.public.guard import Guard
from server.public.listen import FILES_BESIDES, ListenError, raise_file_limit
from server.public.proxies import Proxies, parse_address
from server.settings import ApiSettings, PublicLimits, parse_listen

HANDSHAKE_S = 10.0


class ApiDoor:
    """Serves an application on TCP that an AppRunner already serves on the socket.

    Make it before the application is set up: it puts its guard around everything. `start(runner)` binds;
    `stop()` takes nothing new, and the runner's cleanup ends what is there.
    """

    def __init__(self, app: web.Application, settings: ApiSettings, limits: PublicLimits) -> None:
        self._settings = settings
        self._limits = limits
        # Whom a reverse proxy stands for is told apart by its word alone, and only where it was named.
        self._trusted = Proxies(settings.trusted_proxies if settings.behind_proxy else ())
        self._guard = Guard(limits, self._trusted, Counters(()))
        self._server: asyncio.Server | None = None
        app[DOOR] = self
        app.middlewares.insert(0, self._guard.middleware)

    async def start(self, runner: web.AppRunner) -> None:
        """Raises ListenError."""
        host, port = parse_listen(self._settings.listen)
        context = _tls(self._settings)
        raise_file_limit(self._limits.connections + FILES_BESIDES)
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._guard.wrap(cast("web.Server", runner.server)),
                host,
                port,
                backlog=256,
                ssl=context,
                ssl_handshake_timeout=None if context is None else HANDSHAKE_S,
            )
        except OSError as error:
            raise ListenError(
                f"cannot listen on {self._settings.listen}: {error.strerror}",
                "stop what uses the port (ss -ltnp), or change api.listen",
            ) from error

    @property
    def port(self) -> int:
        """The port in use, also where the configuration says 0."""
        if self._server is None:
            raise RuntimeError("the operator API does not listen on TCP")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        host, _ = parse_listen(self._settings.listen)
        scheme = "http" if self._settings.tls_certificate is None else "https"
        return f"{scheme}://{f'[{host}]' if ':' in host else host}:{self.port}"

    def lets_in(self, request: web.Request) -> bool:
        """Behind a proxy nobody else may connect: he would send his token in clear text."""
        if not self._settings.behind_proxy:
            return True
        peer = parse_address(request.remote or "")
        return peer is not None and self._trusted.trusts(peer)

    def address(self, request: web.Request) -> str:
        """Where the request comes from, as far as the proxy says the truth."""
        return self._trusted.visitor(request.remote or "", request.headers.getall("X-Forwarded-For", []))

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None


DOOR: web.AppKey[ApiDoor] = web.AppKey("door", ApiDoor)


def _tls(settings: ApiSettings) -> ssl.SSLContext | None:
    if settings.tls_certificate is None or settings.tls_key is None:
        return None
    _refuse_open_key(settings.tls_key)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(settings.tls_certificate, settings.tls_key, password=_no_password)
    except FileNotFoundError as error:
        raise ListenError(
            f"there is no {settings.tls_certificate}", "change api.tls_certificate, or put the file there"
        ) from error
    except (OSError, ValueError) as error:
        raise ListenError(
            f"{settings.tls_certificate} and {settings.tls_key} are no certificate with its key: {error}",
            "both are PEM; the key has no password",
        ) from error
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted")


def _refuse_open_key(key: Path) -> None:
    try:
        mode = key.stat().st_mode
    except OSError as error:
        raise ListenError(
            f"cannot read {key}: {error.strerror}", "change api.tls_key, or the file's owner"
        ) from error
    if mode & (stat.S_IRWXO | stat.S_IWGRP):
        raise ListenError(f"{key} is open to others", f"chmod 600 {key}")
