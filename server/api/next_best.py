"""The next conversation: the most urgent one, claimed; and why this one."""

from __future__ import annotations

from aiohttp import web

from server.api.context import CONTEXT, Context, answer, command, number, operator
from server.api.describe import describes
from server.cases import casework
from server.lifecycle import IllegalMoveError, TakenError
from server.protocol import DeadlineFigure, NextCommand, OperatorInfo, Urgency
from server.queue.next_best import ranked, urgency
from server.store import candidates, conversations, deadlines
from server.store.conversations import NotFoundError
from server.store.transaction import Snapshot, Transaction

routes = web.RouteTableDef()

TRIED = 20  # of the most urgent ones, should colleagues be faster


@routes.post("/v1/next")
@describes(
    "The most urgent conversation of mine and of the queue; from the queue it is claimed for me.",
    "write",
    body=NextCommand,
    answer=Urgency,
)
async def take_next(request: web.Request) -> web.Response:
    me = operator(request, "write")
    wanted = await command(request, NextCommand)
    context = request.app[CONTEXT]
    remit = _remit(context, me)

    def rank(tx: Snapshot) -> list[Urgency]:
        found = candidates.candidates(tx, me.id, _windows(context), remit)
        return ranked((one for one in found if one.conversation.id not in wanted.skip), me.id, tx.now)[:TRIED]

    best = await context.database.read(rank)

    def take(tx: Transaction) -> Urgency:
        for one in best:
            if one.conversation is not None and _claimed(tx, one.conversation.id, me):
                return _shown(tx, context, me, one)
        return Urgency()

    return answer(await context.database.write(take) if best else Urgency())


@routes.get("/v1/conversations/{conversation}/why")
@describes("How urgent it is for me, and by what.", answer=Urgency)
async def why(request: web.Request) -> web.Response:
    me = operator(request, "read")
    context = request.app[CONTEXT]
    conversation_id = number(request, "conversation")

    def read(tx: Snapshot) -> Urgency:
        held = conversations.held(tx, conversation_id)
        [candidate] = candidates.of_ids(tx, [held.id], me.id, _windows(context))
        return _shown(tx, context, me, urgency(candidate, me.id, tx.now))

    return answer(await context.database.read(read))


def _claimed(tx: Transaction, conversation_id: int, me: OperatorInfo) -> bool:
    """Whether it is mine now. What was ranked a moment ago may be somebody else's, or be over."""
    try:
        held = conversations.held(tx, conversation_id)
        if held.life.state != "open":
            return False
        casework.claim(tx, held.id, me, None)
    except (TakenError, IllegalMoveError, NotFoundError):
        return False
    return True


def _shown(tx: Snapshot, context: Context, me: OperatorInfo, found: Urgency) -> Urgency:
    if found.conversation is not None:
        row = conversations.one(tx, found.conversation.id, me.id)
        found.conversation = context.marks.conversation(row)
        found.deadlines = [one for one in deadlines.figures(tx, row.id) if _runs(one)]
    return found


def _runs(figure: DeadlineFigure) -> bool:
    return figure.status in ("running", "paused")


def _windows(context: Context) -> dict[str, int]:
    return {
        channel_id: int(offer.capabilities.reply_window_s * 1000)
        for channel_id, offer in context.outgoing.offers.items()
        if offer.capabilities.reply_window_s is not None
    }


def _remit(context: Context, me: OperatorInfo) -> candidates.Remit | None:
    """The channels of his teams, those of none, and what is handed to his teams; None: all, for whoever is in
    no team."""
    teams = context.desks.teams
    member = teams.members.get(me.login)
    if member is None:
        return None
    channels = (
        channel
        for channel in (*context.outgoing.offers, "")
        if channel not in teams.served or teams.served[channel].team in member.teams
    )
    return candidates.Remit(frozenset(channels), frozenset(member.teams))
