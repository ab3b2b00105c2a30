"""Merges, splits and joins are taken back exactly, in whatever order; and whatever was said meanwhile is
afterwards his who said it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from channels.base import InboundEvent, Sender
from server import intake
from server.cases import casework, notes, regrouping
from server.cases.refused import RefusedError
from server.intake import Policy
from server.lifecycle import IllegalMoveError
from server.people import merging
from server.people.authors import ChannelFacts
from server.protocol import CloseCommand, Draft, NoteCommand, OperatorInfo, SplitCommand
from server.store import merges, operators
from server.store.migrations import migrate
from server.store.transaction import Transaction

MAIL = ChannelFacts(id="mail", scheme="email", account="")
PEOPLE = ("anna", "boris", "clara", "dmitri")
OLGA = OperatorInfo(id=1, login="olga", name="Olga", role="operator")

Move = tuple[str, int, int]
MOVES = st.lists(
    st.tuples(
        st.sampled_from(["merge", "unmerge", "split", "join", "undo"]), st.integers(0, 50), st.integers(0, 50)
    ),
    max_size=12,
)
TALKING = st.lists(
    st.tuples(
        st.sampled_from(["hear", "hear", "note", "close", "merge", "unmerge", "split", "join", "undo"]),
        st.integers(0, 50),
        st.integers(0, 50),
    ),
    max_size=25,
)


class World:
    """A database in memory, and what happens in it; every step is one transaction."""

    def __init__(self, template: sqlite3.Connection) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.row_factory = sqlite3.Row
        self.connection.execute("PRAGMA foreign_keys = ON")
        template.backup(self.connection)
        self.now = 1_790_000_000_000
        self.said = 0

    def tx(self) -> Transaction:
        self.now += 1000
        return Transaction(self.connection, self.now)

    def ids(self, sql: str) -> list[int]:
        return [row[0] for row in self.connection.execute(sql)]

    def hear(self, name: str) -> str:
        self.said += 1
        text = f"{name} says {self.said}"
        event = InboundEvent(
            kind="message",
            dedupe_key=text,
            sender=Sender(external_id=f"{name}@example.org", name=name.title()),
            thread=f"{name}@example.org",
            remote_message_id=f"<{self.said}@theirs>",
            text=text,
        )
        intake.take_in(self.tx(), MAIL, event, (), Policy())
        return text

    def step(self, move: Move) -> None:
        """One move, with whatever is there; what is refused changes nothing."""
        kind, first, second = move
        self.connection.execute("SAVEPOINT step")
        try:
            self._step(kind, first, second)
        except (RefusedError, IllegalMoveError):
            self.connection.execute("ROLLBACK TO step")
        self.connection.execute("RELEASE step")

    def _step(self, kind: str, first: int, second: int) -> None:
        open_ones = self.ids("SELECT id FROM conversation WHERE state != 'closed' ORDER BY id")
        if kind == "hear":
            self.hear(PEOPLE[first % len(PEOPLE)])
        elif kind == "merge":
            cards = self.ids("SELECT id FROM customer ORDER BY id")
            merging.merge_by_hand(self.tx(), cards[first % len(cards)], cards[second % len(cards)], "", 1)
        elif kind == "unmerge":
            made = self.ids("SELECT id FROM merge WHERE undone_at IS NULL ORDER BY id")
            if made:
                merging.unmerge(self.tx(), made[first % len(made)], 1)
        elif kind == "undo":
            done = self.ids("SELECT id FROM regrouping WHERE undone_at IS NULL ORDER BY id")
            if done:
                regrouping.undo(self.tx(), done[first % len(done)], 1)
        elif not open_ones:
            return
        elif kind == "note":
            command = NoteCommand(client_id=f"note {self.now}", text="a note")
            notes.note(self.tx(), open_ones[first % len(open_ones)], OLGA, command)
        elif kind == "close":
            command_ = CloseCommand(topic="delivery", result="arrived")
            casework.close(self.tx(), open_ones[first % len(open_ones)], OLGA, command_)
        elif kind == "join":
            one, other = open_ones[first % len(open_ones)], open_ones[second % len(open_ones)]
            regrouping.join(self.tx(), one, other, 1)
        elif kind == "split":
            held = open_ones[first % len(open_ones)]
            messages = self.ids(f"SELECT id FROM message WHERE conversation_id = {held} ORDER BY id")  # noqa: S608
            if messages:
                chosen = [message for message in messages if (message * 7 + second) % 3 == 0] or messages[:1]
                regrouping.split(self.tx(), held, SplitCommand(message_ids=chosen), 1)

    def undo_all(self, order: st.DataObject) -> None:
        """Take back every split, join and merge, in any order that is allowed."""
        while True:
            left = [("undo", key) for key in self.ids("SELECT id FROM regrouping WHERE undone_at IS NULL")]
            left += [("unmerge", key) for key in self.ids("SELECT id FROM merge WHERE undone_at IS NULL")]
            if not left:
                return
            done = False
            for kind, key in order.draw(st.permutations(left)):
                before = len(left)
                try:
                    if kind == "undo":
                        regrouping.undo(self.tx(), key, 1)
                    else:
                        merging.unmerge(self.tx(), key, 1)
                except RefusedError:
                    continue
                done = before > 0
                break
            assert done, left

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Whose everything is and how it stands; without numbers of events, and without what was made and
        taken back."""
        queries = {
            "customer": "SELECT id, name, merged_into, root_id FROM customer",
            "address": "SELECT id, customer_id, external_id, verified FROM address",
            "conversation": "SELECT id, customer_id, state, assignee_id, waiting_since, sort_at,"
            " snooze_until, topic, result, preview, preview_kind, channel_id, channels, subject,"
            " last_at, customer_seq, reply_seq, unsettled FROM conversation WHERE joined_into IS NULL",
            "message": "SELECT id, conversation_id, customer_id, kind, text FROM message",
            "thread": "SELECT channel_id, thread, conversation_id, address_id FROM thread",
            "field": "SELECT id, customer_id, name, value FROM field",
            "record": "SELECT id, customer_id, external_id FROM record",
            "customer_tag": "SELECT customer_id, tag FROM customer_tag",
            "conversation_tag": "SELECT t.conversation_id, tag FROM conversation_tag t"
            " JOIN conversation c ON c.id = t.conversation_id WHERE c.joined_into IS NULL",
            "draft": "SELECT operator_id, conversation_id, kind, text FROM draft",
        }
        return {
            name: sorted((tuple(row) for row in self.connection.execute(sql)), key=repr)
            for name, sql in queries.items()
        }


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    path = tmp_path_factory.mktemp("template") / "omni.sqlite3"
    migrate(path, "1")
    connection = sqlite3.connect(path)
    yield connection
    connection.close()


