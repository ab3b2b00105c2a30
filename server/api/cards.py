"""What is put on a card: fields, consents, addresses, links; and records from other systems."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from server.api.context import BEARER, CONTEXT, answer, command, key, number, operator, refused
from server.api.customers import whole_customer
from server.api.describe import describes
from server.api.describe import number as number_of
from server.people import cards
from server.people.card_settings import FieldError, hidden
from server.protocol import (
    AddressCommand,
    CardCommand,
    ConsentCommand,
    Customer,
    Field,
    LinkCommand,
    LinkedPerson,
    OperatorInfo,
    Record,
    RecordCommand,
)
from server.protocol.people import Source
from server.store import fields, records
from server.store.transaction import Snapshot, Transaction

routes = web.RouteTableDef()

CONSOLE = "omni-console/"  # how consoles begin their User-Agent
NUMBER_MAX = 200  # characters of a record's number


def _source(request: web.Request) -> Source:
    """A person at a console, or a program with a token."""
    at_console = request.headers.get("User-Agent", "").startswith(CONSOLE)
    return "api" if BEARER in request and not at_console else "operator"


def _unusable(error: FieldError) -> Exception:
    return refused(409, "illegal_state", str(error), error.hint)


async def _change(
    request: web.Request, change: Callable[[Transaction, int, OperatorInfo], object]
) -> web.Response:
    """Run one change and answer with the card as it is after it."""
    me = operator(request, "write")
    context = request.app[CONTEXT]
    customer_id = number(request, "customer")

    def write(tx: Transaction) -> Customer:
        change(tx, customer_id, me)
        return whole_customer(tx, context, customer_id, me)

    return answer(await context.database.write(write))


@routes.patch("/v1/customers/{customer}")
@describes(
    "Change the card; what is not given stays, an empty value removes.",
    "write",
    body=CardCommand,
    codes=("illegal_state",),
    answer=Customer,
)
async def change(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, CardCommand)
    try:
        values = cards.checked_values(wanted, request.app[CONTEXT].rules, me)
    except FieldError as error:
        raise _unusable(error) from error
    source = _source(request)
    return await _change(
        request, lambda tx, which, who: cards.change(tx, which, who, values, wanted.tags, source)
    )


@routes.get("/v1/customers/{customer}/fields/{name}")
@describes("How a field was, newest first: value, source, time, by whom.", answer=list[Field])
async def history(request: web.Request) -> web.Response:
    me = operator(request, "read")
    context = request.app[CONTEXT]
    customer_id = number(request, "customer")
    name = _seen_field(request, me)

    def read(tx: Snapshot) -> list[Field]:
        return fields.history(tx, cards.person(tx, customer_id), name)

    return answer(await context.database.read(read))


def _seen_field(request: web.Request, me: OperatorInfo) -> str:
    """A field's name in the path. Raises ApiError for one that this role does not get to see."""
    name = request.match_info["name"]
    if name in hidden(me.role, request.app[CONTEXT].fields):
        raise refused(404, "not_found", f"there is no field {name[:64]!r}")
    return name


@routes.post("/v1/customers/{customer}/fields/{name}/revert")
@describes(
    "A field is again as it was.",
    "write",
    query=(number_of("to", "The number of the row of its history."),),
    codes=("illegal_state",),
    answer=Customer,
)
async def revert(request: web.Request) -> web.Response:
    me = operator(request, "write")
    name = _seen_field(request, me)
    row = key(request, "to", 1)
    if row is None:
        raise refused(409, "illegal_state", "to which value?", "GET …/fields/NAME lists them: ?to=ID")
    return await _change(request, lambda tx, which, who: cards.revert(tx, which, who, name, row[0]))


@routes.put("/v1/customers/{customer}/consents")
@describes("Note a consent, or its withdrawal, for a purpose.", "write", body=ConsentCommand, answer=Customer)
async def consent(request: web.Request) -> web.Response:
    operator(request, "write")
    wanted = await command(request, ConsentCommand)
    source = _source(request)
    return await _change(request, lambda tx, which, who: cards.consent(tx, which, who, wanted, source))


@routes.post("/v1/customers/{customer}/addresses")
@describes(
    "Note an address that he gave; a claim, unless somebody vouches for it.",
    "write",
    body=AddressCommand,
    codes=("illegal_state",),
    answer=Customer,
)
async def add_address(request: web.Request) -> web.Response:
    operator(request, "write")
    wanted = await command(request, AddressCommand)
    try:
        plain = cards.canonical(wanted.scheme, wanted.external_id, request.app[CONTEXT].country)
    except FieldError as error:
        raise _unusable(error) from error
    return await _change(request, lambda tx, which, who: cards.add_address(tx, which, who, wanted, plain))


@routes.delete("/v1/customers/{customer}/addresses/{address}")
@describes("Forget an address that was only claimed.", "write", codes=("illegal_state",), answer=Customer)
async def drop_address(request: web.Request) -> web.Response:
    operator(request, "write")
    address_id = number(request, "address")
    return await _change(request, lambda tx, which, who: cards.drop_address(tx, which, who, address_id))


@routes.post("/v1/customers/{customer}/links")
@describes(
    "Two people belong together and are not one.",
    "write",
    body=LinkCommand,
    codes=("illegal_state",),
    answer=Customer,
)
async def link(request: web.Request) -> web.Response:
    operator(request, "write")
    wanted = await command(request, LinkCommand)
    return await _change(request, lambda tx, which, who: cards.link(tx, which, who, wanted))


@routes.delete("/v1/links/{link}")
@describes("They do not; the answer is what was.", "write", answer=LinkedPerson)
async def unlink(request: web.Request) -> web.Response:
    me = operator(request, "write")
    link_id = number(request, "link")
    return answer(await request.app[CONTEXT].database.write(lambda tx: cards.unlink(tx, me, link_id)))


@routes.put("/v1/records/{kind}/{number}")
@describes(
    "What another system says of an order, a payment, a contract. The same again changes nothing, and an"
    " older version never replaces a newer one.",
    "write",
    body=RecordCommand,
    codes=("illegal_state",),
    answer=Record,
)
async def put_record(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, RecordCommand)
    context = request.app[CONTEXT]
    kind, name = request.match_info["kind"], request.match_info["number"].strip()
    if not cards.KIND.fullmatch(kind):
        raise refused(
            409, "illegal_state", f"{kind[:64]!r} is not a kind of record", "write order, payment, …"
        )
    if not 0 < len(name) <= NUMBER_MAX or "\x00" in name:
        raise refused(409, "illegal_state", f"a record's number has 1 to {NUMBER_MAX} characters")
    try:
        fact = cards.record_fact(kind, name, wanted, context.country)
    except FieldError as error:
        raise _unusable(error) from error

    def write(tx: Transaction) -> Record:
        return records.one(tx, cards.put_record(tx, fact, me.id))

    return answer(await context.database.write(write))
