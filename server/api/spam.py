"""Spam: set apart and put back, many at once."""

from __future__ import annotations

from aiohttp import web

from server.api.context import CONTEXT, answer, command, operator
from server.api.describe import describes
from server.cases import spam
from server.protocol import SpamCommand, SpamDone

routes = web.RouteTableDef()


@routes.post("/v1/spam")
@describes(
    "Keep conversations apart as spam, and bar their senders; or put them back as they were.",
    "write",
    body=SpamCommand,
    codes=("not_found",),
    answer=SpamDone,
)
async def judge(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, SpamCommand)
    context = request.app[CONTEXT]
    return answer(await context.database.write(lambda tx: spam.judge(tx, me, wanted, context.hub.is_online)))
