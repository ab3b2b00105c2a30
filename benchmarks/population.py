"""A help desk of two years, through the product's own intake and casework: the data set of `large`.

A tenth as many conversations as messages, a twentieth as many people. Some people write again and again
(the most faithful one has a few hundred conversations), customers and operators take turns, one message in
twenty is a note, and most conversations end closed.
"""

from __future__ import annotations

import heapq
import itertools
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from benchmarks.vocabulary import LEMMA_SHARE, Vocabulary
from channels.base import InboundEvent, Sender
from channels.webhook import WebhookChannel
from server.cases import casework, notes, replying
from server.cases.replying import Outgoing
from server.cases.ways import ChannelOffer
from server.intake import Policy, take_in
from server.people.authors import ChannelFacts
from server.protocol import CloseCommand, NoteCommand, OperatorInfo, ReplyCommand
from server.store import conversations, events, journal, messages, offline, operators, outbox, search, spoken
from server.store.database import open_writer, run_batch
from server.store.journal import Raw
from server.store.transaction import Transaction

CHANNEL = ChannelFacts(id="hook", scheme="webhook", account="hook")
OFFER = ChannelOffer(
    id="hook",
    title="Webhook",
    mark="h",
    scheme="webhook",
    account="hook",
    capabilities=WebhookChannel.spec.capabilities,
)
OUTGOING = Outgoing(offers={"hook": OFFER}, name_message=lambda channel, conversation, message: None)

ENDS_AT = 1_790_000_000_000  # UTC ms
SPAN = 2 * 365 * 86_400_000
PAUSE = 20 * 60_000  # between two messages of a conversation, on average
NEVER_CLOSED = 0.05  # of the second half of the conversations
GROUP = 2_000  # messages a commit
INDEX_GROUP = 20_000


class Size(msgspec.Struct, frozen=True):
    name: str
    messages: int
    conversations: int
    people: int


class Facts(msgspec.Struct, kw_only=True):
    """What the data set holds, for those who ask it: counted, not looked up in it."""

    messages: int
    conversations: int
    people: int
    lemmas: dict[str, int]  # lemma -> messages that hold one of its forms
    build_s: float = 0.0


class Turn(msgspec.Struct, frozen=True):
    """One message: when, in which of the conversations, the how manieth of how many."""

    at: int
    case: int
    number: int
    of: int


def person(number: int) -> str:
    """External id of a person of the data set."""
    return f"sender-{number}"


def build(data_dir: Path, size: Size, say: Callable[[str], None], seed: int = 7) -> Facts:
    """Fill an empty data directory that has one operator. Nobody is acknowledged here: no fsync."""
    began = time.perf_counter()
    connection = open_writer(data_dir / offline.DATABASE)
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("PRAGMA cache_size = -400000")
    try:
        facts = _Writer(connection, size, random.Random(seed)).write(say)
        while run_batch(connection, [lambda tx: search.index_some(tx, INDEX_GROUP)], ENDS_AT)[0].result:
            pass
        say(f"  {size.name}: indexed after {time.perf_counter() - began:.0f} s")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
    facts.build_s = round(time.perf_counter() - began, 1)
    return facts


