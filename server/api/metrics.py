"""GET /metrics: the text exposition format of Prometheus, version 0.0.4."""

from __future__ import annotations

import shutil
import sqlite3
from pathlib import Path

from aiohttp import web

from server.api.context import CONTEXT, refused
from server.api.describe import Media, describes
from server.measures import Moment
from server.store.measure import backlog

routes = web.RouteTableDef()

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


@routes.get("/metrics")
@describes("Figures for Prometheus.", None, codes=("not_found",), answer=Media("text/plain"))
async def metrics(request: web.Request) -> web.Response:
    context = request.app[CONTEXT]
    if context.measures is None:
        raise refused(404, "not_found", "this server measures nothing")
    path = context.database.path
    moment = Moment(
        now=context.clock.now(),
        backlog=await context.database.read(backlog),
        channels={info.id: info.state for info in await context.channels()},
        webhooks=await context.webhooks.infos(),
        consoles=context.hub.consoles,
        visitors=context.hub.visitors,
        trouble=bool(context.trouble()),
        ready=context.ready(),
        disk_free=shutil.disk_usage(path.parent).free,
        database_size=_size(path),
        wal_size=_size(path.with_name(f"{path.name}-wal")),
        version=context.version,
        sqlite=sqlite3.sqlite_version,
    )
    return web.Response(body=context.measures.text(moment), headers={"Content-Type": CONTENT_TYPE})


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
