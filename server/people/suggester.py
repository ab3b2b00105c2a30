"""Looks, a moment after each commit, for cards that may be one person, and asks operators about them.

Cards of which something new is known are noted by the database itself, in the transaction that learns it;
what customers write is read from a durable place of the event log. So what was not looked at when the server
stopped is looked at after the next start, and looking twice changes nothing. Everything is read on a reader's
thread, so that nobody's message waits for it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Iterable

import msgspec

from server.follower import Follower
from server.identity import are_rivals
from server.people.authors import CALLED, DOUBTED
from server.people.naming import full_mark, is_full, likeness
from server.people.suggesting import (
    ASKED_FROM,
    NAMESAKES_MAX,
    Fact,
    ForeignOrder,
    Judged,
    SharedAddress,
    SharedName,
    judge,
    numbers_in,
)
from server.store import customers, events, likenesses, merges, search, state, suggestions
from server.store.database import Database
from server.store.transaction import Event, Snapshot, Transaction

PLACE = "suggested"  # a setting: the newest event whose words were looked at
PAGE = 500
CARDS_AT_ONCE = 50
PLACE_EVERY = 2_000  # events after which the place is noted although nothing was found
SAID_BEFORE = 20  # messages that named a number before its record came

TELLS = ("message.", "customer.", "record.", "contact.")
SAID = frozenset({"message.received", "message.imported"})


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """What a page of the log asks to read."""

    up_to: int
    messages: tuple[int, ...] = ()
    records: tuple[int, ...] = ()


class Found(msgspec.Struct, frozen=True):
    one: int
    other: int
    judged: Judged


class Suggester(Follower):
    name = "suggester"
    gather_s = 1.0

    def __init__(self, database: Database, key: bytes) -> None:
        super().__init__()
        self._database = database
        self._key = hmac.new(key, b"names", hashlib.sha256).digest()
        self._place: int | None = None  # how far it has looked
        self._noted = 0  # how far it is written down

    def matters(self, event: Event) -> bool:
        return event.kind.startswith(TELLS)

    async def work(self) -> None:
        while await self._compare_some():
            pass
        if self._place is None:
            self._place = self._noted = await self._database.read(_noted_place)
        while (step := await self._database.read(self._next)) is not None:
            await self._read(step)
            self._place = step.up_to

    async def _compare_some(self) -> bool:
        """Compare the next cards with all others; False where there are none."""
        notes = await self._database.read(lambda tx: likenesses.to_compare(tx, CARDS_AT_ONCE))
        if not notes:
            return False
        marks = await self._database.read(lambda tx: self._new_marks(tx, notes.values()))
        if marks:
            await self._database.write(lambda tx: _keep_marks(tx, marks))
        found = await self._database.read(lambda tx: self._alike(tx, notes.values()))
        await self._database.write(lambda tx: _note_compared(tx, notes, found))
        return True

    def _next(self, tx: Snapshot) -> Step | None:
        page = events.after(tx, self._place or 0, PAGE)
        return step_of(page, likenesses.any_records(tx)) if page else None

    async def _read(self, step: Step) -> None:
        """What customers wrote, for numbers of other people's orders."""
        found = await self._database.read(lambda tx: self._ordered(tx, step))
        if found or step.up_to - self._noted >= PLACE_EVERY:
            await self._database.write(lambda tx: _note_read(tx, step.up_to, found))
            self._noted = step.up_to

    # --- what is alike --------------------------------------------------------------------------------

    def _mark(self, name: str) -> bytes | None:
        mark = full_mark(name)
        return hmac.new(self._key, mark.encode(), hashlib.sha256).digest()[:12] if mark else None

    def _new_marks(self, tx: Snapshot, cards: Iterable[int]) -> dict[int, bytes | None]:
        """What the cards' names come to, where that is not noted yet."""
        marks = {}
        for card in _today(tx, cards):
            mark = self._mark(customers.name_of(tx, card))
            if mark != likenesses.mark_of(tx, card):
                marks[card] = mark
        return marks

    def _alike(self, tx: Snapshot, cards: Iterable[int]) -> list[Found]:
        found = []
        for card in _today(tx, cards):
            for other, facts in self._facts(tx, card).items():
                one = _judged(tx, card, other, facts)
                if one is not None:
                    found.append(one)
        return found

    def _facts(self, tx: Snapshot, card: int) -> dict[int, list[Fact]]:
        """By other card: what it has in common with this one."""
        facts: dict[int, list[Fact]] = defaultdict(list)
        same = likenesses.same_addresses(tx, card)
        holders: dict[int, set[int]] = defaultdict(set)
        for one in same:
            holders[one.mine].add(one.card)
        for one in same:
            facts[one.card].append(
                SharedAddress(
                    scheme="phone" if one.scheme == "phone" else "email",
                    mine=one.mine,
                    theirs=one.theirs,
                    proven=one.proven,
                    called=CALLED in one.evidence,
                    doubted=DOUBTED in one.evidence,
                    holders=len(holders[one.mine]) + 1,
                )
            )
        mark = likenesses.mark_of(tx, card)
        if mark is not None:
            alike = likenesses.namesakes(tx, mark, NAMESAKES_MAX + 1)
            for other in alike:
                if other != card:
                    facts[other].append(SharedName(card, len(alike)))
        return facts

    def _ordered(self, tx: Snapshot, step: Step) -> list[Found]:
        """Who wrote the number of somebody else's order."""
        messages = list(step.messages)
        for record in step.records:
            number = likenesses.number_of(tx, record)
            if number is not None:
                messages += search.search(tx, f'"{number}"', SAID_BEFORE)
        facts: dict[tuple[int, int], list[Fact]] = defaultdict(list)
        for said in likenesses.said(tx, dict.fromkeys(messages)):
            numbers = numbers_in(said.text)
            for known in likenesses.records_numbered(tx, numbers) if numbers else ():
                if known.owner != said.writer:
                    facts[said.writer, known.owner].append(ForeignOrder(known.record, said.message))
        found = []
        for (writer, owner), ordered in facts.items():
            one = _judged(tx, writer, owner, [*ordered, *self._facts(tx, writer).get(owner, ())])
            if one is not None:
                found.append(one)
        return found


