"""A help desk to sit at: very many conversations, and a few of the operator's own with long histories.

A small population is built through the product's own intake and casework; then its closed conversations are
copied, and the histories lengthened, by statements: a hundred thousand conversations in seconds.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path

import msgspec

from benchmarks.harness import configure
from benchmarks.population import ENDS_AT, Size, build
from server.cases import casework
from server.store import offline, operators, search
from server.store.database import open_writer, run_batch
from server.store.transaction import Transaction

LOGIN = "bench"
NEWEST = "the newest one of "  # and the customer's name: how a painted history is recognised
BETWEEN = 3_600_000  # ms between two messages of a long history
APART = 20 * 86_400_000  # ms between a conversation and its copy: neighbours in the list differ
INDEX_GROUP = 20_000


class DeskSize(msgspec.Struct, frozen=True):
    name: str
    conversations: int
    built: int  # of them, through the intake; the others are copies
    long: int  # the operator's own conversations
    history: int  # messages in each of those


class Case(msgspec.Struct, frozen=True):
    """One of the operator's own conversations: its id, its customer's external id and name."""

    id: int
    person: str
    name: str


class DeskWorld(msgspec.Struct, frozen=True):
    config: Path
    socket: Path
    own: list[Case]  # in the order of the list


def make(folder: Path, size: DeskSize, say: Callable[[str], None]) -> DeskWorld:
    """Build it in a new folder."""
    folder.mkdir(parents=True)
    config = configure(folder)
    offline.create(folder / "data")
    offline.add_operator(folder / "data", LOGIN, "Bench", "admin", os.getuid())
    people = max(size.long, size.built // 2)
    build(folder / "data", Size(size.name, size.built + size.built // 10, size.built, people), say)
    connection = open_writer(folder / "data" / offline.DATABASE)
    with contextlib.closing(connection):
        connection.execute("PRAGMA synchronous = OFF")  # nobody is acknowledged here
        connection.execute("PRAGMA cache_size = -400000")
        own = _own_cases(connection, size.long)
        connection.execute("BEGIN IMMEDIATE")
        for case in own:
            _lengthen(connection, case, size.history)
        _copy_closed(connection, size.conversations - size.built)
        connection.execute("COMMIT")
        while run_batch(connection, [lambda tx: search.index_some(tx, INDEX_GROUP)], ENDS_AT)[0].result:
            pass
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return DeskWorld(config, folder / "run" / "omni.sock", own)


def _own_cases(connection: sqlite3.Connection, count: int) -> list[Case]:
    """The last conversations of different people, opened again by the operator."""

    def take(tx: Transaction) -> list[Case]:
        operator = next(one for one in operators.everybody(tx) if one.login == LOGIN)
        rows = tx.all(
            "SELECT max(v.id) AS id, v.state, a.external_id, c.name FROM conversation v"
            " JOIN customer c ON c.id = v.customer_id JOIN address a ON a.customer_id = c.id"
            " WHERE a.scheme = 'webhook' GROUP BY c.id HAVING v.state = 'closed' ORDER BY c.id DESC LIMIT ?",
            (count,),
        )
        for row in rows:
            casework.reopen(tx, row["id"], operator)
        return [Case(row["id"], row["external_id"], row["name"]) for row in rows]

    outcome = run_batch(connection, [take], ENDS_AT)[0]
    if outcome.error is not None:
        raise outcome.error
    found: list[Case] = outcome.result
    return found


def _lengthen(connection: sqlite3.Connection, case: Case, history: int) -> None:
    """Copies of the conversation's first message, older and older; one newest, by which it is known."""
    first = connection.execute(
        "SELECT min(id) FILTER (WHERE kind = 'in'), max(at), (SELECT max(id) FROM message) FROM message"
        " WHERE conversation_id = ?",
        (case.id,),
    ).fetchone()
    columns = _columns(connection, "message")
    fresh = {
        "id": ":top + n",
        "at": f":at - (:history - n) * {BETWEEN}",
        "received_at": f":at - (:history - n) * {BETWEEN}",
        "search_id": "(:at << 20) - (:top + n)",
        "kind": "CASE WHEN n % 3 = 1 THEN 'out' ELSE 'in' END",
        "status": "CASE WHEN n % 3 = 1 THEN 'sent' ELSE 'received' END",
        "author": "CASE WHEN n % 3 = 1 THEN 'Bench' ELSE author END",
        "text": "CASE WHEN n = :history THEN :newest ELSE 'no ' || n || ': ' || text END",
        "remote_id": "NULL",
        "client_id": "NULL",
    }
    numbers = (
        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < :history)"
    )
    connection.execute(
        numbers + _copy("message", columns, fresh, "numbers, message WHERE id = :first"),
        {
            "first": first[0],
            "at": first[1] + BETWEEN,
            "top": first[2],
            "history": history,
            "newest": f"{NEWEST}{case.name}.",
        },
    )


def _copy_closed(connection: sqlite3.Connection, wanted: int) -> None:
    """So many more closed conversations with their messages, of the same people, each a little older."""
    closed = connection.execute("SELECT count(*) FROM conversation WHERE state = 'closed'").fetchone()[0]
    columns = {table: _columns(connection, table) for table in ("conversation", "message")}
    last_case, last_message = connection.execute(
        "SELECT (SELECT max(id) FROM conversation), (SELECT max(id) FROM message)"
    ).fetchone()
    rounds, made = 0, 0
    while made < wanted:
        rounds += 1
        given = {
            "cases": last_case * rounds,
            "messages": last_message * rounds,
            "limit": min(closed, wanted - made),
            "last": last_case,
        }
        moved = {"id": "id + :cases", "sort_at": f"sort_at - {APART * rounds}"}
        connection.execute(
            _copy(
                "conversation",
                columns["conversation"],
                moved,
                "conversation WHERE state = 'closed' AND id <= :last ORDER BY id LIMIT :limit",
            ),
            given,
        )
        moved = {
            "id": "m.id + :messages",
            "conversation_id": "m.conversation_id + :cases",
            "search_id": "m.search_id - (m.id + :messages)",
            "remote_id": "NULL",
            "client_id": "NULL",
        }
        connection.execute(
            _copy(
                "message",
                columns["message"],
                moved,
                "message m JOIN conversation v ON v.id = m.conversation_id + :cases"
                " WHERE m.conversation_id <= :last",
                source="m.",
            ),
            given,
        )
        made += given["limit"]


def _copy(table: str, columns: list[str], changed: dict[str, str], rows: str, source: str = "") -> str:
    """The statement that copies rows of a table, some of their columns changed."""
    values = ", ".join(changed.get(name, source + name) for name in columns)
    return f" INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {rows}"  # noqa: S608 - own words


def _columns(connection: sqlite3.Connection, table: str) -> list[str]:
    return [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
