"""Conversations: lists, one with everything, and what moves it."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar, get_args

from aiohttp import web

from server.api.context import (
    CONTEXT,
    answer,
    command,
    key,
    limit,
    number,
    operator,
    refused,
    shown_key,
)
from server.api.customers import page_of_river, shown_customer
from server.api.describe import Query, describes, page_key
from server.api.describe import limit as limit_of
from server.api.queries import here, known_to, not_meant, query_of
from server.cases import case, casework, leaving, replying, sharing, undoing
from server.operators import Action, limited_to
from server.protocol import (
    AssignCommand,
    CaseCommand,
    ClaimCommand,
    CloseCommand,
    Conversation,
    ConversationDetail,
    ConversationPage,
    Counts,
    DeclineCommand,
    Draft,
    OperatorInfo,
    SeenCommand,
    SnoozeCommand,
    UndoCommand,
    View,
)
from server.protocol.filtering import filter_of
from server.protocol.query import QueryError
from server.queue import handover
from server.store import cases, conversations, events, lists
from server.store import operators as accounts
from server.store.river import Only
from server.store.transaction import Snapshot, Transaction

routes = web.RouteTableDef()

FIRST_PAGE = 60

C = TypeVar("C")


def counts_of(tx: Snapshot, me: OperatorInfo) -> Counts:
    """Whoever holds no work and sees no queue has nothing to count."""
    return Counts() if limited_to(me) else lists.counts(tx, me.id)


@routes.get("/v1/conversations")
@describes(
    "One page of a list, or of what a filter lets through of it. A page of a filtered list may be short, or"
    " empty, and have a next one all the same.",
    "look",
    query=(
        Query("view", View, "Which list; queue if not given."),
        Query("filter", str, "Words and qualifiers: docs/search.md. Days are UTC."),
        page_key("after", 2, 3),
        limit_of(50, 200),
    ),
    answer=ConversationPage,
)
async def page(request: web.Request) -> web.Response:
    me = operator(request, "look")
    context = request.app[CONTEXT]
    asked = request.query.get("view", "queue")
    if asked not in get_args(View):
        raise refused(400, "bad_request", f"there is no view {asked[:40]!r}", f"views: {get_args(View)}")
    view: View = asked  # type: ignore[assignment]
    after = key(request, "after", 2, 3)
    if after is not None:
        # A key of another view is none of this one's; what it says of time and number is taken.
        length = lists.key_length(view)
        after = (0,) * (length - len(after)) + after[-length:]
    most = limit(request, 50, 200)
    query = query_of(request.query.get("filter", ""))
    channels = await context.channels() if query else []

    def read(tx: Snapshot) -> ConversationPage:
        if query:
            tests = filter_of(query, known_to(tx, me, channels), here(context))
            items, following = lists.filtered(tx, view, me.id, after, most, tests, limited_to(me))
        else:
            items, following = lists.page(tx, view, me.id, after, most, limited_to(me))
        return ConversationPage(
            items=[context.marks.conversation(item) for item in items],
            next=shown_key(following),
            seq=events.newest(tx),
            counts=counts_of(tx, me),
        )

    try:
        return answer(await context.database.read(read))
    except QueryError as error:
        raise not_meant(error) from error


@routes.get("/v1/forgotten")
@describes(
    "Closed without an answer to what the customer said last, in the last 30 days, and nothing else goes on"
    " with him. Should be empty at the end of a day.",
    query=(limit_of(50, 200),),
    answer=list[Conversation],
)
async def forgotten(request: web.Request) -> web.Response:
    me = operator(request, "read")
    context = request.app[CONTEXT]
    most = limit(request, 50, 200)

    def read(tx: Snapshot) -> list[Conversation]:
        ids = cases.forgotten(tx, most)
        found = conversations.many(tx, ids, me.id)
        return [context.marks.conversation(found[key]) for key in ids]

    return answer(await context.database.read(read))


@routes.get("/v1/conversations/{conversation}")
@describes(
    "One conversation, with its customer, his river's newest page, my drafts and the ways to answer.",
    "look",
    query=(limit_of(FIRST_PAGE, 200),),
    answer=ConversationDetail,
)
async def detail(request: web.Request) -> web.Response:
    me = operator(request, "look")
    context = request.app[CONTEXT]
    conversation_id = number(request, "conversation")
    most = limit(request, FIRST_PAGE, 200)

    def read(tx: Snapshot) -> ConversationDetail:
        conversation = conversations.one(tx, sharing.check(tx, conversation_id, me), me.id)
        customer = shown_customer(tx, context, conversation.customer_id, me)
        sees = limited_to(me)
        # Whoever does not write to customers need not know their addresses.
        found = [] if sees else replying.ways_to(tx, customer.id, conversation_id, context.outgoing.offers)
        ways = [way.shown for way in found]
        return ConversationDetail(
            conversation=context.marks.conversation(conversation),
            customer=customer,
            ways=ways,
            stopped=case.stopped(tx, conversation.id, ways),
            drafts=accounts.drafts(tx, me.id, conversation_id),
            history=page_of_river(tx, context, customer.id, me.id, None, most, Only(sees=sees)),
        )

    return answer(await context.database.read(read))


async def _move(
    request: web.Request,
    change: Callable[[Transaction, int, OperatorInfo], object],
    action: Action = "write",
    *,
    undoable: bool = False,
) -> web.Response:
    """Run one change and answer with the conversation as it is after it; its `seq` names the change to
    `undo`."""
    me = operator(request, action)
    context = request.app[CONTEXT]
    conversation_id = number(request, "conversation")

    def move(tx: Transaction) -> Conversation:
        found = sharing.check(tx, conversation_id, me)
        with undoing.noted(tx, found, me) if undoable else nullcontext():
            change(tx, found, me)
        return conversations.one(tx, conversation_id, me.id)

    return answer(context.marks.conversation(await context.database.write(move)))


async def _command(
    request: web.Request,
    kind: type[C],
    change: Callable[[Transaction, int, OperatorInfo, C], object],
    action: Action = "write",
    *,
    undoable: bool = False,
) -> web.Response:
    """The same with a body, which is looked at only when whoever sent it may."""
    operator(request, action)
    wanted = await command(request, kind)
    return await _move(
        request, lambda tx, which, me: change(tx, which, me, wanted), action, undoable=undoable
    )


@routes.post("/v1/conversations/{conversation}/claim")
@describes(
    "Take it, if it is still with whom I see it.",
    "write",
    body=ClaimCommand,
    codes=("taken", "illegal_state"),
    answer=Conversation,
)
async def claim(request: web.Request) -> web.Response:
    desks = request.app[CONTEXT].desks
    return await _command(
        request,
        ClaimCommand,
        lambda tx, which, me, wanted: handover.take(tx, which, me, wanted, desks),
        undoable=True,
    )


@routes.post("/v1/conversations/{conversation}/release")
@describes("Back to the queue.", "write", codes=("illegal_state",), answer=Conversation)
async def release(request: web.Request) -> web.Response:
    return await _move(request, casework.release, undoable=True)


@routes.post("/v1/conversations/{conversation}/assign")
@describes(
    "Hand it to a colleague or to another team, with a note; for a while it may be declined.",
    "write",
    body=AssignCommand,
    codes=("illegal_state",),
    answer=Conversation,
)
async def assign(request: web.Request) -> web.Response:
    desks = request.app[CONTEXT].desks
    return await _command(
        request,
        AssignCommand,
        lambda tx, which, me, wanted: handover.assign(tx, which, me, wanted, desks),
        undoable=True,
    )


@routes.post("/v1/conversations/{conversation}/decline")
@describes(
    "I do not take what was handed to me, or to my team: back to who had it, or to the queue.",
    "write",
    body=DeclineCommand,
    codes=("illegal_state",),
    answer=Conversation,
)
async def decline(request: web.Request) -> web.Response:
    desks = request.app[CONTEXT].desks
    return await _command(
        request,
        DeclineCommand,
        lambda tx, which, me, wanted: handover.decline(tx, which, me, wanted, desks),
    )


@routes.post("/v1/conversations/{conversation}/close")
@describes("Close it.", "write", body=CloseCommand, codes=("illegal_state",), answer=Conversation)
async def close(request: web.Request) -> web.Response:
    return await _command(request, CloseCommand, leaving.close, undoable=True)


@routes.post("/v1/conversations/{conversation}/reopen")
@describes("Open it again, as mine.", "write", codes=("illegal_state",), answer=Conversation)
async def reopen(request: web.Request) -> web.Response:
    return await _move(request, casework.reopen, undoable=True)


@routes.post("/v1/conversations/{conversation}/snooze")
@describes(
    "Put it away until a time, or until the customer writes.",
    "write",
    body=SnoozeCommand,
    codes=("illegal_state",),
    answer=Conversation,
)
async def snooze(request: web.Request) -> web.Response:
    return await _command(
        request,
        SnoozeCommand,
        lambda tx, which, me, wanted: casework.snooze(tx, which, me, wanted.until),
        undoable=True,
    )


@routes.post("/v1/conversations/{conversation}/wake")
@describes(
    "End a snooze before its time: it is open if the customer waits for us, else waiting. What is scheduled"
    " in it leaves all the same.",
    "write",
    codes=("illegal_state",),
    answer=Conversation,
)
async def wake(request: web.Request) -> web.Response:
    return await _move(request, casework.wake, undoable=True)


@routes.post("/v1/conversations/{conversation}/undo")
@describes(
    "Take back what I did with it within a day: claim, release, assign, close, reopen, snooze or wake. It is"
    " as it was before, if nothing moved it since.",
    "write",
    body=UndoCommand,
    codes=("taken", "illegal_state"),
    answer=Conversation,
)
async def undo(request: web.Request) -> web.Response:
    return await _command(request, UndoCommand, undoing.undo)


@routes.patch("/v1/conversations/{conversation}")
@describes(
    "Note priority, summary, what was promised until when, and tags; what is not given stays.",
    "write",
    body=CaseCommand,
    codes=("illegal_state",),
    answer=Conversation,
)
async def note_case(request: web.Request) -> web.Response:
    return await _command(request, CaseCommand, case.change)


@routes.post("/v1/conversations/{conversation}/seen")
@describes("I have read up to here.", "look", body=SeenCommand, answer=Conversation)
async def seen(request: web.Request) -> web.Response:
    # Unread marks are one's own: whoever may read may keep them.
    return await _command(
        request, SeenCommand, lambda tx, which, me, wanted: casework.seen(tx, which, me, wanted.seq), "look"
    )


@routes.put("/v1/conversations/{conversation}/draft")
@describes("Keep my draft; an empty text removes it.", "remark", body=Draft, answer=Draft)
async def save_draft(request: web.Request) -> web.Response:
    me = operator(request, "remark")
    draft = await command(request, Draft)
    draft.conversation_id = number(request, "conversation")

    def save(tx: Transaction) -> Draft:
        sharing.check(tx, draft.conversation_id, me)
        return accounts.save_draft(tx, me.id, draft)

    return answer(await request.app[CONTEXT].database.write(save))


@routes.get("/v1/drafts")
@describes("All of my drafts.", "look", answer=list[Draft])
async def drafts(request: web.Request) -> web.Response:
    me = operator(request, "look")
    return answer(await request.app[CONTEXT].database.read(lambda tx: accounts.drafts(tx, me.id)))
