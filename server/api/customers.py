"""Customers: finding them, their cards, their river, and what hangs on it."""

from __future__ import annotations

from collections.abc import Mapping

import structlog
from aiohttp import web

from server.api.context import CONTEXT, Context, answer, key, limit, number, operator, refused, shown_key
from server.api.describe import Query, describes, page_key
from server.api.describe import limit as limit_of
from server.api.describe import number as number_of
from server.operators import limited_to
from server.people.card_settings import BUILT_IN, SegmentSettings, hidden, spec_of, uses_hidden
from server.people.cards import person
from server.protocol import (
    Customer,
    CustomerFiles,
    CustomerPage,
    FieldSpec,
    HistoryPage,
    MessagePage,
    OperatorInfo,
    Record,
    Role,
    Segment,
)
from server.store import card, card_search, conversations, events, records, river, segments
from server.store.conversations import NotFoundError
from server.store.errors import StoreUnavailableError
from server.store.river import EVERYTHING, Key, Only
from server.store.transaction import Snapshot

log = structlog.get_logger(__name__)

routes = web.RouteTableDef()

FIND_MAX = 200
COUNTED_MAX = 10_000


def _pair(request: web.Request, name: str) -> Key | None:
    parts = key(request, name, 2)
    return None if parts is None else (parts[0], parts[1])


def _river(tx: Snapshot, context: Context, me: int, page: HistoryPage) -> HistoryPage:
    rows = conversations.many(tx, sorted({message.conversation_id for message in page.messages}), me)
    for message in page.messages:
        context.marks.message(message)
    page.conversations = [context.marks.conversation(row) for row in rows.values()]
    page.seq = events.newest(tx)
    return page


def page_of_river(
    tx: Snapshot,
    context: Context,
    customer_id: int,
    me: int,
    before: Key | None,
    most: int,
    only: Only = EVERYTHING,
) -> HistoryPage:
    found, following = river.older(tx, customer_id, before, most, only)
    page = HistoryPage(messages=found, conversations=[], before=shown_key(following), seq=0)
    return _river(tx, context, me, page)


def shown_customer(tx: Snapshot, context: Context, customer_id: int, me: OperatorInfo) -> Customer:
    """What this operator may see of the card. Raises NotFoundError."""
    sees = limited_to(me)
    if sees is None:
        return whole_customer(tx, context, customer_id, me)
    shared = conversations.of_customer(tx, person(tx, customer_id), me.id, sees=sees)
    if not shared:
        raise NotFoundError("customer", customer_id)
    return Customer(
        id=shared[0].customer_id,
        name=shared[0].customer,
        created_at=0,
        conversations=[context.marks.conversation(row) for row in shared],
    )


def whole_customer(tx: Snapshot, context: Context, customer_id: int, me: OperatorInfo) -> Customer:
    """The whole card, with the newest conversations. Raises NotFoundError."""
    offers = context.outgoing.offers
    showing = card.Showing(
        titles={offer.id: offer.title for offer in offers.values()},
        marks={offer.id: offer.mark for offer in offers.values()},
        country=context.country,
        hidden=hidden(me.role, context.fields),
    )
    customer = card.whole(tx, customer_id, showing)
    if customer is None:
        raise NotFoundError("customer", customer_id)
    _label(context, customer)
    customer.conversations = [
        context.marks.conversation(row) for row in conversations.of_customer(tx, customer.id, me.id)
    ]
    return customer


def _visible(tx: Snapshot, customer_id: int, me: OperatorInfo) -> int:
    """The person that this card is part of. Raises NotFoundError, also where nothing of him may be seen."""
    found = person(tx, customer_id)
    sees = limited_to(me)
    if sees is not None and not conversations.of_customer(tx, found, me.id, 1, sees):
        raise NotFoundError("customer", customer_id)
    return found


def _label(context: Context, customer: Customer) -> None:
    titles = {offer.account: offer.title for offer in context.outgoing.offers.values() if offer.account}
    for address in customer.addresses:
        address.label = titles.get(address.account, address.external_id)


