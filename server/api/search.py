"""Search over every message."""

from __future__ import annotations

import structlog
from aiohttp import web

from server.api.context import CONTEXT, answer, key, limit, operator, shown_key
from server.api.describe import Query, describes, number, page_key
from server.api.describe import limit as limit_of
from server.people.cards import person
from server.protocol import SearchHit, SearchPage
from server.store import conversations, messages, river
from server.store import search as index
from server.store.errors import StoreUnavailableError
from server.store.transaction import Snapshot

log = structlog.get_logger(__name__)

routes = web.RouteTableDef()

QUERY_MAX = 400


@routes.get("/v1/search")
@describes(
    "Messages with these words, the newest first.",
    query=(
        Query("q", str, f"Words; the first {QUERY_MAX} characters count."),
        number("customer", "Only what was said to this person or by him."),
        page_key("before", 1, 2),
        limit_of(50, 200),
    ),
    codes=("not_found",),
    answer=SearchPage,
)
async def search(request: web.Request) -> web.Response:
    me = operator(request, "read")
    context = request.app[CONTEXT]
    query = request.query.get("q", "")[:QUERY_MAX]
    whose = key(request, "customer", 1)
    # Everybody's matches are ordered by one number, one person's by time and number.
    before = key(request, "before", 1, 2)
    most = limit(request, 50, 200)

    def read(tx: Snapshot) -> SearchPage:
        following: tuple[int, ...] | None
        if whose is None:
            ids, newest = index.search(tx, query, None if before is None else before[0], most)
            following = None if newest is None else (newest,)
        else:
            since = None if before is None else (before[0], before[-1])
            ids, following = river.found(tx, person(tx, whose[0]), query, since, most)
        found = messages.many(tx, ids)
        rows = conversations.many(tx, sorted({row.conversation_id for row in found.values()}), me.id)
        return SearchPage(
            hits=[
                SearchHit(
                    message=context.marks.message(found[message_id]),
                    conversation=rows[found[message_id].conversation_id],
                )
                for message_id in ids
            ],
            next=shown_key(following),
        )

    try:
        await context.indexer.catch_up()
    except StoreUnavailableError:
        # What is in the index can be found all the same; consoles are told of the trouble.
        log.warning("search answers from an index that is behind")
    page = await context.database.read(read)
    for conversation in {hit.conversation.id: hit.conversation for hit in page.hits}.values():
        context.marks.conversation(conversation)
    return answer(page)
