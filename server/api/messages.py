"""One message: what it was read from, and sending it on."""

from __future__ import annotations

import asyncio

from aiohttp import web

from server import failpoints
from server.api.context import CONTEXT, answer, command, number, operator, refused
from server.api.describe import Media, describes
from server.cases import holding
from server.protocol import ForwardCommand, Message
from server.store import journal, messages
from server.store.transaction import Transaction

routes = web.RouteTableDef()

SOURCE = Media("application/octet-stream")


@routes.get("/v1/messages/{message}/source")
@describes(
    "What a message was read from, byte by byte as it came: a mail with its headers, the body of a webhook.",
    answer=SOURCE,
)
async def source(request: web.Request) -> web.Response:
    operator(request, "read")
    context = request.app[CONTEXT]
    message_id = number(request, "message")
    raw = await context.database.read(lambda tx: journal.of_message(tx, message_id))
    if raw is None:
        raise refused(404, "not_found", f"message {message_id} was not read from anything", "we wrote it")
    data = raw.data
    if data is None and raw.sha256 is not None:
        data = await asyncio.to_thread(context.blobs.read, raw.sha256)
    return web.Response(
        body=data or b"",
        headers={
            "Content-Type": SOURCE.content_type,
            "Content-Disposition": f'attachment; filename="message-{message_id}"',
            "X-Content-Type-Options": "nosniff",
        },
    )


@routes.post("/v1/messages/{message}/forward")
@describes(
    "Send a message on to somebody else, in a conversation of its own. The same client_id again is the same"
    " forward.",
    "write",
    body=ForwardCommand,
    codes=("illegal_state",),
    answer=Message,
)
async def forward(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, ForwardCommand)
    context = request.app[CONTEXT]
    message_id = number(request, "message")

    def written(tx: Transaction) -> Message:
        made = holding.forward(tx, message_id, me, wanted, context.outgoing)
        return messages.many(tx, [made])[made]

    forwarded = await context.database.write(written)
    failpoints.hit("outbox.accepted")
    return answer(context.marks.message(forwarded))