# --- finding --------------------------------------------------------------------------------------


def visible_segments(context: Context, role: Role) -> Mapping[str, SegmentSettings]:
    """Without those that would tell what is in a field which the role does not get to see."""
    unseen = hidden(role, context.fields)
    return {name: one for name, one in context.segments.items() if not uses_hidden(one, unseen)}


@routes.get("/v1/customers")
@describes(
    "People, the newest card first: by the beginnings of words of names, addresses and tags, by the number"
    " of an order, by tag, by segment.",
    query=(
        Query("find", str, f"Words in any order, or a number; the first {FIND_MAX} characters count."),
        Query("tag", str, "Only who bears this tag."),
        Query("segment", str, "Only who is in this segment."),
        page_key("after", 1),
        limit_of(50, 200),
    ),
    codes=("not_found",),
    answer=CustomerPage,
)
async def find(request: web.Request) -> web.Response:
    me = operator(request, "read")
    context = request.app[CONTEXT]
    words = request.query.get("find", "")[:FIND_MAX].strip()
    tag = request.query.get("tag", "")
    segment = request.query.get("segment", "")
    after = key(request, "after", 1)
    most = limit(request, 50, 200)
    wanted = visible_segments(context, me.role).get(segment)
    if segment and wanted is None:
        raise refused(
            404,
            "not_found",
            f"there is no segment {segment[:64]!r}",
            "declare it in omni.toml under [segments]",
        )

    def read(tx: Snapshot) -> CustomerPage:
        conditions: list[str] = []
        parameters: dict[str, object] = {}
        if tag:
            where, own = segments.tagged(tag)
            conditions.append(where)
            parameters |= own
        if wanted is not None:
            where, own = segments.condition(wanted, tx.now)
            conditions.append(where)
            parameters |= own
        within = " AND ".join(conditions)
        before = None if after is None else after[0]
        if words:
            ids = card_search.find(
                tx,
                words,
                context.country,
                before=before,
                limit=most + 1,
                within=within,
                parameters=parameters,
            )
        else:
            ids = card_search.listed(tx, before=before, limit=most + 1, within=within, parameters=parameters)
        items = card.brief(tx, ids[:most])
        for item in items:
            _label(context, item)
        return CustomerPage(items=items, next=str(ids[most - 1]) if len(ids) > most else None)

    if words:
        try:
            await context.indexer.catch_up_cards()
        except StoreUnavailableError:
            log.warning("people are found in an index that is behind")
    return answer(await context.database.read(read))


@routes.get("/v1/segments")
@describes("Saved filters over cards, from omni.toml.", answer=list[Segment])
async def all_segments(request: web.Request) -> web.Response:
    me = operator(request, "read")
    context = request.app[CONTEXT]
    visible = visible_segments(context, me.role)

    def read(tx: Snapshot) -> list[Segment]:
        return [
            Segment(name=name, title=one.title, people=segments.count(tx, one, COUNTED_MAX))
            for name, one in visible.items()
        ]

    return answer(await context.database.read(read))


@routes.get("/v1/fields")
@describes("Fields that cards may have, as far as you get to see them.", answer=list[FieldSpec])
async def all_fields(request: web.Request) -> web.Response:
    me = operator(request, "read")
    context = request.app[CONTEXT]
    unseen = hidden(me.role, context.fields)
    own = [name for name in context.fields if name not in BUILT_IN]
    return answer([spec_of(name, context.fields) for name in (*own, *BUILT_IN) if name not in unseen])


# --- one of them ----------------------------------------------------------------------------------


@routes.get("/v1/customers/{customer}")
@describes("One customer: the whole card, with his newest conversations.", "look", answer=Customer)
async def customer(request: web.Request) -> web.Response:
    me = operator(request, "look")
    context = request.app[CONTEXT]
    customer_id = number(request, "customer")
    return answer(await context.database.read(lambda tx: shown_customer(tx, context, customer_id, me)))