def step_of(page: list[Event], with_records: bool) -> Step:
    """Pure. `with_records`: whether the company told us of any order at all."""
    messages: dict[int, None] = {}
    records: dict[int, None] = {}
    for event in page:
        if event.kind in SAID and event.message_id is not None and with_records:
            messages[event.message_id] = None
        elif event.kind == "record.changed" and isinstance(record := event.data.get("record"), int):
            records[record] = None
    return Step(up_to=page[-1].seq, messages=tuple(messages), records=tuple(records))


def _today(tx: Snapshot, cards: Iterable[int]) -> list[int]:
    return [root for root in dict.fromkeys(merges.root_of(tx, card) for card in cards) if root]


def _judged(tx: Snapshot, one: int, other: int, facts: list[Fact]) -> Found | None:
    accounts = customers.accounts(tx, one), customers.accounts(tx, other)
    names = customers.name_of(tx, one), customers.name_of(tx, other)
    # What somebody calls himself in a chat contradicts nothing.
    said = likeness(*names) if all(map(is_full, names)) else "unsaid"
    judged = judge(facts, said, are_rivals(*accounts))
    if judged.score < ASKED_FROM or likenesses.is_spam(tx, one) or likenesses.is_spam(tx, other):
        return None
    return Found(one, other, judged)


def _keep_marks(tx: Transaction, marks: dict[int, bytes | None]) -> None:
    for card, mark in marks.items():
        likenesses.set_mark(tx, card, mark)


def _suggest(tx: Transaction, found: Iterable[Found]) -> None:
    for one in found:
        suggestions.suggest(tx, one.one, one.other, one.judged)


def _note_compared(tx: Transaction, notes: dict[int, int], found: Iterable[Found]) -> None:
    _suggest(tx, found)
    for card in _today(tx, notes.values()):
        suggestions.settle_united(tx, card)
    likenesses.compared(tx, notes)


def _noted_place(tx: Snapshot) -> int:
    return int(state.setting(tx, PLACE) or 0)


def _note_read(tx: Transaction, seq: int, found: Iterable[Found]) -> None:
    _suggest(tx, found)
    state.put_setting(tx, PLACE, str(seq).encode())
