"""Replies, notes, and replies whose fate an operator must decide."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from aiohttp import web

from server import failpoints
from server.api.context import CONTEXT, answer, command, number, operator
from server.api.describe import describes
from server.cases import leaving, notes, settling, sharing
from server.operators import Action
from server.protocol import (
    LeaveCommand,
    Message,
    NoteCommand,
    OperatorInfo,
    OutboxItem,
    ReplyCommand,
    SettleCommand,
    Settled,
    Withdrawn,
)
from server.store import messages, outbox, scheduled
from server.store.transaction import Snapshot, Transaction

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
        lambda tx, which, me, wanted: leaving.reply(tx, which, me, wanted, outgoing),
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
    return await _write(request, NoteCommand, notes.note, "remark")


@routes.post("/v1/messages/{message}/withdraw")
@describes(
    "Take back what is held or scheduled: its words are a draft of its author again.",
    "write",
    codes=("illegal_state",),
    answer=Withdrawn,
)
async def withdraw(request: web.Request) -> web.Response:
    me = operator(request, "write")
    context = request.app[CONTEXT]
    message_id = number(request, "message")
    taken_back = await context.database.write(lambda tx: leaving.withdraw(tx, message_id, me))
    context.marks.message(taken_back.message)
    return answer(taken_back)


@routes.post("/v1/messages/{message}/leave")
@describes(
    "Let what is held or scheduled leave now, or a scheduled reply at another time.",
    "write",
    body=LeaveCommand,
    codes=("illegal_state",),
    answer=Message,
)
async def leave(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, LeaveCommand)
    context = request.app[CONTEXT]
    message_id = number(request, "message")

    def let_go(tx: Transaction) -> Message:
        leaving.leave(tx, message_id, me, wanted, context.outgoing, context.outreach)
        return messages.many(tx, [message_id])[message_id]

    return answer(context.marks.message(await context.database.write(let_go)))


@routes.get("/v1/outbox/held")
@describes(
    "What I wrote and the server still holds, the oldest first: replies, first messages, forwards.",
    answer=list[Message],
)
async def held(request: web.Request) -> web.Response:
    me = operator(request, "read")
    context = request.app[CONTEXT]

    def asked(tx: Snapshot) -> list[Message]:
        ids = sorted(outbox.held_by(tx, me.id) + scheduled.held_by(tx, me.id))
        found = messages.many(tx, ids)
        return [found[message_id] for message_id in ids]

    return answer([context.marks.message(one) for one in await context.database.read(asked)])


@routes.get("/v1/outbox")
@describes("Replies that are not settled, and those that are to leave later.", answer=list[OutboxItem])
async def unsettled(request: web.Request) -> web.Response:
    operator(request, "read")
    context = request.app[CONTEXT]
    items = await context.database.read(lambda tx: outbox.unsettled(tx) + scheduled.items(tx))
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
    ids = await request.app[CONTEXT].database.write(lambda tx: settling.settle(tx, me, wanted))
    return answer(Settled(message_ids=ids))
