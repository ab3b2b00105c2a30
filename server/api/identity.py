"""The identity inbox, and codes with which a person shows who he is."""

from __future__ import annotations

from typing import get_args

from aiohttp import web

from server.api.context import CONTEXT, Context, answer, key, limit, number, operator, refused, shown_key
from server.api.describe import Query, describes, page_key
from server.api.describe import limit as limit_of
from server.api.describe import number as number_of
from server.people import identity_inbox
from server.protocol import Customer, Merged, Suggestion, SuggestionPage
from server.store import customers, suggestions
from server.store.conversations import NotFoundError
from server.store.suggestions import Pair, State
from server.store.transaction import Snapshot

routes = web.RouteTableDef()


def _card(tx: Snapshot, context: Context, customer_id: int) -> Customer:
    found = customers.customer(tx, customer_id)
    if found is None:
        raise NotFoundError("customer", customer_id)
    titles = {offer.account: offer.title for offer in context.outgoing.offers.values() if offer.account}
    for address in found.addresses:
        address.label = titles.get(address.account, address.external_id)
    return found


def shown(tx: Snapshot, context: Context, pair: Pair) -> Suggestion:
    return Suggestion(
        id=pair.id,
        one=_card(tx, context, pair.one),
        other=_card(tx, context, pair.other),
        reasons=suggestions.words(tx, pair.reasons),
        score=pair.score,
        created_at=pair.created_at,
        state=pair.state,
        merge_id=pair.merge_id,
        decided_by=pair.decided_by,
    )


@routes.get("/v1/identity/suggestions")
@describes(
    "The identity inbox: pairs of cards that may be one person, the surest first.",
    query=(
        Query("state", State, "Which ones; open if not given."),
        number_of("customer", "Only those that speak of this customer."),
        page_key("after", 2),
        limit_of(30, 100),
    ),
    answer=SuggestionPage,
)
async def inbox(request: web.Request) -> web.Response:
    operator(request, "read")
    context = request.app[CONTEXT]
    asked = request.query.get("state", "open")
    if asked not in get_args(State):
        raise refused(400, "bad_request", f"there is no state {asked[:40]!r}", f"states: {get_args(State)}")
    state: State = asked  # type: ignore[assignment]
    of = key(request, "customer", 1)
    after = key(request, "after", 2)
    most = limit(request, 30, 100)

    def read(tx: Snapshot) -> SuggestionPage:
        found, following = suggestions.page(
            tx, state, of[0] if of else None, (after[0], after[1]) if after else None, most
        )
        return SuggestionPage(
            items=[shown(tx, context, pair) for pair in found],
            next=shown_key(following),
            open=suggestions.count_open(tx),
        )

    return answer(await context.database.read(read))


@routes.post("/v1/identity/suggestions/{suggestion}/accept")
@describes(
    "They are one person: the younger card becomes part of the older one.",
    "write",
    codes=("illegal_state",),
    answer=Merged,
)
async def accept(request: web.Request) -> web.Response:
    me = operator(request, "write")
    which = number(request, "suggestion")
    return answer(await request.app[CONTEXT].database.write(lambda tx: identity_inbox.accept(tx, which, me)))


@routes.post("/v1/identity/suggestions/{suggestion}/refuse")
@describes("They are two people; not asked again.", "write", codes=("illegal_state",), answer=Suggestion)
async def refuse(request: web.Request) -> web.Response:
    me = operator(request, "write")
    context = request.app[CONTEXT]
    which = number(request, "suggestion")
    return answer(
        await context.database.write(lambda tx: shown(tx, context, identity_inbox.refuse(tx, which, me)))
    )


@routes.post("/v1/identity/suggestions/{suggestion}/reopen")
@describes("Take a refusal back.", "write", codes=("illegal_state",), answer=Suggestion)
async def reopen(request: web.Request) -> web.Response:
    me = operator(request, "write")
    context = request.app[CONTEXT]
    which = number(request, "suggestion")
    return answer(
        await context.database.write(lambda tx: shown(tx, context, identity_inbox.reopen(tx, which, me)))
    )
