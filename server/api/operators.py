"""Operators' accounts."""

from __future__ import annotations

import re

from aiohttp import web

from server.api.context import CONTEXT, answer, command, operator, refused
from server.api.describe import describes
from server.protocol import NewOperator, OperatorInfo, PresenceCommand
from server.queue import presence
from server.store import operators as accounts
from server.store.transaction import Transaction

routes = web.RouteTableDef()

LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")


@routes.get("/v1/operators")
@describes("All operators.", "look", answer=list[OperatorInfo])
async def everybody(request: web.Request) -> web.Response:
    operator(request, "look")
    context = request.app[CONTEXT]
    found = await context.database.read(
        lambda tx: [context.desks.introduce(tx, info) for info in accounts.everybody(tx)]
    )
    for info in found:
        info.online = context.hub.is_online(info.id)
    return answer(found)


@routes.put("/v1/presence")
@describes(
    "How I am: available, pause (no new work), away, offline.",
    "write",
    body=PresenceCommand,
    answer=OperatorInfo,
)
async def be(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, PresenceCommand)
    context = request.app[CONTEXT]

    def choose(tx: Transaction) -> OperatorInfo:
        presence.choose(tx, me.id, wanted.state)
        return context.desks.introduce(tx, me)

    return answer(await context.database.write(choose))


@routes.post("/v1/operators")
@describes("Let somebody in.", "administer", body=NewOperator, codes=("illegal_state",), answer=OperatorInfo)
async def add(request: web.Request) -> web.Response:
    operator(request, "administer")
    new = await command(request, NewOperator)
    if not LOGIN.fullmatch(new.login):
        raise refused(400, "bad_request", f"{new.login[:40]!r} is no login", "use a-z, 0-9, '.', '_', '-'")
    if not new.name.strip():
        raise refused(400, "bad_request", "the name is empty", "customers see it")
    info = await request.app[CONTEXT].database.write(
        lambda tx: accounts.add(tx, new.login, new.name.strip(), new.role, new.uid)
    )
    return answer(info)


@routes.post("/v1/operators/{login}/disable")
@describes(
    "Shut somebody out; what he held goes back to the queue.",
    "administer",
    codes=("illegal_state",),
    answer=OperatorInfo,
)
async def disable(request: web.Request) -> web.Response:
    me = operator(request, "administer")
    login = request.match_info["login"]
    if login == me.login:
        raise refused(409, "illegal_state", "nobody disables himself", "another administrator can")
    context = request.app[CONTEXT]
    info = await context.database.write(lambda tx: accounts.disable(tx, login))
    context.hub.end_operator(info.id, "this account was disabled")
    return answer(info)


@routes.post("/v1/operators/{login}/enable")
@describes(
    "Let somebody in again who was shut out; tokens made before are ended.",
    "administer",
    answer=OperatorInfo,
)
async def enable(request: web.Request) -> web.Response:
    operator(request, "administer")
    login = request.match_info["login"]
    return answer(await request.app[CONTEXT].database.write(lambda tx: accounts.enable(tx, login)))
