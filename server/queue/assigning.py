"""Waiting work goes to who has room for it, and back from who is gone; every time with its reason.

Inside `fn(tx)` only; what is decided, `routing` decides.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from operator import attrgetter

import msgspec

from channels.base import Medium
from server import lifecycle
from server.operators import authorise
from server.protocol import OperatorInfo
from server.queue.team_settings import Served, Teams
from server.routing import URGENT, Choice, Operator, Queued, Reason, Round
from server.store import conversations, customer_tags, fields, operators, presence, queue
from server.store.queue import Waiting
from server.store.transaction import Snapshot, Transaction

NOBODY = Served(team="", by_rules=False, patience_ms=0)
AT_ONCE = 50  # assignments of one transaction, so that nobody's commit waits long


class Desks(msgspec.Struct, frozen=True, kw_only=True):
    """Who serves what, and how people talk on each channel."""

    teams: Teams = Teams()
    media: Mapping[str, Medium] = {}  # by channel; of others nothing is known: "messenger"
    decline_ms: int = 60_000  # so long may be declined what was handed over

    def medium(self, channel_id: str) -> Medium:
        return self.media.get(channel_id, "messenger")

    def team_of(self, conversation: conversations.Held) -> str:
        """Whose work it is; "" where no team serves its channel."""
        served = self.teams.served.get(conversation.channel_id)
        return conversation.team or ("" if served is None else served.team)

    def introduce(self, tx: Snapshot, info: OperatorInfo) -> OperatorInfo:
        """The operator with his presence and his room, as colleagues see him."""
        member = self.teams.members.get(info.login)
        info.presence = presence.state_of(tx, info.id)
        info.room = member.capacity.total if member is not None else 0
        return info


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
    choices: list[Choice]
    returns: list[tuple[int, int]]  # (conversation, operator who is gone)
    again_at: int | None = None  # when something else is to be done though nothing happens

    def __bool__(self) -> bool:
        return bool(self.choices or self.returns)


def look(tx: Snapshot, desks: Desks) -> Distribution:
    """What is to be done now. With something to give back, that alone: it is distributed afterwards."""
    known = presence.everybody(tx)
    gone = [one.operator_id for one in known.values() if one.state in presence.GONE]
    returns = presence.untouched_of_gone(tx, gone)[:AT_ONCE] if gone else []
    if returns:
        return Distribution(choices=[], returns=returns)
    offered = Round(takers(tx, desks, known), tx.now)
    choices: list[Choice] = []
    for item in _waiting(tx, desks, offered):
        choice = offered.offer(with_facts(tx, desks, item))
        if choice is not None:
            choices.append(choice)
            if len(choices) == AT_ONCE:
                break
    return Distribution(choices=choices, returns=[], again_at=offered.again_at)


def distribute(tx: Transaction, desks: Desks) -> Distribution:
    """Do what `look` finds. It looks again: what it found before may be over."""
    found = look(tx, desks)
    known = presence.everybody(tx) if found.returns else {}
    for conversation_id, operator_id in found.returns:
        lost = known[operator_id].back_to is not None
        _move(tx, conversation_id, None, "operator lost" if lost else "operator gone", [])
    for choice in found.choices:
        kinds = [reason.kind for reason in choice.why]
        given = queue.given(tx, choice.conversation_id)
        seq = _move(tx, choice.conversation_id, choice.operator_id, words(choice.why), kinds)
        if given.transfer_id is not None and desks.decline_ms:
            # It was handed to his team: he is the first of them who sees it.
            until = tx.now + desks.decline_ms
            queue.note_given(tx, choice.conversation_id, given.given_from, until, given.transfer_id)
        presence.took_turn(tx, choice.operator_id, seq)
    return found


def words(why: tuple[Reason, ...]) -> str:
    """As consoles know them; "; " between them."""
    said = {
        "skill": "skill {}",
        "language": "language {}",
        "last": "spoke with the customer last",
        "fair": "least in hand",
    }
    return "; ".join(said[reason.kind].format(reason.what) for reason in why)


def _move(
    tx: Transaction, conversation_id: int, operator_id: int | None, why: str, kinds: Sequence[str]
) -> int:
    conversation = conversations.held(tx, conversation_id)
    before = conversation.life
    life = lifecycle.release(before) if operator_id is None else lifecycle.claim(before, operator_id, None)
    seq = tx.emit(
        "conversation.assigned",
        conversation_id=conversation.id,
        customer_id=conversation.customer_id,
        data={
            "from": before.assignee_id,
            "to": operator_id,
            "why": "rules" if kinds else why,
        }
        | ({"by": kinds} if kinds else {}),
    )
    conversations.save_life(tx, conversation.id, life, seq)
    queue.note_why(tx, conversation.id, why)
    return seq


def takers(tx: Snapshot, desks: Desks, known: Mapping[int, presence.Known]) -> list[Operator]:
    """Members who take new work, with what waits for them."""
    ready = {
        info.id: desks.teams.members[info.login]
        for info in operators.everybody(tx)
        if info.login in desks.teams.members
        and info.id in known
        and known[info.id].state == "available"
        and authorise(info, "write")
    }
    held: dict[int, Counter[Medium]] = {operator_id: Counter() for operator_id in ready}
    for operator_id, channel_id, count in queue.held(tx, ready):
        held[operator_id][desks.medium(channel_id)] += count
    return [
        Operator(
            id=operator_id,
            teams=member.teams,
            skills=member.skills,
            languages=member.languages,
            capacity=member.capacity,
            held=dict(held[operator_id]),
            turn=known[operator_id].turn,
        )
        for operator_id, member in ready.items()
    ]


def _waiting(tx: Snapshot, desks: Desks, offered: Round) -> Iterator[Waiting]:
    """What somebody has room for, of all channels, in the order in which it is served."""
    rows = [
        _of_channel(tx, desks, offered, channel_id, served.team)
        for channel_id, served in desks.teams.served.items()
        if served.by_rules
    ]
    rows += [
        _of_channel(tx, desks, offered, channel_id, team, handed=True)
        for channel_id, team in queue.handed(tx)
        if team in desks.teams.handed and desks.teams.handed[team].by_rules
    ]
    return heapq.merge(*rows, key=attrgetter("priority", "sort_at", "id"))


def _of_channel(
    tx: Snapshot, desks: Desks, offered: Round, channel_id: str, team: str, *, handed: bool = False
) -> Iterator[Waiting]:
    medium = desks.medium(channel_id)
    if not offered.may_take(team, medium, urgent=True):
        return
    for item in queue.waiting(tx, channel_id, team if handed else ""):
        if not offered.may_take(team, medium, urgent=item.priority == URGENT):
            return
        yield item


def served_by(desks: Desks, channel_id: str, team: str) -> Served | None:
    """`team`: that it was handed to."""
    return desks.teams.handed.get(team) if team else desks.teams.served.get(channel_id)


def with_facts(tx: Snapshot, desks: Desks, item: Waiting) -> Queued:
    served = served_by(desks, item.channel_id, item.team) or NOBODY
    tags = {*queue.tags(tx, item.id), *customer_tags.of(tx, item.customer_id)}
    language = fields.one(tx, item.customer_id, "language")
    return Queued(
        id=item.id,
        team=served.team,
        medium=desks.medium(item.channel_id),
        priority=item.priority,
        since=item.sort_at,
        skills=desks.teams.skills & tags,
        language=(language.value or "").partition("-")[0].lower() if language is not None else "",
        last_operator=queue.spoke_last(tx, item.customer_id),
        refused_by=item.refused_by,
        patience_ms=served.patience_ms,
    )
