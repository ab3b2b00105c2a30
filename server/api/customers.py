"""Customers and their river."""

from __future__ import annotations

from aiohttp import web

from server.api.context import CONTEXT, Context, answer, key, limit, number, operator, shown_key
from server.api.describe import describes, page_key
from server.api.describe import limit as limit_of
from server.protocol import Customer, HistoryPage, OperatorInfo
from server.store import conversations, customers, events, messages
from server.store.conversations import NotFoundError
from server.store.transaction import Snapshot

routes = web.RouteTableDef()


def page_of_river(
    tx: Snapshot, context: Context, customer_id: int, me: int, before: tuple[int, int] | None, most: int
) -> HistoryPage:
    found, following = messages.river(tx, customer_id, before, most)
    rows = conversations.many(tx, sorted({message.conversation_id for message in found}), me)
    return HistoryPage(
        messages=[context.marks.message(message) for message in found],
        conversations=[context.marks.conversation(row) for row in rows.values()],
        before=shown_key(following),
        seq=events.newest(tx),
    )


def whole_customer(tx: Snapshot, context: Context, customer_id: int, me: OperatorInfo) -> Customer:
    """The customer with his conversations. Raises NotFoundError."""
    customer = customers.customer(tx, customer_id)
    if customer is None:
        raise NotFoundError("customer", customer_id)
    titles = {offer.account: offer.title for offer in context.outgoing.offers.values() if offer.account}
    for address in customer.addresses:
        address.label = titles.get(address.account, address.external_id)
    customer.conversations = [
        context.marks.conversation(row) for row in conversations.of_customer(tx, customer.id, me.id)
    ]
    return customer


@routes.get("/v1/customers/{customer}")
@describes("One customer, with his addresses and his newest conversations.", answer=Customer)
async def customer(request: web.Request) -> web.Response:
    me = operator(request, "read")
    context = request.app[CONTEXT]
    customer_id = number(request, "customer")
    return answer(await context.database.read(lambda tx: whole_customer(tx, context, customer_id, me)))


@routes.get("/v1/customers/{customer}/history")
@describes(
    "Older messages of the customer's river.",
    query=(page_key("before", 2), limit_of(60, 200)),
    answer=HistoryPage,
)
async def history(request: web.Request) -> web.Response:
    me = operator(request, "read")
    context = request.app[CONTEXT]
    customer_id = number(request, "customer")
    before = key(request, "before", 2)
    most = limit(request, 60, 200)

    def read(tx: Snapshot) -> HistoryPage:
        found = customers.customer(tx, customer_id)
        if found is None:
            raise NotFoundError("customer", customer_id)
        return page_of_river(
            tx, context, found.id, me.id, None if before is None else (before[0], before[1]), most
        )

    return answer(await context.database.read(read))
