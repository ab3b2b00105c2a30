"""Who gets which conversation, and why. Pure.

The oldest waiting conversation within a priority comes first. Among those who have room for it the one who
can do most of what it needs gets it (skills, the customer's language), then who spoke with the customer last,
then whoever has least in hand for his room, then whose turn was longest ago. Nobody gets more than he can
hold. What needs a skill that somebody present has, but no room for, waits for him a little while and then
goes to whoever is free; what nobody present can do, goes to whoever is free at once: nobody waits for ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Literal

import msgspec

from channels.base import Medium

URGENT = 0  # the first of the priorities

Kind = Literal["skill", "language", "last", "fair"]


class Capacity(msgspec.Struct, frozen=True, kw_only=True):
    """How many conversations that wait for us one operator holds at once, by medium and in all."""

    chat: int = 3
    messenger: int = 5
    email: int = 7
    call: int = 1  # with a call nobody chats, and who chats gets no call
    total: int = 7
    urgent_extra: int = 0

    def of(self, medium: Medium) -> int:
        return {"chat": self.chat, "messenger": self.messenger, "email": self.email, "call": self.call}[
            medium
        ]

    def least(self, other: Capacity) -> Capacity:
        return Capacity(
            **{name: min(getattr(self, name), getattr(other, name)) for name in self.__struct_fields__}
        )


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who takes new work. `held`: what waits for him, by medium. `turn`: rises with each assignment
    by rules, of all operators."""

    id: int
    teams: frozenset[str]
    skills: frozenset[str] = frozenset()
    languages: frozenset[str] = frozenset()  # none: whatever the customer speaks
    capacity: Capacity = Capacity()
    held: dict[Medium, int] = {}
    turn: int = 0


class Queued(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation that nobody has. `patience_ms`: so long it waits for who can do what it needs."""

    id: int
    team: str
    medium: Medium
    priority: int  # 0: urgent
    since: int  # UTC ms
    skills: frozenset[str] = frozenset()
    language: str = ""
    last_operator: int | None = None
    refused_by: int | None = None  # he gave it back
    patience_ms: int = 0


class Reason(msgspec.Struct, frozen=True):
    kind: Kind
    what: str = ""  # the skill or the language


class Choice(msgspec.Struct, frozen=True):
    conversation_id: int
    operator_id: int
    why: tuple[Reason, ...]


class Round:
    """One distribution of waiting work, offered in order. What it gives counts at once."""

    def __init__(self, operators: Iterable[Operator], now: int) -> None:
        self._operators = {operator.id: operator for operator in operators}
        self._held = {operator.id: Counter(operator.held) for operator in self._operators.values()}
        self._turn = {operator.id: operator.turn for operator in self._operators.values()}
        self._now = now
        self._kept_for_calls: set[int] = set()  # they get no chat, so that a call that waits gets its turn
        self.again_at: int | None = None  # when somebody has waited long enough for a skill

    def may_take(self, team: str, medium: Medium, *, urgent: bool) -> bool:
        """Whether anything of this kind need be offered at all."""
        return any(
            self._room(operator, medium, urgent) or (medium == "call" and self._only_chats_hinder(operator))
            for operator in self._operators.values()
            if team in operator.teams
        )

    def gave(self, operator_id: int, medium: Medium) -> None:
        """He has one of these less: it went to somebody else."""
        if operator_id in self._held:
            self._held[operator_id][medium] -= 1

    def take(self, operator_id: int, medium: Medium, *, urgent: bool) -> bool:
        """Give this one more, if he takes new work and has room for it."""
        operator = self._operators.get(operator_id)
        if operator is None or not self._room(operator, medium, urgent):
            return False
        self._held[operator_id][medium] += 1
        return True

    def offer(self, item: Queued, *, but: int | None = None, below: float | None = None) -> Choice | None:
        """Who gets it; None: nobody now. `but`: not this one. `below`: only who has, with it, at
        most so much in hand for his room (1.0: full)."""
        members = [
            operator
            for operator in self._operators.values()
            if item.team in operator.teams
            and operator.capacity.of(item.medium)
            and operator.id not in (item.refused_by, but)
        ]
        free = [
            one
            for one in members
            if self._room(one, item.medium, item.priority == URGENT)
            and (below is None or self._load(one, more=1) <= below)
        ]
        if not free:
            if item.medium == "call":
                self._keep_one_for_calls(members)
            return None
        able = max(len(self._matched(item, one)) for one in free)
        waited = self._now - item.since
        # A clock that was set back must not make anybody wait longer: then nobody is waited for.
        if 0 <= waited < item.patience_ms and able < max(len(self._matched(item, one)) for one in members):
            until = item.since + item.patience_ms
            self.again_at = until if self.again_at is None else min(until, self.again_at)
            return None
        chosen = min(free, key=lambda one: self._rank(item, one))
        self._held[chosen.id][item.medium] += 1
        self._turn[chosen.id] = max(self._turn.values()) + 1
        return Choice(item.id, chosen.id, self._why(item, chosen))

    def _room(self, operator: Operator, medium: Medium, urgent: bool) -> bool:
        held, capacity = self._held[operator.id], operator.capacity
        most = capacity.of(medium)
        if not most:
            return False
        if medium == "call":
            return not held["chat"] and held["call"] < most and held.total() < capacity.total
        if medium == "chat" and (held["call"] or operator.id in self._kept_for_calls):
            return False
        extra = capacity.urgent_extra if urgent else 0
        return held[medium] < most + extra and held.total() < capacity.total + extra

    def _load(self, operator: Operator, more: int = 0) -> float:
        return (self._held[operator.id].total() + more) / max(1, operator.capacity.total)

    def _only_chats_hinder(self, operator: Operator) -> bool:
        held, capacity = self._held[operator.id], operator.capacity
        return held["chat"] > 0 and held["call"] < capacity.call

    def _keep_one_for_calls(self, members: list[Operator]) -> None:
        """Somebody who chats finishes what he has, and takes the call then."""
        able = [one for one in members if self._only_chats_hinder(one) and one.id not in self._kept_for_calls]
        if able:
            nearest = min(able, key=lambda one: (self._held[one.id]["chat"], one.id))
            self._kept_for_calls.add(nearest.id)

    def _matched(self, item: Queued, operator: Operator) -> list[Reason]:
        found = [Reason("skill", skill) for skill in sorted(item.skills & operator.skills)]
        if item.language and (not operator.languages or item.language in operator.languages):
            found.append(Reason("language", item.language))
        return found

    def _rank(self, item: Queued, operator: Operator) -> tuple[int, bool, float, int, int]:
        return (
            -len(self._matched(item, operator)),
            operator.id != item.last_operator,
            self._load(operator),
            self._turn[operator.id],
            operator.id,
        )

    def _why(self, item: Queued, operator: Operator) -> tuple[Reason, ...]:
        why = self._matched(item, operator)
        if not operator.languages:
            why = [reason for reason in why if reason.kind != "language"]  # said by nobody of him
        if operator.id == item.last_operator:
            why.append(Reason("last"))
        return (*why, Reason("fair")) if not why else tuple(why)