def lived_in(template: sqlite3.Connection) -> World:
    """Four people with two conversations each, and everything that hangs on a person or a conversation."""
    world = World(template)
    world.connection.execute(
        "INSERT INTO operator (id, login, name, role, created_at) VALUES (1, 'olga', 'Olga', 'operator', 1)"
    )
    for number, name in enumerate(PEOPLE):
        world.hear(name)
        world.hear(name)
        [held] = world.ids("SELECT max(id) FROM conversation")
        if number % 2:
            casework.close(world.tx(), held, OLGA, CloseCommand(topic="one", result="done"))
            world.now += 30 * 86_400_000
            world.hear(name)
            world.hear(name)
            [held] = world.ids("SELECT max(id) FROM conversation")
        tx = world.tx()
        [card] = world.ids(f"SELECT customer_id FROM conversation WHERE id = {held}")  # noqa: S608
        notes.note(tx, held, OLGA, NoteCommand(client_id=f"note {name}", text=f"note of {name}"))
        operators.save_draft(tx, 1, Draft(conversation_id=held, text=f"draft to {name}"))
        for tag in ("vip", name):
            tx.run("INSERT INTO customer_tag (customer_id, tag, at) VALUES (?, ?, 1)", (card, tag))
            tx.run("INSERT INTO conversation_tag (conversation_id, tag, at) VALUES (?, ?, 1)", (held, tag))
        tx.run(
            "INSERT INTO field (customer_id, name, value, source, at) VALUES (?, 'plan', ?, 'operator', 1)",
            (card, name),
        )
        tx.run(
            "INSERT INTO record (kind, external_id, customer_id, at, updated_at)"
            " VALUES ('order', ?, ?, 1, 1)",
            (name, card),
        )
        # The same claim on every card: it belongs to each of them, whatever is merged.
        tx.run(
            "INSERT INTO address (customer_id, card_id, scheme, account, external_id, verified, created_at)"
            " VALUES (?, ?, 'phone', '', '+79161234567', 0, 1)",
            (card, card),
        )
    return world


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES, order=st.data())
def test_everything_goes_back_to_where_it_was(
    template: sqlite3.Connection, moves: list[Move], order: st.DataObject
) -> None:
    world = lived_in(template)
    before = world.everything()
    for move in moves:
        world.step(move)
    world.undo_all(order)
    after = world.everything()
    for name, rows in before.items():
        assert after[name] == rows, name


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=TALKING, order=st.data())
def test_nobodys_words_stay_in_somebody_elses_history(
    template: sqlite3.Connection, moves: list[Move], order: st.DataObject
) -> None:
    world = lived_in(template)
    cards = dict(
        world.connection.execute(
            "SELECT external_id, customer_id FROM address WHERE scheme = 'email'"
        ).fetchall()
    )
    for move in moves:
        world.step(move)
        # At every moment: a message is its conversation's customer's, and every thread leads somewhere real.
        assert not world.ids(
            "SELECT m.id FROM message m JOIN conversation c ON c.id = m.conversation_id"
            " WHERE c.customer_id != m.customer_id OR c.joined_into IS NOT NULL"
        )
        assert not world.ids(
            "SELECT c.id FROM conversation c JOIN customer k ON k.id = c.customer_id WHERE k.root_id NOTNULL"
        )
    world.undo_all(order)
    owners = dict(
        world.connection.execute(
            "SELECT external_id, customer_id FROM address WHERE scheme = 'email'"
        ).fetchall()
    )
    assert owners == cards
    for row in world.connection.execute("SELECT customer_id, text FROM message WHERE kind = 'in'"):
        assert row["customer_id"] == cards[f"{row['text'].split()[0]}@example.org"], row["text"]
    assert len(world.ids("SELECT id FROM message WHERE kind = 'in'")) == world.said
    # Who said something last and was not answered is waited for in an open conversation.
    for card in cards.values():
        unanswered = world.ids(
            "SELECT c.id FROM conversation c WHERE c.state = 'waiting' AND c.customer_seq > c.reply_seq"  # noqa: S608
            f" AND c.customer_id = {card}"
        )
        assert unanswered == []


def test_the_nameless_gets_a_name_for_as_long_as_the_merge_holds(template: sqlite3.Connection) -> None:
    world = World(template)
    for external_id, name in (("+79161234567", None), ("anna@example.org", "Anna")):
        event = InboundEvent(
            kind="message",
            dedupe_key=external_id,
            sender=Sender(external_id=external_id, name=name),
            thread=external_id,
            text="hello",
        )
        intake.take_in(world.tx(), MAIL, event, (), Policy())
    merge_id = merging.merge(world.tx(), 2, 1, "the same voice")
    names = "SELECT name FROM customer ORDER BY id"
    assert [row["name"] for row in world.connection.execute(names)] == ["Anna", "Anna"]
    assert [one.evidence for one in merges.into(world.tx(), 1)] == ["the same voice"]
    merging.unmerge(world.tx(), merge_id)
    assert [row["name"] for row in world.connection.execute(names)] == ["+79161234567", "Anna"]
    assert merges.into(world.tx(), 1) == []
    with pytest.raises(RefusedError, match="already"):
        merging.unmerge(world.tx(), merge_id)
