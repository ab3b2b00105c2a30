"""What a card, a river and a search for people read: the rows of one person, however many there are."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from server.people.card_settings import Condition, SegmentSettings
from server.protocol.filtering import Test
from server.protocol.query import Term
from server.store import card, card_search, fields, finding, offline, origins, records, river, segments
from server.store.transaction import Parameters, Transaction

NOW = 1_790_000_000_000
LARGE = ("message", "customer", "address", "conversation", "field", "record", "attachment", "event", "origin")
SCANNED = re.compile(r"^SCAN (?:TABLE )?(\w+)(?! VIRTUAL)")
# In one statement an alias may stand for a large table: these are the ones that statements here use.
ALIASES = {"m": "message", "k": "customer", "a": "address", "c": "conversation", "f": "field", "r": "record"}


class Watching(Transaction):
    """Runs every statement, and notes which large tables it reads as a whole."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection, NOW)
        self.statements = 0
        self.scanned: list[tuple[str, str]] = []
        self.plans: list[str] = []

    def _explain(self, sql: str, parameters: Parameters) -> None:
        self.statements += 1
        for row in self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", parameters):
            self.plans.append(row["detail"])
            found = SCANNED.match(row["detail"])
            # A covering index that is read as a whole is a table that is read as a whole.
            if found and ALIASES.get(found[1], found[1]) in LARGE and "VIRTUAL" not in row["detail"]:
                self.scanned.append((row["detail"], sql))

    def all(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        self._explain(sql, parameters)
        return super().all(sql, parameters)

    def first(self, sql: str, parameters: Parameters = ()) -> sqlite3.Row | None:
        self._explain(sql, parameters)
        return super().first(sql, parameters)

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        self._explain(sql, parameters)
        return super().value(sql, parameters)


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Watching]:
    """A person with two of everything, among others."""
    offline.create(tmp_path)
    connection = sqlite3.connect(tmp_path / offline.DATABASE, isolation_level=None)
    connection.row_factory = sqlite3.Row
    plain = Transaction(connection, NOW)
    for person in (1, 2, 3):
        plain.run("INSERT INTO customer (id, name, created_at) VALUES (?, ?, 1)", (person, f"Ivan {person}"))
        plain.run(
            "INSERT INTO address (customer_id, card_id, scheme, account, external_id, verified, created_at)"
            " VALUES (?, ?, 'email', '', ?, 1, 1)",
            (person, person, f"i{person}@example.org"),
        )
        plain.run(
            "INSERT INTO conversation (id, customer_id, state, sort_at, opened_at, next_step, due_at)"
            " VALUES (?, ?, 'open', 1, 1, 'call', 5)",
            (person, person),
        )
        for number in (1, 2):
            message = person * 10 + number
            plain.run(
                "INSERT INTO message (id, conversation_id, customer_id, kind, channel_id, text, status, at,"
                " received_at, search_id, files)"
                " VALUES (?, ?, ?, ?, 'site', '89161234567', 'received', ?, 1, ?, 1)",
                (message, person, person, "in" if number == 1 else "note", NOW - message, message),
            )
            plain.run(
                "INSERT INTO attachment (message_id, name, content_type, kind, size)"
                " VALUES (?, 'a', 'b', 'file', 1)",
                (message,),
            )
            fields.put(plain, person, "plan", f"value {number}", "operator")
            records.put(plain, records.Fact(kind="order", external_id=str(message), customer_id=person))
        plain.run("INSERT INTO customer_tag (customer_id, tag, at) VALUES (?, 'vip', 1)", (person,))
        plain.run(
            "INSERT INTO origin (customer_id, conversation_id, channel_id, at) VALUES (?, ?, 'site', 1)",
            (person, person),
        )
    plain.run("INSERT INTO link (one_customer, other_customer, relation, at) VALUES (1, 2, 'family', 1)")
    plain.run(
        "INSERT INTO suggestion (one_customer, other_customer, state, reasons, score, created_at)"
        " VALUES (1, 3, 'open', '[]', 1, 1)"
    )
    while card_search.index_some(plain):
        pass
    yield Watching(connection)
    connection.close()


KEY = (NOW, 1 << 40)
NUMBER = (Test(term=Term(name="text", value="89161234567")),)
SEGMENT = SegmentSettings(
    title="x", where=[Condition(field="plan", is_="value 2"), Condition(record="order", at_least=1)]
)

