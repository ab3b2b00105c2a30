"""What a lead sees, and the moves of work that nobody has begun. Inside `fn(tx)` only."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from channels.base import Medium
from server import lifecycle
from server.cases.casework import save_assignee
from server.operators import authorise
from server.protocol import (
    HeldFigure,
    Move,
    Moved,
    OperatorInfo,
    OperatorLoad,
    Overview,
    Proposal,
    ProposedMove,
    QueueFigure,
    Skipped,
)
from server.queue import assigning, rebalancing
from server.queue.assigning import Desks
from server.queue.rebalancing import Holder, Untouched
from server.routing import Queued, Round
from server.store import cases, conversations, events, operators, presence, queue, transfers
from server.store import overview as store
from server.store.conversations import NotFoundError
from server.store.queue import Waiting
from server.store.transaction import Snapshot, Transaction

DAY_MS = 86_400_000
MEDIA: tuple[Medium, ...] = ("chat", "messenger", "email", "call")


def look(tx: Snapshot, desks: Desks, titles: Mapping[str, str], online: Callable[[int], bool]) -> Overview:
    """`titles`: of the channels."""
    people = [
        desks.introduce(tx, info)
        for info in operators.everybody(tx)
        if not info.disabled and authorise(info, "write")
    ]
    for info in people:
        info.online = online(info.id)
    held = _held(tx, people)
    pressing = store.pressing(tx)
    queues = _queues(tx, desks, titles, held)
    return Overview(
        at=tx.now,
        seq=events.newest(tx),
        queue=sum(one.unassigned for one in queues),
        queues=queues,
        loads=_loads(tx, desks, people, held),
        late=pressing.late,
        at_risk=pressing.at_risk,
        broken=pressing.broken,
        promised=pressing.promised,
        forgotten=cases.count_forgotten(tx),
        day=transfers.figures(tx, tx.now - DAY_MS),
        week=transfers.figures(tx, tx.now - 7 * DAY_MS),
    )


Held = dict[int, Counter[str]]  # by operator and channel


def _held(tx: Snapshot, people: Iterable[OperatorInfo]) -> Held:
    found: Held = {info.id: Counter() for info in people}
    for operator_id, channel_id, count in queue.held(tx, found):
        found[operator_id][channel_id] += count
    return found


def _queues(tx: Snapshot, desks: Desks, titles: Mapping[str, str], held: Held) -> list[QueueFigure]:
    """Every channel, the ones without a team last; and of handed work what there is."""
    waits = {(one.channel_id, one.team): one.n for one in store.lengths(tx)}
    in_hand: Counter[str] = sum(held.values(), Counter())
    keys = dict.fromkeys([*((channel_id, "") for channel_id in titles), *waits])
    found = []
    for channel_id, handed in keys:
        served = desks.teams.served.get(channel_id)
        team = handed or (served.team if served is not None else "")
        unassigned = waits.get((channel_id, handed), 0)
        found.append(
            QueueFigure(
                channel_id=channel_id,
                title=titles.get(channel_id, channel_id),
                team=team,
                team_title=desks.teams.titles.get(team, team),
                handed=bool(handed),
                unassigned=unassigned,
                open=unassigned + (0 if handed else in_hand[channel_id]),
                oldest_at=store.oldest(tx, channel_id, handed) if unassigned else None,
            )
        )
    order = list(desks.teams.titles)
    found.sort(key=lambda one: (order.index(one.team) if one.team in order else len(order), one.handed))
    return found


def _loads(tx: Snapshot, desks: Desks, people: list[OperatorInfo], held: Held) -> list[OperatorLoad]:
    hands = store.hands(tx, held)
    spoken = set(desks.media.values())  # of the channels there are
    loads = []
    for info in people:
        member, hand = desks.teams.members.get(info.login), hands[info.id]
        by_medium: Counter[Medium] = Counter()
        for channel_id, count in held[info.id].items():
            by_medium[desks.medium(channel_id)] += count
        room = {medium: 0 if member is None else member.capacity.of(medium) for medium in MEDIA}
        loads.append(
            OperatorLoad(
                operator=info,
                teams=sorted(member.teams) if member is not None else [],
                media=[
                    HeldFigure(medium=medium, held=by_medium[medium], room=room[medium])
                    for medium in MEDIA
                    if (room[medium] and medium in spoken) or by_medium[medium]
                ],
                held=by_medium.total(),
                waiting=hand.waiting,
                oldest_at=hand.oldest_at,
                at_risk=hand.at_risk,
                late=hand.late,
            )
        )
    loads.sort(key=_place)
    return loads


def _place(load: OperatorLoad) -> tuple[int, str, int]:
    """Steady: who is there stands above who is not, by name; nobody jumps because somebody wrote."""
    states = ("available", "pause", "away", "offline", None)
    return states.index(load.operator.presence), load.operator.name.casefold(), load.operator.id


# --- moves ----------------------------------------------------------------------------------------


def propose(tx: Snapshot, desks: Desks, operator_id: int | None, *, to_queue: bool, me: int) -> Proposal:
    """Who should have which untouched work: `operator_id`'s alone, or everybody's until it is even.
    `to_queue`: it goes back to the queue, whoever gets it then."""
    known = presence.everybody(tx)
    receivers = assigning.takers(tx, desks, known)
    whose = [operator_id] if operator_id is not None else _members(tx, desks)
    work = store.untouched(tx, whose)
    moves: list[tuple[int, int | None, str]]
    if to_queue:
        moves = [(one.id, None, "") for one in work[: rebalancing.MOST]]
    else:
        served = [
            Untouched(one.holder_id, _queued(tx, desks, one))
            for one in work
            if assigning.served_by(desks, one.channel_id, one.team) is not None
        ]
        choices = rebalancing.propose(
            receivers, _holders(tx, desks, whose, known), served, tx.now, only=operator_id
        )
        moves = [(one.conversation_id, one.operator_id, assigning.words(one.why)) for one in choices]
    rows = conversations.many(tx, [key for key, _to, _why in moves], me)
    names = {info.id: info.name for info in operators.everybody(tx)}
    return Proposal(
        moves=[
            ProposedMove(conversation=rows[key], to_id=to, to=names.get(to or 0, ""), why=why)
            for key, to, why in moves
        ],
        untouched=len(work),
    )


def move(
    tx: Transaction, operator: OperatorInfo, desks: Desks, moves: Iterable[Move], *, back: bool
) -> Moved:
    """Do what still fits; the rest is skipped, with why. `back`: taking back asks for no room."""
    room = Round(assigning.takers(tx, desks, presence.everybody(tx)), tx.now)
    done = Moved(moved=[])
    for one in moves:
        why = _hindrance(tx, desks, one, room, back=back)
        if why:
            done.skipped.append(Skipped(conversation_id=one.conversation_id, why=why))
            continue
        held = conversations.held(tx, one.conversation_id)
        to, life = one.to_id, held.life
        life = lifecycle.release(life) if to is None else lifecycle.assign(life, to)
        # Out of a team's queue into nobody's hands is a change, too.
        team = held.team if life == held.life else ""
        save_assignee(tx, held, life, operator, "moved back" if back else "moved", team=team)
        if back:
            transfers.undone(tx, held.id, operator.id, to)
        if to is None:
            # The rules do not give it to him again.
            queue.note_given(tx, held.id, None if back else one.from_id, None)
        queue.note_why(tx, held.id, f"moved by {operator.name}")
        done.moved.append(one)
    return done


def _hindrance(tx: Transaction, desks: Desks, one: Move, room: Round, *, back: bool) -> str:
    """Why a move cannot be done; "": it can."""
    try:
        held = conversations.held(tx, one.conversation_id)
    except NotFoundError:
        return "elsewhere"
    states = ("open", "waiting", "snoozed") if back else ("open",)
    if held.life.state not in states or held.life.assignee_id != one.from_id:
        return "elsewhere"
    if one.from_id is not None and not store.is_untouched(tx, held.id):
        return "begun"
    if one.to_id is None:
        return "" if back or one.from_id is not None else "elsewhere"
    receiver = operators.by_id(tx, one.to_id)
    if receiver is None or receiver.disabled or not authorise(receiver, "write"):
        return "gone"
    if back:
        return ""
    if presence.is_gone(tx, receiver.id):
        return "gone"
    if not room.take(receiver.id, desks.medium(held.channel_id), urgent=held.priority == 0):
        return "full"
    return ""


def _queued(tx: Snapshot, desks: Desks, one: store.Movable) -> Queued:
    waiting = Waiting(
        one.priority, one.sort_at, one.id, one.customer_id, one.channel_id, one.refused_by, one.team
    )
    return assigning.with_facts(tx, desks, waiting)


def _members(tx: Snapshot, desks: Desks) -> list[int]:
    return [info.id for info in operators.everybody(tx) if info.login in desks.teams.members]


def _holders(
    tx: Snapshot, desks: Desks, whose: list[int], known: Mapping[int, presence.Known]
) -> list[Holder]:
    held: Counter[int] = Counter()
    for operator_id, _channel, count in queue.held(tx, whose):
        held[operator_id] += count
    found = []
    for operator_id in whose:
        info = operators.by_id(tx, operator_id)
        member = desks.teams.members.get(info.login) if info is not None else None
        state = known[operator_id].state if operator_id in known else None
        found.append(
            Holder(
                id=operator_id,
                held=held[operator_id],
                room=member.capacity.total if member is not None else 0,
                there=state == "available",
            )
        )
    return found
