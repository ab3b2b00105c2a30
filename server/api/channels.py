"""Channels and the journal of what they heard."""

from __future__ import annotations

from aiohttp import web

from server.api.context import CONTEXT, answer, operator, refused
from server.store import journal

routes = web.RouteTableDef()


@routes.get("/v1/channels")
async def channels(request: web.Request) -> web.Response:
    operator(request, "read")
    return answer(await request.app[CONTEXT].channels())


@routes.get("/v1/journal")
async def items(request: web.Request) -> web.Response:
    operator(request, "read")
    state = request.query.get("state", "quarantined")
    if state not in ("received", "taken", "quarantined"):
        raise refused(400, "bad_request", f"there is no state {state[:40]!r}")
    return answer(await request.app[CONTEXT].database.read(lambda tx: journal.items(tx, state)))
