"""Deadlines: those of a conversation, and all of them computed anew."""

from __future__ import annotations

from aiohttp import web

from server.api.context import CONTEXT, answer, number, operator
from server.api.describe import describes
from server.protocol import DeadlineFigure, Recomputed
from server.store import conversations, deadlines
from server.store.transaction import Snapshot

routes = web.RouteTableDef()


@routes.get("/v1/conversations/{conversation}/deadlines")
@describes("What was and is due of one conversation, oldest first.", answer=list[DeadlineFigure])
async def of_conversation(request: web.Request) -> web.Response:
    operator(request, "read")
    conversation_id = number(request, "conversation")

    def read(tx: Snapshot) -> list[DeadlineFigure]:
        return deadlines.figures(tx, conversations.held(tx, conversation_id).id)

    return answer(await request.app[CONTEXT].database.read(read))


@routes.post("/v1/deadlines/recompute")
@describes(
    "Compute every deadline anew, also those of closed conversations, by the rules and hours of today.",
    "administer",
    answer=Recomputed,
)
async def recompute(request: web.Request) -> web.Response:
    operator(request, "administer")
    return answer(await request.app[CONTEXT].timekeeper.recompute())