QUESTIONS: dict[str, Callable[[Watching], object]] = {
    "whole card": lambda tx: card.whole(tx, 1, card.Showing(titles={"site": "chat"}, country="RU")),
    "brief": lambda tx: card.brief(tx, [1, 2]),
    "river": lambda tx: river.older(tx, 1, KEY, 20),
    "river of a channel": lambda tx: river.older(tx, 1, KEY, 20, river.Only("site")),
    "river of what was shared": lambda tx: river.older(tx, 1, KEY, 20, river.Only(sees=1)),
    "files of what was shared": lambda tx: river.files(tx, 1, KEY, 20, 1),
    "notes of what was shared": lambda tx: river.notes(tx, 1, KEY, 20, 1),
    "newer": lambda tx: river.newer(tx, 1, (1, 1), 20),
    "around": lambda tx: river.around(tx, 1, 11, 20),
    "notes": lambda tx: river.notes(tx, 1, KEY, 20),
    "files": lambda tx: river.files(tx, 1, KEY, 20),
    "search inside": lambda tx: finding.found(tx, NUMBER, finding.Asker(1, "RU"), 1, KEY, 20).ids,
    "records": lambda tx: records.of_customer(tx, 1, kind="order", after=KEY),
    "record": lambda tx: records.owner(tx, 1),
    "put a record": lambda tx: records.put(tx, records.Fact(kind="order", external_id="9", customer_id=1)),
    "field": lambda tx: fields.one(tx, 1, "plan"),
    "history of a field": lambda tx: fields.history(tx, 1, "plan"),
    "put a field": lambda tx: fields.put(tx, 1, "plan", "other", "operator"),
    "origins": lambda tx: (origins.first_of(tx, 1), origins.of_conversations(tx, 1, 10)),
    "find by words": lambda tx: card_search.find(tx, "ivan i1", "RU", before=None, limit=20),
    "find by telephone": lambda tx: (card_search.find(tx, "8 916 123-45-67", "RU", before=9, limit=9),),
    "find by number": lambda tx: card_search.find(tx, "11", "RU", before=None, limit=20),
    "index cards": lambda tx: (
        tx.run("UPDATE customer SET name = 'Other' WHERE id = 1"),
        card_search.is_behind(tx),
        card_search.index_some(tx),
    ),
}


@pytest.mark.parametrize("name", QUESTIONS)
def test_no_question_about_one_person_reads_a_whole_table(name: str, tx: Watching) -> None:
    answer = QUESTIONS[name](tx)
    assert answer and tx.statements
    assert tx.scanned == []


@pytest.mark.parametrize("name", ["tag", "segment"])
def test_filters_begin_with_who_is_in_them(name: str, tx: Watching) -> None:
    where, parameters = segments.tagged("vip") if name == "tag" else segments.condition(SEGMENT, NOW)
    ids = card_search.listed(tx, before=None, limit=20, within=where, parameters=parameters)
    assert ids == [3, 2, 1]
    # A record's kind has no index of its own: a segment over records reads them once.
    assert [plan for plan, _ in tx.scanned if not plan.startswith("SCAN r")] == []


def test_the_ruler_measures(tx: Watching) -> None:
    tx.all("SELECT * FROM message WHERE text = 'x'")
    tx.all("SELECT a.name FROM address a WHERE a.name = 'x'")
    assert [plan.split()[1] for plan, _ in tx.scanned] == ["message", "a"]


def test_notes_and_files_are_counted_by_the_indexes_of_the_few(tx: Watching) -> None:
    card.whole(tx, 1, card.Showing())
    for index in ("message_notes", "message_files", "message_river "):
        assert any(f"INDEX {index}" in f"{plan} " for plan in tx.plans), index
    assert not any("INDEX message_river_channel" in plan for plan in tx.plans)


def test_a_card_counts_what_there_is(tx: Watching) -> None:
    shown = card.whole(tx, 1, card.Showing(titles={"site": "chat"}, country="RU"))
    assert shown is not None
    assert (shown.notes, shown.files, shown.suggestions, len(shown.promises)) == (1, 2, 1, 1)
    assert [one.external_id for one in shown.findings] == ["+79161234567"]
    assert shown.origin is not None and shown.linked[0].customer_id == 2
