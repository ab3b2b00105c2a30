"""Notes to which I was called."""

from __future__ import annotations

from aiohttp import web

from server.api.context import CONTEXT, answer, key, limit, number, operator, shown_key
from server.api.describe import describes, page_key
from server.api.describe import limit as limit_of
from server.operators import limited_to
from server.protocol import Mention, MentionPage
from server.store import mentions
from server.store.transaction import Snapshot

routes = web.RouteTableDef()


@routes.get("/v1/mentions")
@describes(
    "Notes in which somebody named me and that I have not seen, newest first.",
    "look",
    query=(page_key("after", 1), limit_of(50, 200)),
    answer=MentionPage,
)
async def unseen(request: web.Request) -> web.Response:
    me = operator(request, "look")
    context = request.app[CONTEXT]
    after = key(request, "after", 1)
    most = limit(request, 50, 200)

    def read(tx: Snapshot) -> MentionPage:
        items, following = mentions.unseen(tx, me.id, after[0] if after else None, most, limited_to(me))
        for item in items:
            context.marks.message(item.note)
        return MentionPage(
            items=items,
            next=shown_key(None if following is None else (following,)),
            open=mentions.count(tx, me.id, limited_to(me)),
        )

    return answer(await context.database.read(read))


@routes.post("/v1/mentions/{mention}/seen")
@describes("I have read the note. Again: it stays as it is.", "look", answer=Mention)
async def seen(request: web.Request) -> web.Response:
    # Like unread marks: whoever may read may keep his own.
    me = operator(request, "look")
    context = request.app[CONTEXT]
    mention_id = number(request, "mention")
    found = await context.database.write(lambda tx: mentions.see(tx, mention_id, me.id, limited_to(me)))
    context.marks.message(found.note)
    return answer(found)
