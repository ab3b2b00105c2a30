"""Erasing one person."""

from __future__ import annotations

from aiohttp import web

from server.api.context import CONTEXT, answer, command, number, operator, refused
from server.api.customers import whole_customer
from server.api.describe import describes
from server.people import erasing
from server.protocol import EraseCommand, ErasureReport

routes = web.RouteTableDef()


@routes.post("/v1/customers/{customer}/erase")
@describes(
    "Take one person out for good. The answer is the report that the law asks for; it is given this once.",
    "administer",
    body=EraseCommand,
    codes=("illegal_state",),
    answer=ErasureReport,
)
async def erase(request: web.Request) -> web.Response:
    me = operator(request, "administer")
    wanted = await command(request, EraseCommand)
    context = request.app[CONTEXT]
    customer_id = number(request, "customer")
    customer = await context.database.read(lambda tx: whole_customer(tx, context, customer_id, me))
    if wanted.name.strip() != customer.name.strip():
        raise refused(
            409,
            "illegal_state",
            f"customer {customer_id} has another name",
            "write the name as the card shows it",
        )
    try:
        done = await context.eraser.erase(customer_id, me)
    except erasing.ErasingError as error:
        raise refused(409, "illegal_state", str(error), error.hint) from error
    now = context.clock.now()
    return answer(erasing.report(customer, done, context.site_name, me, wanted.reason.strip(), now))
