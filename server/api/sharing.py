"""Single conversations, shared with collaborators of other departments."""

from __future__ import annotations

from aiohttp import web

from server.api.context import CONTEXT, answer, command, number, operator
from server.api.describe import describes
from server.cases import sharing
from server.protocol import Conversation, ShareCommand
from server.store import conversations
from server.store.transaction import Transaction

routes = web.RouteTableDef()


@routes.post("/v1/conversations/{conversation}/shares")
@describes(
    "Let a collaborator see this conversation, and write notes in it. Again: it stays as it is.",
    "write",
    body=ShareCommand,
    codes=("illegal_state",),
    answer=Conversation,
)
async def share(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, ShareCommand)
    context = request.app[CONTEXT]
    conversation_id = number(request, "conversation")

    def do(tx: Transaction) -> Conversation:
        sharing.share(tx, conversation_id, me, wanted)
        return conversations.one(tx, conversation_id, me.id)

    return answer(context.marks.conversation(await context.database.write(do)))


@routes.delete("/v1/conversations/{conversation}/shares/{operator}")
@describes("He sees it no more, from now on. Again: it stays as it is.", "write", answer=Conversation)
async def end(request: web.Request) -> web.Response:
    me = operator(request, "write")
    context = request.app[CONTEXT]
    conversation_id, colleague_id = number(request, "conversation"), number(request, "operator")

    def do(tx: Transaction) -> Conversation:
        sharing.end(tx, conversation_id, me, colleague_id)
        return conversations.one(tx, conversation_id, me.id)

    return answer(context.marks.conversation(await context.database.write(do)))
