"""Contacts by hand."""

from __future__ import annotations

from aiohttp import web

from channels.contacts import phone_number
from server.api.context import CONTEXT, answer, command, operator
from server.api.describe import describes
from server.cases import hand_contacts
from server.cases.refused import RefusedError
from server.protocol import HandContact, Message
from server.store import messages
from server.store.transaction import Transaction

routes = web.RouteTableDef()


@routes.post("/v1/contacts")
@describes(
    "Write down a call, a visit or a letter on paper. The same client_id again is the same contact.",
    "write",
    body=HandContact,
    codes=("illegal_state", "not_found"),
    answer=Message,
)
async def log(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, HandContact)
    context = request.app[CONTEXT]
    phone = phone_number(wanted.phone, context.country) if wanted.phone.strip() else None
    if wanted.phone.strip() and phone is None:
        raise RefusedError(
            f"{wanted.phone[:60]!r} is not a telephone number", "write it with its country: +7 916 123-45-67"
        )

    def write(tx: Transaction) -> Message:
        message_id = hand_contacts.log(tx, me, wanted, phone)
        return messages.many(tx, [message_id])[message_id]

    return answer(context.marks.message(await context.database.write(write)))
