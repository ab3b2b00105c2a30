"""Group commit: who is answered when, what is rolled back with what, and what readers see."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from server.clock import HeldClock
from server.store import database as module
from server.store.database import Database, open_reader, open_writer, run_batch
from server.store.errors import StoreError, StoreUnavailableError
from server.store.transaction import Event, Snapshot, Transaction

SCHEMA = """
CREATE TABLE event (seq INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER, kind TEXT, conversation_id INTEGER,
  customer_id INTEGER, message_id INTEGER, operator_id INTEGER, data TEXT);
CREATE TABLE audit (last INTEGER PRIMARY KEY, first INTEGER NOT NULL, digest BLOB NOT NULL);
CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);
CREATE TABLE child (id INTEGER PRIMARY KEY, note_id INTEGER NOT NULL REFERENCES note (id));
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    made = tmp_path / "test.sqlite3"
    connection = open_writer(made)
    connection.executescript(SCHEMA)
    connection.close()
    return made


@pytest.fixture
async def store(path: Path) -> AsyncIterator[Database]:
    database = Database(path, HeldClock())
    await database.open()
    yield database
    await database.close()


def put(text: str, kind: str = "note.added") -> Callable[[Transaction], int]:
    def fn(tx: Transaction) -> int:
        tx.insert("INSERT INTO note (text) VALUES (?)", (text,))
        return tx.emit(kind)

    return fn


def texts(tx: Snapshot) -> list[str]:
    return [row["text"] for row in tx.all("SELECT text FROM note ORDER BY id")]


def committed(path: Path) -> list[str]:
    """What another process would find after a crash just now."""
    connection = open_reader(path)
    try:
        return [row[0] for row in connection.execute("SELECT text FROM note ORDER BY id")]
    finally:
        connection.close()


class Gate:
    """Holds the writer's thread inside a transaction, so that the next callers form one group."""

    def __init__(self) -> None:
        self.inside = threading.Event()
        self.open = threading.Event()

    def __call__(self, tx: Transaction) -> None:
        self.inside.set()
        assert self.open.wait(10)

    async def group(self, store: Database, *functions: Callable[[Transaction], Any]) -> list[Any]:
        """Run functions as one group; their results, exceptions as such."""
        holding = asyncio.create_task(store.write(self))
        await asyncio.to_thread(self.inside.wait, 10)
        waiting = [asyncio.create_task(store.write(fn)) for fn in functions]
        await asyncio.sleep(0)
        self.open.set()
        await holding
        return await asyncio.gather(*waiting, return_exceptions=True)


# --- answers --------------------------------------------------------------------------------------


async def test_each_caller_is_answered_after_the_commit(store: Database, path: Path) -> None:
    seen: list[list[str]] = []

    async def write(text: str) -> None:
        await store.write(put(text))
        seen.append(committed(path))

    await asyncio.gather(*(write(f"n{number}") for number in range(20)))
    for number, found in enumerate(seen):
        assert f"n{number}" in found


