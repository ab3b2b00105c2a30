"""Is the server well? For whoever may reach the socket: monitoring needs no operator's account.

These routes, and /metrics, tell nothing about anybody.
"""

from __future__ import annotations

from typing import Any

from aiohttp import web

from server.api.context import CONTEXT, answer
from server.api.describe import describes

routes = web.RouteTableDef()

# Answered without asking who it is; the modes of the socket say who may come this far.
OPEN = frozenset({"/healthz", "/readyz", "/metrics"})


@routes.get("/healthz")
@describes("Is the server well?", None, answer=dict[str, str], also={503: dict[str, str]})
async def healthz(request: web.Request) -> web.Response:
    """200 where messages can be stored, else 503."""
    trouble = request.app[CONTEXT].trouble()
    return answer({"status": "trouble" if trouble else "ok", "trouble": trouble}, 503 if trouble else 200)


@routes.get("/readyz")
@describes("Has it started?", None, answer=dict[str, Any], also={503: dict[str, Any]})
async def readyz(request: web.Request) -> web.Response:
    """200 where everything has started as well, and the server is not stopping; else 503."""
    context = request.app[CONTEXT]
    ready = context.ready()
    states = {info.id: info.state for info in await context.channels()}
    body = {
        "status": "ready" if ready else "not ready",
        "trouble": context.trouble(),
        "version": context.version,
        "channels": states,
    }
    return answer(body, 200 if ready else 503)
