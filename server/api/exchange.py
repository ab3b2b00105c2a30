"""People brought in from another system, and one person taken out."""

from __future__ import annotations

from aiohttp import web

from server.api.context import CONTEXT, answer, command, number, operator
from server.api.customers import whole_customer
from server.api.describe import describes
from server.people.exporting import whole_person
from server.people.importing import BadLinesError, DryRunOverError, take_in
from server.protocol import ImportCommand, ImportDone, PersonExport
from server.store.transaction import Snapshot

routes = web.RouteTableDef()


@routes.post("/v1/people/import")
@describes(
    "Take in people and what was said with them, every line or none. The same again changes nothing, and it"
    " wakes nobody. With `problems` in the answer nothing was done.",
    "administer",
    body=ImportCommand,
    answer=ImportDone,
)
async def take(request: web.Request) -> web.Response:
    me = operator(request, "administer")
    wanted = await command(request, ImportCommand)
    context = request.app[CONTEXT]
    rules = context.rules
    try:
        done = await context.database.write(lambda tx: take_in(tx, wanted, rules, me))
    except DryRunOverError as dry:
        done = dry.done
    except BadLinesError as bad:
        done = ImportDone(problems=bad.problems)
    return answer(done)


@routes.get("/v1/customers/{customer}/export")
@describes(
    "Everything that is known of one person, and everything that was said.",
    "administer",
    answer=PersonExport,
)
async def export(request: web.Request) -> web.Response:
    me = operator(request, "administer")
    context = request.app[CONTEXT]
    customer_id = number(request, "customer")

    def read(tx: Snapshot) -> PersonExport:
        customer = whole_customer(tx, context, customer_id, me)
        person = whole_person(tx, customer, context.site_name, me.id)
        for message in person.messages:
            context.marks.message(message)
        for conversation in person.conversations:
            context.marks.conversation(conversation)
        for file in person.files:
            file.mark = context.marks.of(file.mark)
        return person

    return answer(await context.database.read(read))
