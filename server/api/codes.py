"""Codes and links with which a person shows who he is."""

from __future__ import annotations

import secrets

from aiohttp import web

from server.api.context import CONTEXT, answer, command, number, operator, refused
from server.api.describe import describes
from server.people import asking, proving
from server.people.codes import NONCE_BYTES, digits_told
from server.protocol import CodeCommand, CodeMade, Tried, TryCommand

routes = web.RouteTableDef()


@routes.post("/v1/conversations/{conversation}/codes")
@describes(
    "Ask the person to show that an address is his, or to go on somewhere else.",
    "write",
    body=CodeCommand,
    codes=("illegal_state", "known"),
    answer=CodeMade,
)
async def ask(request: web.Request) -> web.Response:
    me = operator(request, "write")
    context = request.app[CONTEXT]
    wanted = await command(request, CodeCommand)
    which = number(request, "conversation")
    nonce = secrets.token_bytes(NONCE_BYTES)
    return answer(
        await context.database.write(
            lambda tx: asking.ask(tx, which, me, wanted, context.outgoing, context.codes, nonce)
        )
    )


@routes.post("/v1/codes/{code}/try")
@describes(
    "Try six digits that he told: by telephone, or not alone in a message.",
    "write",
    body=TryCommand,
    codes=("illegal_state",),
    answer=Tried,
)
async def try_digits(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, TryCommand)
    which = number(request, "code")
    digits = digits_told(wanted.code)
    if digits is None:
        raise refused(400, "bad_request", "a code is six digits from 0 to 9")
    return answer(await request.app[CONTEXT].database.write(lambda tx: proving.tried(tx, which, digits, me)))
