"""Serving the public application on its address, with every connection guarded."""

from __future__ import annotations

import asyncio
import logging
import resource
from typing import cast

from aiohttp import web

from server.public.app import GUARD
from server.settings import PublicSettings, parse_listen

FILES_BESIDES = 512  # descriptors for everything that is no public connection


class ListenError(Exception):
    """The public address cannot be used; `hint` says what to do."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class PublicServer:
    """`start()` binds and serves, `stop()` lets running requests finish within `patience` seconds."""

    def __init__(self, app: web.Application, settings: PublicSettings, patience: float = 5.0) -> None:
        self._settings = settings
        self._guard = app[GUARD]
        self._runner = web.AppRunner(
            app,
            access_log=None,
            logger=protocol_log("server.public.protocol"),
            auto_decompress=False,
            keepalive_timeout=settings.limits.keepalive_seconds,
            lingering_time=5.0,
            shutdown_timeout=patience,
        )
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        host, port = parse_listen(self._settings.listen)
        raise_file_limit(self._settings.limits.connections + FILES_BESIDES)
        await self._runner.setup()
        make = cast("web.Server", self._runner.server)  # there is one after setup()
        try:
            self._server = await asyncio.get_running_loop().create_server(
                self._guard.wrap(make), host, port, backlog=1024
            )
        except OSError as error:
            await self._runner.cleanup()
            raise ListenError(
                f"cannot listen on {self._settings.listen}: {error.strerror}",
                "stop what uses the port (ss -ltnp), or change public.listen",
            ) from error

    @property
    def port(self) -> int:
        """The port in use, also where the configuration says 0."""
        if self._server is None:
            raise RuntimeError("the public server does not listen")
        return int(self._server.sockets[0].getsockname()[1])

    @property
    def url(self) -> str:
        """`public.base_url`, or where this very server listens."""
        if self._settings.base_url:
            return self._settings.base_url
        host, _ = parse_listen(self._settings.listen)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}"

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        await self._runner.cleanup()


def raise_file_limit(wanted: int) -> None:
    """Raise the soft limit of open files towards `wanted`, as far as the hard limit allows."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def protocol_log(name: str) -> logging.Logger:
    """aiohttp logs every malformed request with a traceback; for a door to strangers one line is enough."""
    logger = logging.getLogger(name)
    if not logger.filters:
        logger.addFilter(_one_line)
    return logger


def _one_line(record: logging.LogRecord) -> bool:
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, web.HTTPException) or type(error).__module__ == "aiohttp.http_exceptions":
        record.levelno, record.levelname = logging.INFO, "INFO"
        record.msg, record.args = "malformed request: %s", (type(error).__name__,)
        record.exc_info = None
    return True
