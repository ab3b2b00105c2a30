"""Cards that become one and part again; conversations that are taken apart and put together."""

from __future__ import annotations

from aiohttp import web

from server.api.context import CONTEXT, answer, command, number, operator
from server.api.describe import describes
from server.cases import regrouping
from server.people import merging
from server.protocol import (
    JoinCommand,
    MergeCommand,
    Merged,
    Regrouped,
    Regrouping,
    SplitCommand,
    Unmerged,
)
from server.store import conversations, regroupings
from server.store.transaction import Snapshot, Transaction

routes = web.RouteTableDef()


@routes.post("/v1/customers/{customer}/merge")
@describes(
    "Two cards are one person; the older card stays.",
    "write",
    body=MergeCommand,
    codes=("illegal_state",),
    answer=Merged,
)
async def merge(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, MergeCommand)
    customer_id = number(request, "customer")

    def write(tx: Transaction) -> Merged:
        merge_id, stays = merging.merge_by_hand(tx, customer_id, wanted.other_id, wanted.reason, me.id)
        return Merged(merge_id=merge_id, customer_id=stays)

    return answer(await request.app[CONTEXT].database.write(write))


@routes.post("/v1/merges/{merge}/undo")
@describes(
    "Two people again: addresses, conversations, fields, tags, notes and drafts go back.",
    "write",
    codes=("illegal_state",),
    answer=Unmerged,
)
async def unmerge(request: web.Request) -> web.Response:
    me = operator(request, "write")
    merge_id = number(request, "merge")
    done = await request.app[CONTEXT].database.write(lambda tx: merging.unmerge(tx, merge_id, me.id))
    return answer(done)


@routes.post("/v1/conversations/{conversation}/split")
@describes(
    "Messages of it become a conversation of their own.",
    "write",
    body=SplitCommand,
    codes=("illegal_state",),
    answer=Regrouped,
)
async def split(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, SplitCommand)
    which = number(request, "conversation")
    done = await request.app[CONTEXT].database.write(lambda tx: regrouping.split(tx, which, wanted, me.id))
    return answer(done)


@routes.post("/v1/conversations/{conversation}/join")
@describes(
    "Another conversation of the same person goes on in this one.",
    "write",
    body=JoinCommand,
    codes=("illegal_state",),
    answer=Regrouped,
)
async def join(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, JoinCommand)
    which = number(request, "conversation")
    done = await request.app[CONTEXT].database.write(
        lambda tx: regrouping.join(tx, which, wanted.other_id, me.id)
    )
    return answer(done)


@routes.get("/v1/conversations/{conversation}/regroupings")
@describes("Splits and joins of it that can be taken back, newest first.", answer=list[Regrouping])
async def regroupings_of(request: web.Request) -> web.Response:
    operator(request, "read")
    which = number(request, "conversation")

    def read(tx: Snapshot) -> list[Regrouping]:
        return regroupings.of_conversation(tx, conversations.held(tx, which).id)

    return answer(await request.app[CONTEXT].database.read(read))


@routes.post("/v1/regroupings/{regrouping}/undo")
@describes("Take a split or a join back.", "write", codes=("illegal_state",), answer=Regrouped)
async def undo(request: web.Request) -> web.Response:
    me = operator(request, "write")
    which = number(request, "regrouping")
    done = await request.app[CONTEXT].database.write(lambda tx: regrouping.undo(tx, which, me.id))
    return answer(done)
