"""Tokens: administrators make and revoke them; everybody sees his own."""

from __future__ import annotations

from aiohttp import web

from server.api.context import CONTEXT, answer, command, number, operator, refused, scope_of
from server.api.describe import Query, describes
from server.operators import authorise
from server.protocol import NewToken, TokenInfo, TokenMade
from server.store import tokens
from server.store.tokens import TokenImpossibleError

routes = web.RouteTableDef()


@routes.post("/v1/operators/{login}/tokens")
@describes(
    "Make a token for an operator; it is shown this once.",
    "administer",
    body=NewToken,
    codes=("illegal_state",),
    answer=TokenMade,
)
async def add(request: web.Request) -> web.Response:
    me = operator(request, "administer")
    new = await command(request, NewToken)
    login = request.match_info["login"]
    try:
        made = await request.app[CONTEXT].database.write(lambda tx: tokens.add(tx, login, new, me.id))
    except TokenImpossibleError as error:
        raise refused(409, "illegal_state", str(error)) from error
    return answer(made)


@routes.get("/v1/tokens")
@describes(
    "Tokens that are not revoked: all of them for an administrator, my own for everybody else.",
    query=(Query("login", str, "Those of one operator."),),
    codes=("not_found",),
    answer=list[TokenInfo],
)
async def listed(request: web.Request) -> web.Response:
    me = operator(request, "read")
    login: str | None = request.query.get("login") or None
    if not authorise(me, "administer", scope=scope_of(request)):
        if login not in (None, me.login):
            raise refused(403, "forbidden", "these tokens are somebody else's", "ask an administrator")
        login = me.login
    return answer(await request.app[CONTEXT].database.read(lambda tx: tokens.listed(tx, login)))


@routes.post("/v1/tokens/{token}/revoke")
@describes("End a token and its streams at once.", "administer", answer=TokenInfo)
async def revoke(request: web.Request) -> web.Response:
    me = operator(request, "administer")
    token_id = number(request, "token")
    context = request.app[CONTEXT]
    info = await context.database.write(lambda tx: tokens.revoke(tx, token_id, me.id))
    context.hub.end_token(token_id, "this token was revoked")
    return answer(info)
