"""Who am I, and where am I."""

from __future__ import annotations

from aiohttp import web

from server.api.context import CONTEXT, answer, operator
from server.api.conversations import counts_of
from server.api.describe import describes
from server.operators import limited_to
from server.protocol import PROTOCOL, Counts, Hello, TeamInfo
from server.store import events
from server.store import operators as accounts

routes = web.RouteTableDef()


@routes.get("/v1/hello")
@describes("Who am I, and where am I.", "look", answer=Hello)
async def hello(request: web.Request) -> web.Response:
    me = operator(request, "look")
    context = request.app[CONTEXT]
    seq, everybody = await context.database.read(
        lambda tx: (
            events.newest(tx),
            [context.desks.introduce(tx, info) for info in accounts.everybody(tx)],
        )
    )
    for other in everybody:
        other.online = context.hub.is_online(other.id)
    return answer(
        Hello(
            protocol=PROTOCOL,
            version=context.version,
            site=context.site_name,
            operator=next((info for info in everybody if info.id == me.id), me),
            seq=seq,
            now=context.clock.now(),
            channels=[] if limited_to(me) else await context.channels(),
            operators=everybody,
            trouble=context.notice(me),
            teams=[TeamInfo(name=name, title=title) for name, title in context.desks.teams.titles.items()],
        )
    )


@routes.get("/v1/counts")
@describes("How much there is in my lists.", "look", answer=Counts)
async def counts(request: web.Request) -> web.Response:
    me = operator(request, "look")
    found: Counts = await request.app[CONTEXT].database.read(lambda tx: counts_of(tx, me))
    return answer(found)