async def test_those_who_wait_share_one_commit(store: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[int] = []
    original = module.run_batch

    def counted(connection: sqlite3.Connection, functions: Any, now: int) -> Any:
        listed = list(functions)
        groups.append(len(listed))
        return original(connection, listed, now)

    monkeypatch.setattr(module, "run_batch", counted)
    await Gate().group(store, *(put(f"n{number}") for number in range(30)))
    assert groups == [1, 30]
    assert len(await store.read(texts)) == 30


async def test_one_that_fails_is_rolled_back_alone(store: Database) -> None:
    def half(tx: Transaction) -> None:
        tx.insert("INSERT INTO note (text) VALUES ('half')")
        tx.emit("note.added")
        raise KeyError("a defect")

    first, broken, double, orphan, last = await Gate().group(
        store,
        put("first"),
        half,
        put("first"),
        lambda tx: tx.insert("INSERT INTO child (note_id) VALUES (99)"),
        put("last"),
    )
    assert isinstance(broken, KeyError)
    assert isinstance(double, sqlite3.IntegrityError)
    assert isinstance(orphan, sqlite3.IntegrityError)
    assert last > first
    assert await store.read(texts) == ["first", "last"]
    assert await store.read(lambda tx: tx.value("SELECT count(*) FROM event")) == 2


async def test_a_lost_shared_transaction_runs_each_once_more_alone(store: Database) -> None:
    runs: dict[str, int] = {}

    def counted(text: str, fail_first: bool = False) -> Callable[[Transaction], str]:
        def fn(tx: Transaction) -> str:
            runs[text] = runs.get(text, 0) + 1
            put(text)(tx)
            if fail_first and runs[text] == 1:
                raise sqlite3.OperationalError("database or disk is full")
            return text

        return fn

    answers = await Gate().group(store, counted("a"), counted("b", fail_first=True), counted("c"))
    assert answers == ["a", "b", "c"]
    assert runs == {"a": 2, "b": 2, "c": 1}
    assert await store.read(texts) == ["a", "b", "c"]
    assert store.trouble == ""


async def test_the_guilty_one_alone_is_refused(store: Database) -> None:
    troubles: list[str] = []
    store.on_trouble = troubles.append

    def full(tx: Transaction) -> None:
        put("guilty")(tx)
        raise sqlite3.OperationalError("database or disk is full")

    first, guilty, last = await Gate().group(store, put("a"), full, put("b"))
    assert isinstance(guilty, StoreUnavailableError)
    assert "disk is full" in str(guilty)
    assert guilty.hint
    assert last > first
    assert await store.read(texts) == ["a", "b"]
    await store.write(put("c"))
    assert [bool(text) for text in troubles] == [True, False]


async def test_a_commit_that_fails_answers_nobody_yes(path: Path) -> None:
    connection = open_writer(path)
    connection.set_authorizer(
        lambda action, what, *_: (
            sqlite3.SQLITE_DENY
            if (action, what) == (sqlite3.SQLITE_TRANSACTION, "COMMIT")
            else sqlite3.SQLITE_OK
        )
    )
    outcomes = run_batch(connection, [put("a"), put("b")], 1)
    assert all(isinstance(outcome.error, StoreUnavailableError) for outcome in outcomes)
    assert not any(outcome.events for outcome in outcomes)
    connection.set_authorizer(None)
    assert committed(path) == []
    [outcome] = run_batch(connection, [put("c")], 1)
    assert outcome.error is None
    connection.close()


# --- events ---------------------------------------------------------------------------------------


async def test_events_are_published_after_their_commit_in_the_order_of_the_log(
    store: Database, path: Path
) -> None:
    published: list[Event] = []

    def heard(batch: list[Event]) -> None:
        assert len(committed(path)) >= len(published) + len(batch)
        published.extend(batch)

    store.on_commit = heard
    answered: list[int] = []

    async def write(number: int) -> None:
        seq = await store.write(put(f"n{number}"))
        assert seq in [event.seq for event in published]
        answered.append(seq)

    await asyncio.gather(*(write(number) for number in range(50)))
    seqs = [event.seq for event in published]
    assert seqs == sorted(set(seqs))
    assert sorted(answered) == seqs


async def test_a_listener_that_fails_costs_no_caller_his_answer(store: Database) -> None:
    def deaf(batch: list[Event]) -> None:
        raise RuntimeError("a defect in a listener")

    store.on_commit = deaf
    store.on_trouble = deaf  # type: ignore[assignment]
    async with asyncio.timeout(20):
        await asyncio.gather(store.write(put("a")), store.write(put("b")))
        await store.write(put("c"))
    assert await store.read(texts) == ["a", "b", "c"]


# --- readers --------------------------------------------------------------------------------------


async def test_a_reader_sees_one_snapshot(store: Database) -> None:
    await store.write(put("before"))
    reading, go_on = threading.Event(), threading.Event()

    def twice(tx: Snapshot) -> tuple[list[str], list[str]]:
        first = texts(tx)
        reading.set()
        assert go_on.wait(10)
        return first, texts(tx)

    looking = asyncio.create_task(store.read(twice))
    await asyncio.to_thread(reading.wait, 10)
    await store.write(put("meanwhile"))
    go_on.set()
    assert await looking == (["before"], ["before"])
    assert await store.read(texts) == ["before", "meanwhile"]


async def test_a_reader_cannot_write(store: Database) -> None:
    def write(tx: Snapshot) -> None:
        tx.all("INSERT INTO note (text) VALUES ('smuggled')")

    for _ in range(5):  # more often than there are readers: each must be left usable
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            await store.read(write)
    assert await store.read(texts) == []


async def test_a_reader_who_goes_away_leaves_a_usable_reader(store: Database) -> None:
    go_on = threading.Event()
    looking = [asyncio.create_task(store.read(lambda tx: go_on.wait(10))) for _ in range(module.READERS)]
    await asyncio.sleep(0)
    for task in looking:
        task.cancel()
    await asyncio.gather(*looking, return_exceptions=True)
    go_on.set()
    assert await asyncio.gather(*(store.read(texts) for _ in range(6))) == [[]] * 6


# --- the end --------------------------------------------------------------------------------------


async def test_closing_lets_those_who_wait_finish(path: Path) -> None:
    database = Database(path, HeldClock())
    await database.open()
    gate = Gate()
    holding = asyncio.create_task(database.write(gate))
    await asyncio.to_thread(gate.inside.wait, 10)
    waiting = [asyncio.create_task(database.write(put(f"n{number}"))) for number in range(5)]
    await asyncio.sleep(0)
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    with pytest.raises(StoreUnavailableError, match="stopping"):
        await database.write(put("too late"))
    gate.open.set()
    await asyncio.gather(holding, closing, *waiting)
    assert committed(path) == [f"n{number}" for number in range(5)]
    with pytest.raises(StoreUnavailableError, match="stopping"):
        await database.read(texts)
    await database.close()  # a second time is harmless


async def test_a_caller_who_is_cancelled_takes_nobody_along(store: Database) -> None:
    gate = Gate()
    holding = asyncio.create_task(store.write(gate))
    await asyncio.to_thread(gate.inside.wait, 10)
    gone = asyncio.create_task(store.write(put("gone")))
    failing = asyncio.create_task(store.write(put("gone")))  # fails, and nobody will ask
    stays = asyncio.create_task(store.write(put("stays")))
    await asyncio.sleep(0)
    gone.cancel()
    failing.cancel()
    gate.open.set()
    await holding
    assert await stays
    assert gone.cancelled()
    # Half of a group cannot be taken back: it was committed all the same.
    assert await store.read(texts) == ["gone", "stays"]


async def test_closing_that_is_cancelled_still_answers_the_writers(path: Path) -> None:
    database = Database(path, HeldClock())
    await database.open()
    gate = Gate()
    holding = asyncio.create_task(database.write(gate))
    await asyncio.to_thread(gate.inside.wait, 10)
    waiting = asyncio.create_task(database.write(put("kept")))
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    closing.cancel()
    await asyncio.gather(closing, return_exceptions=True)
    gate.open.set()
    async with asyncio.timeout(20):
        await asyncio.gather(holding, waiting)
    await database.close()
    assert committed(path) == ["kept"]


# --- trouble --------------------------------------------------------------------------------------


async def test_a_foreign_lock_is_unavailable_and_over_when_it_ends(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BUSY_TIMEOUT_MS", 20)
    troubles: list[str] = []
    database = Database(path, HeldClock(), on_trouble=troubles.append)
    await database.open()
    foreign = sqlite3.connect(path, isolation_level=None)
    foreign.execute("BEGIN IMMEDIATE")
    answers = await asyncio.gather(database.write(put("a")), database.write(put("b")), return_exceptions=True)
    assert [type(answer) for answer in answers] == [StoreUnavailableError] * 2
    assert await database.read(texts) == []  # reading goes on
    foreign.execute("ROLLBACK")
    foreign.close()
    await database.write(put("c"))
    assert [text[:15] for text in troubles] == ["another program", ""]
    await database.close()
    assert committed(path) == ["c"]


def test_a_file_that_takes_no_wal_is_refused() -> None:
    with pytest.raises(StoreError, match="journal_mode=memory"):
        open_writer(Path(":memory:"))


def test_the_settings_are_what_they_must_be(path: Path) -> None:
    connection = open_writer(path)
    settings = {
        name: connection.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("journal_mode", "synchronous", "foreign_keys", "mmap_size")
    }
    connection.close()
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "mmap_size": 0}
