"""The operator API in memory, on a Unix socket: what the console is tested against.

Everything on the wire is a struct of server/protocol.py.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web
from aiohttp.typedefs import Middleware

from server import protocol as wire
from tests.fakes.operator_api_cases import Cases
from tests.fakes.operator_api_commands import Commands
from tests.fakes.operator_api_events import Events
from tests.fakes.operator_api_lead import Lead
from tests.fakes.operator_api_people import People
from tests.fakes.operator_api_questions import Questions
from tests.fakes.operator_api_server import FakeServer
from tests.fakes.operator_api_wire import RefusalError, refusal

FOR_EVER_S = 3600


def guard(server: FakeServer) -> Middleware:
    """What every request meets first: the levers that make it fail."""

    @web.middleware
    async def meet(
        request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        server.asked.append(f"{request.method} {request.path}")
        if server.silent:
            await asyncio.sleep(FOR_EVER_S)
        failure = next(
            (server.fail_next.pop(key) for key in list(server.fail_next) if request.path.endswith(key)), ""
        )
        if failure == "503":
            return refusal(wire.ErrorBody(code="unavailable", message="the disk is full"), 503)
        try:
            response = await handler(request)
        except RefusalError as error:
            return refusal(error.body, error.status)
        if failure == "drop" and request.transport is not None:
            request.transport.close()
        return response

    return meet


@asynccontextmanager
async def serving(server: FakeServer, path: Path, *around: Middleware) -> AsyncIterator[str]:
    """`server` on a Unix socket at `path`; `around` sees every request first and every answer last."""
    app = web.Application(middlewares=[*around, guard(server)])
    for part in (Questions, Commands, People, Cases, Lead, Events):
        app.add_routes(part(server).routes())
    runner = web.AppRunner(app, shutdown_timeout=0.1, handle_signals=False)
    await runner.setup()
    site = web.UnixSite(runner, str(path))
    await site.start()
    try:
        yield str(path)
    finally:
        await server.cut()
        await runner.cleanup()
