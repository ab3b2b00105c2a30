"""Replies, notes, and replies whose fate an operator must decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from server import failpoints
from server.api.context import CONTEXT, answer, command, number, operator
from server.api.describe import describes
from server.cases import replying, sharing
from server.operators import Action
from server.protocol import (
    Message,
    NoteCommand,
    OperatorInfo,
    OutboxItem,
    ReplyCommand,
    SettleCommand,
    Settled,
)
from server.store import messages, outbox
from server.store.transaction import Transaction

routes = web.RouteTableDef()


C = TypeVar("C")


async def _write(
    request: web.Request,
    kind: type[C],
    write: Callable[[Transaction, int, OperatorInfo, C], int],
    action: Action = "write",
) -> web.Response:
    me = operator(request, action)
    wanted = await command(request, kind)
    context = request.app[CONTEXT]
    conversation_id = number(request, "conversation")

    def written(tx: Transaction) -> Message:
        message_id = write(tx, sharing.check(tx, conversation_id, me), me, wanted)
        return messages.many(tx, [message_id])[message_id]

    return answer(context.marks.message(await context.database.write(written)))


@routes.post("/v1/conversations/{conversation}/reply")
@describes(
    "Answer the customer. The same client_id again is the same reply.",
    "write",
    body=ReplyCommand,
    codes=("stale", "illegal_state"),
    answer=Message,
)
async def reply(request: web.Request) -> web.Response:
    outgoing = request.app[CONTEXT].outgoing
    written = await _write(
        request,
        ReplyCommand,
        lambda tx, which, me, wanted: replying.reply(tx, which, me, wanted, outgoing),
    )
    failpoints.hit("outbox.accepted")
    return written


@routes.post("/v1/conversations/{conversation}/note")
@describes(
    "Write a private note. The same client_id again is the same note.",
    "remark",
    body=NoteCommand,
    codes=("illegal_state",),
    answer=Message,
)
async def note(request: web.Request) -> web.Response:
    return await _write(request, NoteCommand, replying.note, "remark")


@routes.get("/v1/outbox")
@describes("Replies that are not settled.", answer=list[OutboxItem])
async def unsettled(request: web.Request) -> web.Response:
    operator(request, "read")
    context = request.app[CONTEXT]
    items = await context.database.read(outbox.unsettled)
    for item in items:
        context.marks.message(item.message)
    return answer(items)


@routes.post("/v1/outbox/settle")
@describes(
    "Decide about replies that failed, or that may have arrived.",
    "write",
    body=SettleCommand,
    codes=("illegal_state",),
    answer=Settled,
)
async def settle(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, SettleCommand)
    ids = await request.app[CONTEXT].database.write(lambda tx: replying.settle(tx, me, wanted))
    return answer(Settled(message_ids=ids))
