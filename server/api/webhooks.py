"""Outgoing webhooks: how their receivers do, one request to try them, and what is skipped."""

from __future__ import annotations

from aiohttp import web

from server.api.context import CONTEXT, answer, command, operator, refused
from server.api.describe import describes
from server.protocol import SkipCommand, WebhookInfo, WebhookTested

routes = web.RouteTableDef()


@routes.get("/v1/webhooks")
@describes("The outgoing webhooks: what each receiver has, and what waits.", answer=list[WebhookInfo])
async def listed(request: web.Request) -> web.Response:
    operator(request, "read")
    return answer(await request.app[CONTEXT].webhooks.infos())


@routes.post("/v1/webhooks/{name}/test")
@describes(
    "Send one signed ping; a receiver that takes it is told what waits.",
    "administer",
    codes=("not_found",),
    answer=WebhookTested,
)
async def ping(request: web.Request) -> web.Response:
    operator(request, "administer")
    name = request.match_info["name"]
    tested = await request.app[CONTEXT].webhooks.test(name)
    if tested is None:
        raise refused(404, "not_found", f"there is no webhook {name[:80]!r}", "omni webhooks lists them")
    return answer(tested)


@routes.post("/v1/webhooks/{name}/skip")
@describes(
    "Tell the receiver of a gap instead of the event that it does not take, and go on behind it.",
    "administer",
    body=SkipCommand,
    codes=("not_found",),
    answer=WebhookTested,
)
async def skip(request: web.Request) -> web.Response:
    operator(request, "administer")
    name = request.match_info["name"]
    wanted = (await command(request, SkipCommand)).id
    tested = await request.app[CONTEXT].webhooks.skip(name, wanted)
    if tested is None:
        what = f"webhook {name[:80]!r} does not wait for anybody to take {wanted!r}"
        raise refused(404, "not_found", what, "omni webhooks says which event it is")
    return answer(tested)
