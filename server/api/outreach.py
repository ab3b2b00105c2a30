"""Writing first, to one and to many."""

from __future__ import annotations

from aiohttp import web

from server import failpoints
from server.api.context import CONTEXT, Context, answer, command, number, operator
from server.api.describe import describes
from server.cases import holding, outreach
from server.people.card_settings import hidden
from server.protocol import BulkDone, BulkMessage, BulkOutcome, FirstMessage, Message, OperatorInfo
from server.store import messages
from server.store.card import Showing
from server.store.transaction import Snapshot, Transaction

routes = web.RouteTableDef()

PEOPLE_AT_ONCE = 25  # in one transaction: nobody's message waits long for it


@routes.post("/v1/customers/{customer}/first-message")
@describes(
    "Write to somebody who did not just write to us; held where something speaks against it."
    " The same client_id again is the same message.",
    "write",
    body=FirstMessage,
    codes=("held", "illegal_state"),
    answer=Message,
)
async def first(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, FirstMessage)
    context = request.app[CONTEXT]
    customer_id = number(request, "customer")

    def write(tx: Transaction) -> Message:
        message_id = holding.first(tx, customer_id, me, wanted, context.outgoing, context.outreach)
        return messages.many(tx, [message_id])[message_id]

    written = await context.database.write(write)
    failpoints.hit("outbox.accepted")
    return answer(context.marks.message(written))


@routes.post("/v1/bulk-messages")
@describes(
    "One text to many, filled in for each; who has something against it is held and told."
    " The same client_id again sends nothing twice.",
    "write",
    body=BulkMessage,
    codes=("illegal_state",),
    answer=BulkDone,
)
async def bulk(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, BulkMessage)
    context = request.app[CONTEXT]
    outreach.check_bulk(wanted, context.outgoing)
    outcomes: list[BulkOutcome] = []
    ids = list(dict.fromkeys(wanted.customer_ids))
    for start in range(0, len(ids), PEOPLE_AT_ONCE):
        outcomes += await _some(context, me, wanted, ids[start : start + PEOPLE_AT_ONCE])
    queued = sum(1 for one in outcomes if not one.obstacles and not one.problem)
    return answer(BulkDone(outcomes=outcomes, queued=queued, held=len(outcomes) - queued))


async def _some(context: Context, me: OperatorInfo, wanted: BulkMessage, ids: list[int]) -> list[BulkOutcome]:
    offers = context.outgoing.offers.values()
    showing = Showing(
        titles={offer.id: offer.title for offer in offers},
        marks={offer.id: offer.mark for offer in offers},
        country=context.country,
        hidden=hidden(me.role, context.fields),
    )

    def look(tx: Snapshot) -> list[BulkOutcome]:
        return [
            outreach.bulk_dry(tx, one, me, wanted, context.outgoing, context.outreach, showing) for one in ids
        ]

    def write(tx: Transaction) -> list[BulkOutcome]:
        return [
            outreach.bulk(tx, one, me, wanted, context.outgoing, context.outreach, showing) for one in ids
        ]

    if wanted.dry_run:
        return await context.database.read(look)
    return await context.database.write(write)
