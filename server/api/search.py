"""Search over every message."""

from __future__ import annotations

import structlog
from aiohttp import web

from server.api.context import CONTEXT, answer, key, limit, operator, shown_key
from server.api.describe import Query, describes, number, page_key
from server.api.describe import limit as limit_of
from server.api.queries import here, known_to, not_meant, query_of
from server.operators import limited_to
from server.people.cards import person
from server.protocol import SearchHit, SearchPage
from server.protocol.filtering import look_up
from server.protocol.query import QUERY_MAX, QueryError
from server.store import conversations, finding, messages
from server.store.errors import StoreUnavailableError
from server.store.transaction import Snapshot

log = structlog.get_logger(__name__)

routes = web.RouteTableDef()


@routes.get("/v1/search")
@describes(
    "Messages with these words, by these people, of this time: docs/search.md; the newest first.",
    "look",
    query=(
        Query("q", str, f"Words and qualifiers; the first {QUERY_MAX} characters count. Days are UTC."),
        number("customer", "Only what was said to this person or by him."),
        page_key("before", 1, 2),
        limit_of(50, 200),
    ),
    codes=("not_found", "bad_request"),
    answer=SearchPage,
)
async def search(request: web.Request) -> web.Response:
    me = operator(request, "look")
    context = request.app[CONTEXT]
    whose = key(request, "customer", 1)
    before = key(request, "before", 1, 2)
    most = limit(request, 50, 200)
    query = query_of(request.query.get("q", ""))
    now, channels = here(context), await context.channels()

    def read(tx: Snapshot) -> SearchPage:
        tests = look_up(query, known_to(tx, me, channels), now)
        found = finding.found(
            tx,
            tests,
            finding.Asker(me.id, context.country, limited_to(me)),
            None if whose is None else person(tx, whose[0]),
            before,
            most,
        )
        said = messages.many(tx, found.ids)
        rows = conversations.many(tx, sorted({row.conversation_id for row in said.values()}), me.id)
        return SearchPage(
            hits=[
                SearchHit(
                    message=context.marks.message(said[message_id]),
                    conversation=rows[said[message_id].conversation_id],
                )
                for message_id in found.ids
            ],
            next=shown_key(found.next),
            reached=found.reached,
        )

    try:
        await context.indexer.catch_up()
    except StoreUnavailableError:
        # What is in the index can be found all the same; consoles are told of the trouble.
        log.warning("search answers from an index that is behind")
    try:
        page = await context.database.read(read)
    except QueryError as error:
        raise not_meant(error) from error
    for conversation in {hit.conversation.id: hit.conversation for hit in page.hits}.values():
        context.marks.conversation(conversation)
    return answer(page)
