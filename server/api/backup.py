"""A backup of the running server, as the bytes of its archive: who asks for it keeps it where he likes."""

from __future__ import annotations

import asyncio
import contextlib
import threading

import structlog
from aiohttp import web

from server.api.context import CONTEXT, operator, refused
from server.api.describe import Media, describes
from server.backup import Backup, Manifest
from server.store.backup import StoppedError
from server.store.errors import StoreError

log = structlog.get_logger(__name__)

routes = web.RouteTableDef()

STALLED_S = 300.0  # a reader that takes nothing for this long is let go


class Making:
    """At most one backup at a time; all of it ends when the server stops."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.stop = threading.Event()

    async def end(self, app: web.Application) -> None:
        self.stop.set()


MAKING: web.AppKey[Making] = web.AppKey("making", Making)


class _Outlet:
    """What the backup's thread writes goes out on the loop; the thread waits while the reader is slow."""

    def __init__(self, response: web.StreamResponse, stop: threading.Event) -> None:
        self._response = response
        self._stop = stop
        self._loop = asyncio.get_running_loop()

    def write(self, data: bytes) -> None:
        if self._stop.is_set():
            raise StoppedError
        asyncio.run_coroutine_threadsafe(self._response.write(data), self._loop).result(STALLED_S)


@routes.post("/v1/backup")
@describes(
    "A backup of everything, as one archive.",
    "administer",
    codes=("illegal_state",),
    answer=Media("application/x-tar"),
)
async def make(request: web.Request) -> web.StreamResponse:
    me = operator(request, "administer")
    making = request.app[MAKING]
    if making.lock.locked():
        raise refused(409, "illegal_state", "a backup is being made already", "wait until it is done")
    async with making.lock:
        gone = threading.Event()
        try:
            return await _made(request, me.login, gone, making.stop)
        finally:
            gone.set()


async def _made(
    request: web.Request, login: str, gone: threading.Event, stop: threading.Event
) -> web.StreamResponse:
    context = request.app[CONTEXT]
    data_dir = context.database.path.parent
    with contextlib.ExitStack() as stack:
        backup = Backup(data_dir, lambda: gone.is_set() or stop.is_set())
        stack.callback(backup.close)
        try:
            await asyncio.to_thread(backup.prepare, context.disk_reserve)
        except StoreError as error:
            raise refused(503, "unavailable", str(error), error.hint) from error
        except StoppedError as error:
            raise refused(
                503, "unavailable", "the server is stopping", "try again after the restart"
            ) from error
        response = web.StreamResponse(headers={"Content-Type": "application/x-tar"})
        await response.prepare(request)
        outlet = _Outlet(response, stop)
        try:
            manifest: Manifest = await asyncio.to_thread(
                backup.write, outlet, context.version, context.clock.now()
            )
            await response.write_eof()
        except (StoppedError, OSError, TimeoutError) as error:
            # The answer has begun: all that can be said is that it does not end as it should.
            log.warning("a backup was broken off", operator=login, reason=type(error).__name__)
            if request.transport is not None:
                request.transport.abort()
            return response
    log.info("backup made", operator=login, newest_seq=manifest.newest_seq, files=len(manifest.files))
    return response
