"""What a lead sees of everybody's work, and untouched work moved between colleagues."""

from __future__ import annotations

from typing import Literal

from aiohttp import web

from server.api.context import CONTEXT, Context, answer, command, key, limit, operator, refused
from server.api.describe import Query, describes
from server.api.describe import limit as limit_of
from server.api.describe import number as number_of
from server.protocol import Conversation, Moved, MovesCommand, Overview, OverviewList, Proposal
from server.queue import overview
from server.store import overview as store
from server.store.transaction import Snapshot

routes = web.RouteTableDef()


@routes.get("/v1/overview")
@describes(
    "For leads: queues by team and channel, who has how much in hand, what is late, and hand-overs.",
    "curate",
    answer=Overview,
)
async def look(request: web.Request) -> web.Response:
    operator(request, "curate")
    context = request.app[CONTEXT]
    titles = {info.id: info.title for info in await context.channels()}
    found: Overview = await context.database.read(
        lambda tx: overview.look(tx, context.desks, titles, context.hub.is_online)
    )
    for one in found.queues:
        one.mark = context.marks.of(one.channel_id)
    return answer(found)


@routes.get("/v1/overview/conversations")
@describes(
    "The conversations behind one of its figures: what an operator has, a queue, or what presses.",
    "curate",
    query=(
        number_of("operator", "What this operator has."),
        Query("channel", str, "The queue of this channel."),
        Query("team", str, "With `channel`: what of it was handed to this team."),
        limit_of(50, 200),
    ),
    answer=OverviewList,
)
async def behind(request: web.Request) -> web.Response:
    me = operator(request, "curate")
    context = request.app[CONTEXT]
    most = limit(request, 50, 200)
    who, channel = key(request, "operator", 1), request.query.get("channel")
    team = request.query.get("team", "")

    def read(tx: Snapshot) -> list[Conversation]:
        if who is not None:
            return store.list_held(tx, who[0], me.id, most + 1)
        if channel is not None:
            return store.list_queue(tx, channel, team, me.id, most + 1)
        return store.list_pressing(tx, me.id, most + 1)

    rows = await context.database.read(read)
    items = [context.marks.conversation(row) for row in rows[:most]]
    return answer(OverviewList(items=items, more=len(rows) > most))


@routes.get("/v1/overview/moves")
@describes(
    "What could be moved of what nobody has begun; nothing is done yet. Without `operator`: everybody's, to"
    " colleagues until the load is even.",
    "curate",
    query=(
        number_of("operator", "Only this operator's work."),
        Query("to", Literal["colleagues", "queue"], "Where it goes; colleagues if not given."),
    ),
    answer=Proposal,
)
async def propose(request: web.Request) -> web.Response:
    me = operator(request, "curate")
    context = request.app[CONTEXT]
    who, to = key(request, "operator", 1), request.query.get("to", "colleagues")
    if to not in ("colleagues", "queue"):
        raise refused(400, "bad_request", "`to` is neither colleagues nor queue")
    whose = None if who is None else who[0]
    found: Proposal = await context.database.read(
        lambda tx: overview.propose(tx, context.desks, whose, to_queue=to == "queue", me=me.id)
    )
    for one in found.moves:
        context.marks.conversation(one.conversation)
    return answer(found)


@routes.post("/v1/overview/moves")
@describes(
    "Move untouched work. What does not fit any more is skipped, with why; nobody gets more than he has room"
    " for.",
    "curate",
    body=MovesCommand,
    codes=("illegal_state",),
    answer=Moved,
)
async def move(request: web.Request) -> web.Response:
    me = operator(request, "curate")
    wanted = await command(request, MovesCommand)
    context = request.app[CONTEXT]
    done: Moved = await context.database.write(
        lambda tx: overview.move(tx, me, context.desks, wanted.moves, back=wanted.back)
    )
    return answer(done)


async def _titles(context: Context) -> dict[str, str]:
    return {info.id: info.title for info in await context.channels()}
