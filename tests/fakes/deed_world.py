"""A few conversations of which operators, customers and the dispatcher do what they can, through the server's
own transactions on a database in memory. Every deed is noted as the API does; what everybody is shown of the
conversations, and what is counted of them, is read off the tables."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec

from channels.base import Capabilities, InboundEvent, Sender
from server.cases import casework, leaving, notes, replying, undoing
from server.cases.refused import RefusedError
from server.cases.replying import Outgoing
from server.cases.urgent import UrgentWords
from server.cases.ways import ChannelOffer
from server.intake import Policy, take_in
from server.lifecycle import IllegalMoveError, TakenError
from server.people.authors import ChannelFacts
from server.protocol import (
    AssignCommand,
    ClaimCommand,
    CloseCommand,
    DeclineCommand,
    NoteCommand,
    OperatorInfo,
    ReplyCommand,
    Role,
    UndoCommand,
)
from server.queue import assigning, handover, presence
from server.queue.assigning import Desks
from server.queue.deadlines import DeadlineSettings, read_rules
from server.queue.team_settings import MemberSettings, TeamSettings, make_teams
from server.queue.timekeeper import settle, step_of
from server.store import conversations, deadlines, events, operators, spoken, transfers
from server.store.conversations import NotFoundError
from server.store.transaction import Transaction
from tests.fakes.one_thread import OneThread

Act = Callable[[Transaction, int, OperatorInfo], object]

CHANNEL = "site"
CUSTOMERS = 2
REFUSALS = (TakenError, IllegalMoveError, RefusedError, NotFoundError)
# What a deed changes and an undo puts back; of the rest of a row words stay that were said meanwhile.
LIFE = (
    *("state", "assignee_id", "waiting_since", "sort_at", "snooze_until", "closed_at", "topic", "result"),
    *("closed_why", "team", "transfers", "reopened", "assigned_seq", "assigned_why", "given_from"),
    *("decline_until", "given_transfer", "spell_from"),
)
_SAID = ("seq", "last_at", "preview", "preview_kind", "preview_files")

Row = dict[str, Any]


class DeedWorld(OneThread):
    """`template`: a database of this version, with nothing in it."""

    def __init__(self, template: sqlite3.Connection) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        template.backup(self.connection)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA foreign_keys = ON")
        self.now = 1_790_000_000_000
        support = TeamSettings(
            channels=[CHANNEL], members={"olga": MemberSettings(), "ivan": MemberSettings()}
        )
        office = TeamSettings(channels=[], members={"rita": MemberSettings(), "ivan": MemberSettings()})
        teams = make_teams({"support": support, "office": office})
        self.desks = Desks(teams=teams, media={CHANNEL: "chat"}, decline_ms=120_000)
        capabilities = Capabilities(medium="chat")
        offer = ChannelOffer(
            id=CHANNEL, title="", mark="x", scheme=CHANNEL, account="", capabilities=capabilities
        )
        self.outgoing = Outgoing(
            offers={CHANNEL: offer}, name_message=lambda channel, conversation, message: None
        )
        self.policy = Policy(urgent=UrgentWords(["help"]).found, is_online=lambda key: key % 2 == 1)
        due = DeadlineSettings(first_reply="10m", next_reply="20m", resolution="1h")
        self.rules = read_rules([due], {}, {CHANNEL: ""}, {})
        roles: dict[str, Role] = {"olga": "operator", "ivan": "operator", "rita": "lead"}
        self.people = [
            self.write(lambda tx, login=login, role=role: operators.add(tx, login, login, role, None))  # type: ignore[misc]
            for login, role in roles.items()
        ]
        for one in self.people:
            self.write(lambda tx, one=one: presence.choose(tx, one.id, "available"))  # type: ignore[misc]
        self.said = 0
        self._read = 0
        for number in range(CUSTOMERS):
            self.hears(number)
        self.ids = [row["id"] for row in self.rows("SELECT id FROM conversation ORDER BY id")]

    # --- deeds, and how they are taken back -----------------------------------------------------------

    def do(self, name: str, conversation_id: int, who: OperatorInfo) -> int:
        """The deed's number, as its answer names it. Raises one of REFUSALS."""

        def whole(tx: Transaction) -> int:
            with undoing.noted(tx, conversation_id, who):
                self._act(name)(tx, conversation_id, who)
            return conversations.one(tx, conversation_id).seq

        return self.write(whole)

    def undo(self, conversation_id: int, who: OperatorInfo, seq: int) -> None:
        """Raises one of REFUSALS."""
        self.write(lambda tx: undoing.undo(tx, conversation_id, who, UndoCommand(seq=seq)))

    def _act(self, name: str) -> Act:
        ivan, rita = self.people[1:]
        acts: dict[str, Act] = {
            "claim": self._claim,
            "release": casework.release,
            "hand to ivan": lambda tx, key, who: self._hand(
                tx, key, who, AssignCommand(operator_id=ivan.id, note="look")
            ),
            "hand to rita": lambda tx, key, who: self._hand(
                tx, key, who, AssignCommand(operator_id=rita.id, note="look")
            ),
            "hand to the office": lambda tx, key, who: self._hand(
                tx, key, who, AssignCommand(team="office", note="yours")
            ),
            "close": lambda tx, key, who: leaving.close(tx, key, who, CloseCommand(topic="a", result="b")),
            "reopen": casework.reopen,
            "snooze": lambda tx, key, who: casework.snooze(tx, key, who, tx.now + 1_800_000),
            "wake": casework.wake,
        }
        return acts[name]

    def _claim(self, tx: Transaction, key: int, who: OperatorInfo) -> None:
        expect = conversations.held(tx, key).life.assignee_id
        handover.take(tx, key, who, ClaimCommand(expect=expect), self.desks)

    def _hand(self, tx: Transaction, key: int, who: OperatorInfo, command: AssignCommand) -> None:
        handover.assign(tx, key, who, command, self.desks)

    # --- what else happens ----------------------------------------------------------------------------

    def hears(self, customer: int, text: str = "hello") -> None:
        self.said += 1
        event = InboundEvent(
            kind="message",
            dedupe_key=f"said-{self.said}",
            sender=Sender(external_id=f"c{customer}", name=f"c{customer}"),
            thread=f"c{customer}",
            text=text,
        )
        facts = ChannelFacts(id=CHANNEL, scheme=CHANNEL, account="")
        self.write(lambda tx: take_in(tx, facts, event, [], self.policy))

    def besides(self, name: str, conversation_id: int, who: OperatorInfo) -> None:
        """What cannot be taken back. Raises one of REFUSALS."""
        customer = self.ids.index(conversation_id)
        if name == "he writes":
            self.hears(customer)
        elif name == "he cries":
            self.hears(customer, "help")
        elif name == "time passes":
            self.now += 900_000
            self.write(casework.wake_due)
        elif name == "dispatch":
            self.write(lambda tx: assigning.distribute(tx, self.desks))
        elif name == "note":
            note = NoteCommand(client_id=f"n{self.now}", text="a note")
            self.write(lambda tx: notes.note(tx, conversation_id, who, note))
        elif name == "decline":
            why = DeclineCommand(reason="")
            self.write(lambda tx: handover.decline(tx, conversation_id, who, why, self.desks))
        else:
            self.write(lambda tx: self._reply(tx, conversation_id, who))

    def _reply(self, tx: Transaction, conversation_id: int, who: OperatorInfo) -> None:
        row = conversations.held(tx, conversation_id)
        way = replying.ways_to(tx, row.customer_id, conversation_id, self.outgoing.offers)[0].shown
        command = ReplyCommand(
            client_id=f"r{tx.now}",
            text="an answer",
            channel_id=way.channel_id,
            address_id=way.address_id,
            after_seq=spoken.newest_seq(tx, conversation_id),
        )
        leaving.reply(tx, conversation_id, who, command, self.outgoing)

    # --- what is shown and counted --------------------------------------------------------------------

    def life(self, conversation_id: int) -> Row:
        [row] = self.rows(f"SELECT {', '.join(LIFE)} FROM conversation WHERE id = ?", conversation_id)  # noqa: S608
        return dict(row)

    def shown(self) -> dict[str, Any]:
        """By what it is: everything that lists, counts, deadlines and figures show."""
        self._keep_time()
        queue = self.rows(
            "SELECT id FROM conversation WHERE state = 'open' AND assignee_id IS NULL"
            " ORDER BY priority, sort_at, id"
        )
        return {
            "rows": [
                {name: row[name] for name in row.keys() if name not in _SAID}  # noqa: SIM118 - a Row's values
                for row in self.rows("SELECT * FROM conversation ORDER BY id")
            ],
            "queue": [row["id"] for row in queue],
            "lengths": list(map(tuple, self.rows("SELECT * FROM queue_length WHERE n != 0 ORDER BY 1, 2"))),
            "tally": list(map(tuple, self.rows("SELECT * FROM tally ORDER BY 1"))),
            "deadlines": self.write(lambda tx: [deadlines.figures(tx, key) for key in self.ids]),
            "transfers": msgspec.structs.asdict(self.write(lambda tx: transfers.figures(tx, 0))),
            "said": [
                row["id"]
                for row in self.rows(
                    "SELECT id FROM message WHERE deleted = 0 AND kind != 'note' ORDER BY id"
                )
            ],
        }

    def newest(self) -> int:
        """The seq of the last event."""
        found: int = self.write(events.newest)
        return found

    def miscounted(self) -> list[str]:
        """Counters that are not what the tables say."""
        [tally] = self.rows("SELECT n FROM tally WHERE name = 'queue'")
        [queue] = self.rows(
            "SELECT count(*) AS n FROM conversation WHERE state = 'open' AND assignee_id IS NULL"
        )
        [lengths] = self.rows("SELECT coalesce(sum(n), 0) AS n FROM queue_length")
        wrong = self.rows(
            "SELECT c.id FROM conversation c WHERE c.transfers != (SELECT count(*) FROM transfer t"
            " WHERE t.conversation_id = c.id AND t.declined_at IS NULL)"
        )
        found = [] if tally["n"] == queue["n"] == lengths["n"] else ["the queue"]
        return found + [f"hand-overs of {row['id']}" for row in wrong]

    def _keep_time(self) -> None:
        """As the timekeeper does after each commit."""

        def take(tx: Transaction) -> None:
            page = events.after(tx, self._read, 500)
            if not page:
                return
            step = step_of(page)
            for noted in step.noted:
                deadlines.note(tx, noted)
            for key in step.touched:
                settle(tx, key, self.rules)
            self._read = step.up_to

        self.write(take)
