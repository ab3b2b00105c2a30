"""A call centre in virtual time: customers, operators and a clock that jumps, through the server's own
transactions on a database in memory."""

from __future__ import annotations

import contextlib
import random
import sqlite3
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from channels.base import Capabilities, InboundEvent, Medium, Sender
from server.cases import casework, notes, replying, undoing
from server.cases.refused import RefusedError
from server.cases.replying import Outgoing
from server.cases.topics import Topics
from server.cases.urgent import UrgentWords
from server.cases.ways import ChannelOffer
from server.intake import Policy, take_in
from server.lifecycle import IllegalMoveError, TakenError
from server.people.authors import ChannelFacts
from server.protocol import (
    AssignCommand,
    CloseCommand,
    DeclineCommand,
    Move,
    NoteCommand,
    OperatorInfo,
    Presence,
    ReplyCommand,
    UndoCommand,
)
from server.queue import assigning, handover, overview, presence
from server.queue.assigning import Desks
from server.queue.deadlines import DeadlineSettings, read_rules
from server.queue.team_settings import (
    Member,
    MemberSettings,
    QueueSettings,
    RoomSettings,
    Teams,
    TeamSettings,
    make_teams,
)
from server.store import conversations, operators, spoken
from server.store.migrations import migrate
from server.store.transaction import Transaction
from tests.fakes.one_thread import OneThread

MEDIA: dict[str, Medium] = {
    "site": "chat",
    "bot": "messenger",
    "mail": "email",
    "phone": "call",
    "odd": "chat",
}
MINUTE_MS = 60_000
QUEUE_MAX = 30
RECENT = 100  # customers who still write again
DECLINE_MS = 60_000
WORDS = {"refunds": ["refund"], "tax": ["tax"]}


def teams() -> Teams:
    """Two teams that share people; the channel "odd" is taken by hand."""
    many = {f"op{number}": MemberSettings() for number in range(4, 8)}
    support = TeamSettings(
        channels=["site", "bot", "phone"],
        members={
            "op1": MemberSettings(skills=["refunds"], languages=["en"]),
            "op2": MemberSettings(languages=["ru"], capacity=RoomSettings(chat=1, total=4)),
            "op3": MemberSettings(skills=["tax", "refunds"]),
            **many,
        },
        capacity=RoomSettings(urgent_extra=1),
        wait_for_skill_seconds=120,
    )
    office = TeamSettings(
        channels=["mail"],
        members={"op3": MemberSettings(), "op8": MemberSettings(), "op1": MemberSettings()},
        capacity=RoomSettings(urgent_extra=1, email=3),
    )
    by_hand = TeamSettings(channels=["odd"], members={"op8": MemberSettings()}, assignment="claim")
    return make_teams({"support": support, "office": office, "by-hand": by_hand})


