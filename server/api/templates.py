"""Texts kept ready."""

from __future__ import annotations

import msgspec
from aiohttp import web

from server.api.context import CONTEXT, answer, command, number, operator, refused
from server.api.describe import Query, describes
from server.cases import templating
from server.people.card_settings import hidden
from server.protocol import FilledTemplate, NamedTemplate, Template, TemplateCommand, TemplatesCommand
from server.protocol.templates import Code
from server.store import templates
from server.store.card import Showing

routes = web.RouteTableDef()


@routes.get("/v1/templates")
@describes("Texts kept ready, with all their wordings.", answer=list[Template])
async def everything(request: web.Request) -> web.Response:
    operator(request, "read")
    return answer(await request.app[CONTEXT].database.read(templates.everything))


@routes.get("/v1/conversations/{conversation}/templates")
@describes(
    "The same for one conversation: the wording that fits the person's language and the channel, filled in.",
    query=(
        Query("channel", str, "The channel on which it is to be sent."),
        Query("code", str, "Only those whose code begins so."),
    ),
    answer=list[FilledTemplate],
)
async def filled_in(request: web.Request) -> web.Response:
    me = operator(request, "read")
    context = request.app[CONTEXT]
    conversation_id = number(request, "conversation")
    showing = Showing(country=context.country, hidden=hidden(me.role, context.fields))
    found = await context.database.read(
        lambda tx: templating.filled_in(
            tx,
            conversation_id,
            me,
            context.outgoing,
            showing,
            context.site,
            channel_id=request.query.get("channel", ""),
            code=request.query.get("code", ""),
        )
    )
    return answer(found)


@routes.put("/v1/templates/{template}")
@describes(
    "The template of this code is this from now on.",
    "curate",
    body=TemplateCommand,
    codes=("illegal_state",),
    answer=Template,
)
async def put(request: web.Request) -> web.Response:
    me = operator(request, "curate")
    wanted = await command(request, TemplateCommand)
    code = _code(request)
    named = NamedTemplate(code=code, title=wanted.title, variants=wanted.variants, asks=wanted.asks)
    context = request.app[CONTEXT]
    [made] = await context.database.write(lambda tx: templating.put(tx, [named], me, context.outgoing))
    return answer(made)


@routes.put("/v1/templates")
@describes(
    "Many at once, all or none; those that are not named stay.",
    "curate",
    body=TemplatesCommand,
    codes=("illegal_state",),
    answer=list[Template],
)
async def put_many(request: web.Request) -> web.Response:
    me = operator(request, "curate")
    wanted = await command(request, TemplatesCommand)
    context = request.app[CONTEXT]
    return answer(
        await context.database.write(lambda tx: templating.put(tx, wanted.templates, me, context.outgoing))
    )


@routes.delete("/v1/templates/{template}")
@describes("Take a template away; texts that were made of it stay as they are.", "curate", answer=Template)
async def remove(request: web.Request) -> web.Response:
    me = operator(request, "curate")
    code = request.match_info["template"]
    return answer(await request.app[CONTEXT].database.write(lambda tx: templating.remove(tx, code, me)))


def _code(request: web.Request) -> str:
    """Raises ApiError."""
    code = request.match_info["template"]
    try:
        return msgspec.convert(code, Code)
    except msgspec.ValidationError as error:
        raise refused(
            400,
            "bad_request",
            f"{code[:40]!r} is no short code",
            "letters, digits, '.', '_', '-'; 32 at most",
        ) from error