def _turns(size: Size, chance: random.Random) -> Iterator[Turn]:
    """Every message of every conversation, in the order of time."""
    lengths = [1] * size.conversations
    weights = list(itertools.accumulate(chance.expovariate(1) for _ in lengths))
    for case in chance.choices(
        range(size.conversations), cum_weights=weights, k=size.messages - size.conversations
    ):
        lengths[case] += 1
    starts = [ENDS_AT - SPAN + SPAN * case // size.conversations for case in range(size.conversations)]
    going: list[tuple[int, int, int]] = []  # (at, case, number)
    for case, start in enumerate(starts):
        while going and going[0][0] <= start:
            yield _next(going, lengths, chance)
        heapq.heappush(going, (start, case, 0))
    while going:
        yield _next(going, lengths, chance)


def _next(going: list[tuple[int, int, int]], lengths: list[int], chance: random.Random) -> Turn:
    at, case, number = heapq.heappop(going)
    if number + 1 < lengths[case]:
        heapq.heappush(going, (at + int(chance.expovariate(1 / PAUSE)) + 1, case, number + 1))
    return Turn(at, case, number, lengths[case])


class _Case(msgspec.Struct):
    person: int
    conversation_id: int = 0
    address_id: int = 0
    seq: int = 0


class _Writer:
    def __init__(self, connection: sqlite3.Connection, size: Size, chance: random.Random) -> None:
        self._connection = connection
        self._size = size
        self._chance = chance
        self._vocabulary = Vocabulary(chance)
        self._cases: dict[int, _Case] = {}  # those that are going on
        self._busy: set[int] = set()  # people with a conversation that is not closed
        self._facts = Facts(
            messages=size.messages,
            conversations=size.conversations,
            people=size.people,
            lemmas=dict.fromkeys(self._vocabulary.lemmas, 0),
        )

    def write(self, say: Callable[[str], None]) -> Facts:
        began = time.perf_counter()
        team = self._team()
        written = 0
        turns = _turns(self._size, self._chance)
        while group := list(itertools.islice(turns, GROUP)):
            self._connection.execute("BEGIN IMMEDIATE")
            for turn in group:
                self._write_one(Transaction(self._connection, turn.at), turn, self._chance.choice(team))
            self._connection.execute("COMMIT")
            written += len(group)
            if written % 100_000 == 0:
                rate = written / (time.perf_counter() - began)
                say(f"  {self._size.name}: {written} messages, {rate:.0f}/s")
        return self._facts

    def _team(self) -> list[OperatorInfo]:
        def hire(tx: Transaction) -> list[OperatorInfo]:
            for number in range(7):
                operators.add(tx, f"o{number}", f"Operator {number}", "operator", None)
            return operators.everybody(tx)

        team: list[OperatorInfo] = run_batch(self._connection, [hire], ENDS_AT - SPAN)[0].result
        return team

    def _write_one(self, tx: Transaction, turn: Turn, operator: OperatorInfo) -> None:
        case = self._cases.get(turn.case)
        if case is None:
            case = self._cases[turn.case] = _Case(self._who(turn.case))
            self._busy.add(case.person)
        kind = self._chance.random()
        if turn.number == 0 or kind < 0.55:
            self._customer_writes(tx, turn, case)
        elif kind < 0.95:
            self._operator_writes(tx, turn, case, operator)
        else:
            note = NoteCommand(client_id=_key(turn), text=self._text())
            notes.note(tx, case.conversation_id, operator, note)
        if turn.number + 1 == turn.of:
            self._end(tx, turn, case, operator)

    def _who(self, case: int) -> int:
        """Everybody comes once; after that the faithful come more often."""
        if case < self._size.people:
            return case
        while True:
            number = int(self._size.people * self._chance.random() ** 3)
            if number not in self._busy:
                return number

    def _customer_writes(self, tx: Transaction, turn: Turn, case: _Case) -> None:
        text = self._text()
        name = person(case.person)
        event = InboundEvent(
            kind="message",
            dedupe_key=_key(turn),
            sender=Sender(external_id=name, name=f"Sender {case.person}"),
            thread=name,
            text=text,
            subject=" ".join(self._vocabulary.text(5)) if turn.number == 0 and turn.case % 5 == 0 else None,
            occurred_at=turn.at,
            remote_message_id=_key(turn),
        )
        raw = Raw(dedupe_key=_key(turn), size=len(text), data=text.encode(), sha256=None, meta={})
        outcome = take_in(tx, CHANNEL, event, (), Policy(reopen_ms=0))
        journal.record(tx, CHANNEL.id, raw, outcome.message_id, outcome.customer_id)
        case.conversation_id = outcome.conversation_id or 0
        if not case.address_id:
            case.address_id = (
                spoken.last_inbound(tx, case.conversation_id, outcome.customer_id or 0).address_id or 0
            )

    def _operator_writes(self, tx: Transaction, turn: Turn, case: _Case, operator: OperatorInfo) -> None:
        reply = ReplyCommand(
            client_id=_key(turn),
            text=self._text(),
            channel_id=OFFER.id,
            address_id=case.address_id,
            after_seq=events.newest(tx),
        )
        message_id = replying.reply(tx, case.conversation_id, operator, reply, OUTGOING)
        outbox.set_state(tx, message_id, "sent", "", tx.now)
        seq = tx.emit(
            "message.status",
            conversation_id=case.conversation_id,
            message_id=message_id,
            data={"status": "sent"},
        )
        messages.set_sent(tx, message_id, seq, f"out-{message_id}")
        conversations.touch(tx, case.conversation_id, seq)

    def _end(self, tx: Transaction, turn: Turn, case: _Case, operator: OperatorInfo) -> None:
        del self._cases[turn.case]
        if turn.case >= self._size.people and self._chance.random() < NEVER_CLOSED:
            return
        casework.close(tx, case.conversation_id, operator, CloseCommand(topic="order", result="answered"))
        self._busy.discard(case.person)

    def _text(self) -> str:
        words = self._vocabulary.text(self._chance.randint(8, 42))
        if self._chance.random() < LEMMA_SHARE:
            lemma = self._chance.choice(self._vocabulary.lemmas)
            words[self._chance.randrange(len(words))] = self._vocabulary.form_of(lemma)
            self._facts.lemmas[lemma] += 1
        return " ".join(words)


def _key(turn: Turn) -> str:
    return f"{turn.case}-{turn.number}"