@routes.get("/v1/customers/{customer}/history")
@describes(
    "The customer's river: older messages, those around one, or newer ones; of all channels or of one.",
    "look",
    query=(
        page_key("before", 2),
        page_key("after", 2),
        number_of("around", "The number of a message that is to be in the middle of the page."),
        Query("channel", str, "Only what was said on this channel."),
        limit_of(60, 200),
    ),
    answer=HistoryPage,
)
async def history(request: web.Request) -> web.Response:
    me = operator(request, "look")
    context = request.app[CONTEXT]
    customer_id = number(request, "customer")
    before, after = _pair(request, "before"), _pair(request, "after")
    middle = key(request, "around", 1)
    only = Only(request.query.get("channel", ""), limited_to(me))
    most = limit(request, 60, 200)

    def read(tx: Snapshot) -> HistoryPage:
        found = _visible(tx, customer_id, me)
        if middle is not None:
            around = river.around(tx, found, middle[0], most, only)
            if around is None:
                raise NotFoundError("message of this customer", middle[0])
            page = HistoryPage(
                messages=around[0],
                conversations=[],
                before=shown_key(around[1]),
                after=shown_key(around[2]),
                seq=0,
            )
            return _river(tx, context, me.id, page)
        if after is not None:
            listed, following = river.newer(tx, found, after, most, only)
            page = HistoryPage(
                messages=listed, conversations=[], before=None, after=shown_key(following), seq=0
            )
            return _river(tx, context, me.id, page)
        return page_of_river(tx, context, found, me.id, before, most, only)

    return answer(await context.database.read(read))


@routes.get("/v1/customers/{customer}/notes")
@describes(
    "Notes of all his conversations, newest first.",
    "look",
    query=(page_key("after", 2), limit_of(60, 200)),
    answer=MessagePage,
)
async def notes(request: web.Request) -> web.Response:
    me = operator(request, "look")
    context = request.app[CONTEXT]
    customer_id = number(request, "customer")
    after = _pair(request, "after")
    most = limit(request, 60, 200)

    def read(tx: Snapshot) -> MessagePage:
        found, following = river.notes(tx, _visible(tx, customer_id, me), after, most, limited_to(me))
        return MessagePage(
            items=[context.marks.message(message) for message in found], next=shown_key(following)
        )

    return answer(await context.database.read(read))


@routes.get("/v1/customers/{customer}/files")
@describes(
    "Files of all time, newest first; those of one message are on one page.",
    "look",
    query=(page_key("after", 2), limit_of(60, 200)),
    answer=CustomerFiles,
)
async def files(request: web.Request) -> web.Response:
    me = operator(request, "look")
    context = request.app[CONTEXT]
    customer_id = number(request, "customer")
    after = _pair(request, "after")
    most = limit(request, 60, 200)

    def read(tx: Snapshot) -> CustomerFiles:
        found, following = river.files(tx, _visible(tx, customer_id, me), after, most, limited_to(me))
        for file in found:
            file.mark = context.marks.of(file.mark)
        return CustomerFiles(items=found, next=shown_key(following))

    return answer(await context.database.read(read))


@routes.get("/v1/customers/{customer}/records")
@describes(
    "Orders, payments and the like, newest first.",
    query=(
        Query("kind", str, "Only of this kind."),
        page_key("after", 2),
        limit_of(50, 200),
    ),
    answer=list[Record],
)
async def his_records(request: web.Request) -> web.Response:
    operator(request, "read")
    context = request.app[CONTEXT]
    customer_id = number(request, "customer")
    after = _pair(request, "after")
    kind = request.query.get("kind", "")
    most = limit(request, 50, 200)

    def read(tx: Snapshot) -> list[Record]:
        return records.of_customer(tx, person(tx, customer_id), kind=kind, after=after, limit=most)[0]

    return answer(await context.database.read(read))
