"""Filters of lists, kept under a name."""

from __future__ import annotations

from aiohttp import web

from server.api.context import CONTEXT, answer, command, number, operator, refused
from server.api.describe import describes
from server.api.queries import not_meant, query_of
from server.protocol import SavedView, SavedViewCommand
from server.protocol.filtering import refuse_elsewhere
from server.protocol.query import QueryError
from server.store import saved_views
from server.store.conversations import NotFoundError
from server.store.transaction import Snapshot, Transaction

routes = web.RouteTableDef()


@routes.get("/v1/views")
@describes("My saved views, then those of everybody.", answer=list[SavedView])
async def everything(request: web.Request) -> web.Response:
    me = operator(request, "read")
    found = await request.app[CONTEXT].database.read(lambda tx: saved_views.of_operator(tx, me.id))
    return answer(found)


@routes.get("/v1/views/{view}")
@describes("One of them.", answer=SavedView)
async def one(request: web.Request) -> web.Response:
    me, view_id = operator(request, "read"), number(request, "view")
    return answer(await request.app[CONTEXT].database.read(lambda tx: _visible(tx, view_id, me.id)))


@routes.post("/v1/views")
@describes(
    "Save a view: mine of this name, or everybody's, is this from now on. To share one takes a lead.",
    body=SavedViewCommand,
    codes=("illegal_state",),
    answer=SavedView,
)
async def put(request: web.Request) -> web.Response:
    # What is one's own changes nothing for anybody else: whoever may read may keep it.
    me = operator(request, "read")
    wanted = await command(request, SavedViewCommand)
    if wanted.shared:
        operator(request, "curate")
    try:
        refuse_elsewhere(query_of(wanted.filter))
    except QueryError as error:
        raise not_meant(error) from error

    def save(tx: Transaction) -> SavedView:
        made = saved_views.put(tx, me.id, wanted)
        if saved_views.count(tx, me.id, shared=wanted.shared) > saved_views.OWN_MAX:
            raise refused(
                409, "illegal_state", f"there are {saved_views.OWN_MAX} saved views already", "remove one"
            )
        return made

    return answer(await request.app[CONTEXT].database.write(save))


@routes.delete("/v1/views/{view}")
@describes("Remove a saved view; one that is shared takes a lead.", answer=SavedView)
async def remove(request: web.Request) -> web.Response:
    me, view_id = operator(request, "read"), number(request, "view")
    database = request.app[CONTEXT].database
    if (await database.read(lambda tx: _visible(tx, view_id, me.id))).shared:
        operator(request, "curate")

    def drop(tx: Transaction) -> SavedView:
        view = _visible(tx, view_id, me.id)
        saved_views.remove(tx, me.id, view)
        return view

    return answer(await database.write(drop))


def _visible(tx: Snapshot, view_id: int, me: int) -> SavedView:
    """Raises NotFoundError, also for what is another one's own."""
    view = saved_views.one(tx, view_id)
    if view is None or not (view.shared or view.by_id == me):
        raise NotFoundError("view", view_id)
    return view