class QueueWorld(OneThread):
    def __init__(self, folder: Path, seed: int) -> None:
        migrate(folder / "queue.sqlite3", "0")
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        with sqlite3.connect(folder / "queue.sqlite3") as template:
            template.backup(self.connection)
        template.close()
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.chance = random.Random(seed)
        self.now = 1_790_000_000_000
        self.desks = Desks(teams=teams(), media=MEDIA, decline_ms=DECLINE_MS)
        offers = {
            channel: ChannelOffer(
                id=channel,
                title=channel,
                mark="x",
                scheme=channel,
                account=channel,
                capabilities=Capabilities(medium=medium),
            )
            for channel, medium in MEDIA.items()
        }
        self.outgoing = Outgoing(offers=offers, name_message=lambda channel, conversation, message: None)
        self.policy = Policy(
            urgent=UrgentWords(["help"]).found, topics=Topics(QueueSettings(topics=WORDS).topics).found
        )
        due = DeadlineSettings(first_reply="10m", next_reply="20m", resolution="1h")
        self.rules = read_rules([due], {}, dict.fromkeys(MEDIA, ""), {})
        self.people = [
            self.write(lambda tx, n=number: operators.add(tx, f"op{n}", f"Op {n}", "operator", None))  # type: ignore[misc]
            for number in range(1, 9)
        ]
        self.said = 0
        self.customers = 0
        self.spoke: list[tuple[str, str, str]] = []  # channel, sender, language
        self.deeds: list[tuple[int, OperatorInfo, int]] = []  # conversation, whose, number
        self.undone = 0
        self._read = 0

    # --- what happens ---------------------------------------------------------------------------------

    def step(self) -> str:
        """One event at random; its name. The clock goes on by up to half a minute, and jumps at times."""
        self.now += self.chance.randrange(30_000)
        kinds: list[tuple[Callable[[], None], int]] = [
            (self.new_customer, 22),
            (self.customer_writes_again, 14),
            (self.reply, 26),
            (self.close, 8),
            (self.claim, 3),
            (self.release, 2),
            (self.hand_over, 4),
            (self.hand_to_team, 2),
            (self.rebalance, 2),
            (self.decline, 3),
            (self.snooze, 3),
            (self.wake, 2),
            (self.reopen, 2),
            (self.undo, 6),
            (self.note, 2),
            (self.time_wakes, 2),
            (self.login, 5),
            (self.crash, 3),
            (self.say_how_he_is, 3),
            (self.clock_jumps, 1),
        ]
        [(act, _)] = self.chance.choices(kinds, [weight for _, weight in kinds])
        try:
            act()
        except (TakenError, IllegalMoveError, RefusedError):
            return act.__name__ + " (refused)"
        return act.__name__

    def _hear(self, channel: str, sender: str, language: str, text: str) -> None:
        self.said += 1
        event = InboundEvent(
            kind="message",
            dedupe_key=f"said-{self.said}",
            sender=Sender(external_id=sender, name=sender, locale=language or None),
            thread=sender,
            text=text,
        )
        facts = ChannelFacts(id=channel, scheme=channel, account=channel)
        self.write(lambda tx: take_in(tx, facts, event, [], self.policy))

    def new_customer(self) -> None:
        if len(self._queue()) >= QUEUE_MAX:
            self.reply()  # a centre that is never caught up with would only be slow to look at
            return
        self.customers += 1
        channel = self.chance.choices(list(MEDIA), [8, 6, 6, 2, 1])[0]
        language = self.chance.choice(["", "", "ru", "en"])
        words = self.chance.choices(["hello", "a refund", "tax", "help"], [12, 3, 2, 1])[0]
        person = (channel, f"c{self.customers}", language)
        self.spoke.append(person)
        self._hear(*person, words)

    def customer_writes_again(self) -> None:
        if self.spoke:
            self._hear(*self.chance.choice(self.spoke[-RECENT:]), "one more thing")

    def _held_by_somebody(self, *states: str) -> tuple[int, OperatorInfo] | None:
        wanted = ", ".join(f"'{state}'" for state in states)
        found = self.rows(
            f"SELECT id, assignee_id FROM conversation WHERE assignee_id IS NOT NULL AND state IN ({wanted})"  # noqa: S608
        )
        if not found:
            return None
        row = self.chance.choice(found)
        return row["id"], next(one for one in self.people if one.id == row["assignee_id"])

    def reply(self) -> None:
        found = self._held_by_somebody("open")
        if found is not None:
            self.answer(*found)

    def answer(self, conversation_id: int, operator: OperatorInfo) -> None:
        def write(tx: Transaction) -> None:
            [customer] = tx.all("SELECT customer_id FROM conversation WHERE id = ?", (conversation_id,))
            way = replying.ways_to(tx, customer["customer_id"], conversation_id, self.outgoing.offers)[
                0
            ].shown
            command = ReplyCommand(
                client_id=f"r{self.said}-{tx.now}-{conversation_id}",
                text="an answer",
                channel_id=way.channel_id,
                address_id=way.address_id,
                after_seq=spoken.newest_seq(tx, conversation_id),
            )
            replying.reply(tx, conversation_id, operator, command, self.outgoing)

        self.write(write)

    def close(self) -> None:
        found = self._held_by_somebody("waiting", "open")
        if found is not None:
            command = CloseCommand(topic="a", result="b")
            self._do(*found, lambda tx: casework.close(tx, *found, command))

    def claim(self) -> None:
        """By hand, whoever it is and whatever he has: that is always possible."""
        queued = self.rows("SELECT id FROM conversation WHERE state = 'open' AND assignee_id IS NULL")
        if queued:
            key, who = self.chance.choice(queued)["id"], self.chance.choice(self.people)
            self._do(key, who, lambda tx: casework.claim(tx, key, who, None))

    def release(self) -> None:
        found = self._held_by_somebody("open", "waiting")
        if found is not None:
            self._do(*found, lambda tx: casework.release(tx, *found))

    def hand_over(self) -> None:
        found = self._held_by_somebody("open", "waiting")
        if found is None:
            return
        key, who = found
        [before] = self.rows("SELECT waiting_since, sort_at FROM conversation WHERE id = ?", key)
        command = AssignCommand(operator_id=self.chance.choice(self.people).id, note="look at it")
        self._do(key, who, lambda tx: handover.assign(tx, key, who, command, self.desks))
        [after] = self.rows("SELECT waiting_since, sort_at FROM conversation WHERE id = ?", key)
        assert tuple(before) == tuple(after), "a hand-over keeps the clock"

    def hand_to_team(self) -> None:
        found = self._held_by_somebody("open", "waiting")
        if found is not None:
            team = self.chance.choice(sorted(self.desks.teams.handed))
            command = AssignCommand(team=team, note="yours")
            with contextlib.suppress(RefusedError):  # it is this team's already
                self._do(*found, lambda tx: handover.assign(tx, *found, command, self.desks))

    def rebalance(self) -> None:
        """What is proposed is done, and nobody is moved more than he can hold."""
        proposal = self.write(lambda tx: overview.propose(tx, self.desks, None, to_queue=False, me=0))
        moves = [
            Move(conversation_id=one.conversation.id, from_id=one.conversation.assignee_id, to_id=one.to_id)
            for one in proposal.moves
        ]
        done = self.write(lambda tx: overview.move(tx, self.people[0], self.desks, moves, back=False))
        assert not done.skipped, done
        members, held = self._members(), self.held()
        for one in done.moved:
            assert one.to_id is not None
            limits = members[one.to_id].capacity
            assert held[one.to_id].total() <= limits.total + limits.urgent_extra

    def decline(self) -> None:
        given = self.rows(
            "SELECT id, assignee_id FROM conversation WHERE decline_until >= ? AND assignee_id IS NOT NULL",
            self.now,
        )
        if given:
            row = self.chance.choice(given)
            who = next(one for one in self.people if one.id == row["assignee_id"])
            self.write(
                lambda tx: handover.decline(tx, row["id"], who, DeclineCommand(reason="not mine"), self.desks)
            )

    def snooze(self) -> None:
        found = self._held_by_somebody("open", "waiting")
        if found is not None:
            until = self.now + self.chance.randrange(1, 20) * MINUTE_MS
            self._do(*found, lambda tx: casework.snooze(tx, *found, until))

    def wake(self) -> None:
        found = self._held_by_somebody("snoozed")
        if found is not None:
            self._do(*found, lambda tx: casework.wake(tx, *found))

    def reopen(self) -> None:
        closed = self.rows("SELECT id FROM conversation WHERE state = 'closed' ORDER BY seq DESC LIMIT 20")
        if closed:
            key, who = self.chance.choice(closed)["id"], self.chance.choice(self.people)
            self._do(key, who, lambda tx: casework.reopen(tx, key, who))

    def undo(self) -> None:
        """One of the latest deeds, by whoever did it; at times one that was moved since."""
        if self.deeds:
            key, who, seq = self.deeds.pop(-min(len(self.deeds), self.chance.choice([1, 1, 1, 2, 5, 20])))
            self.write(lambda tx: undoing.undo(tx, key, who, UndoCommand(seq=seq)))
            self.undone += 1

    def _do(self, key: int, who: OperatorInfo, change: Callable[[Transaction], None]) -> None:
        """A deed that can be taken back."""

        def whole(tx: Transaction) -> int:
            with undoing.noted(tx, key, who):
                change(tx)
            return conversations.one(tx, key).seq

        self.deeds.append((key, who, self.write(whole)))

    def time_wakes(self) -> None:
        self.write(casework.wake_due)

    def note(self) -> None:
        found = self._held_by_somebody("open")
        if found is not None:
            command = NoteCommand(client_id=f"n{self.said}-{self.now}", text="a note")
            self.write(lambda tx: notes.note(tx, *found, command))

    def login(self) -> None:
        who = self.chance.choice(self.people)
        self.write(lambda tx: presence.console_came(tx, who.id))

    def crash(self) -> None:
        """A console is lost, and the time of grace is over."""
        who = self.chance.choice(self.people)
        self.write(lambda tx: presence.console_lost(tx, who.id))

    def say_how_he_is(self) -> None:
        who = self.chance.choice(self.people)
        states: list[Presence] = ["available", "available", "pause", "away", "offline"]
        state = self.chance.choice(states)
        self.write(lambda tx: presence.choose(tx, who.id, state))

    def clock_jumps(self) -> None:
        self.now += self.chance.choice([-60, -5, 5, 60]) * MINUTE_MS

    # --- the dispatcher ---------------------------------------------------------------------------------

    def drain(self) -> list[assigning.Distribution]:
        """As the dispatcher does, until nothing is left to do."""
        done: list[assigning.Distribution] = []
        for _ in range(200):
            found = self.write(lambda tx: assigning.distribute(tx, self.desks))
            if not found:
                return done
            done.append(found)
        raise AssertionError("the dispatcher goes round in circles")

    def _members(self) -> dict[int, Member]:
        """Those who take new work."""
        return {
            row["id"]: self.desks.teams.members[row["login"]]
            for row in self.rows(
                "SELECT o.id, o.login FROM operator o JOIN presence p ON p.operator_id = o.id"
                " WHERE p.state = 'available'"
            )
        }

    def held(self) -> dict[int, Counter[Medium]]:
        """What waits for each, urgent or not; a conversation that waits for the customer is not among it."""
        found: dict[int, Counter[Medium]] = {one.id: Counter() for one in self.people}
        for row in self.rows(
            "SELECT assignee_id, channel_id FROM conversation"
            " WHERE assignee_id IS NOT NULL AND state NOT IN ('waiting', 'snoozed', 'closed')"
        ):
            found[row["assignee_id"]][MEDIA[row["channel_id"]]] += 1
        return found

    def _queue(self) -> list[sqlite3.Row]:
        return self.rows(
            "SELECT c.id, c.channel_id, c.priority, c.sort_at, c.acted, c.acted_by, c.team, c.given_from,"
            " (SELECT value FROM field f WHERE f.customer_id = c.customer_id AND f.name = 'language')"
            " AS language"
            " FROM conversation c WHERE c.state = 'open' AND c.assignee_id IS NULL"
        )
