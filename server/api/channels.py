"""Channels and the journal of what they heard."""

from __future__ import annotations

from typing import Literal, get_args

from aiohttp import web

from server.api.context import CONTEXT, answer, operator, refused
from server.api.describe import Query, describes
from server.protocol import ChannelInfo, JournalItem
from server.store import journal

routes = web.RouteTableDef()

JournalState = Literal["received", "taken", "quarantined"]


@routes.get("/v1/channels")
@describes("The channels and how they do.", answer=list[ChannelInfo])
async def channels(request: web.Request) -> web.Response:
    operator(request, "read")
    return answer(await request.app[CONTEXT].channels())


@routes.get("/v1/journal")
@describes(
    "What was heard and not taken in; the newest 200.",
    query=(Query("state", JournalState, "quarantined if not given."),),
    answer=list[JournalItem],
)
async def items(request: web.Request) -> web.Response:
    operator(request, "read")
    state = request.query.get("state", "quarantined")
    if state not in get_args(JournalState):
        raise refused(400, "bad_request", f"there is no state {state[:40]!r}")
    return answer(await request.app[CONTEXT].database.read(lambda tx: journal.items(tx, state)))
