"""One writer that commits in groups, and readers that see whole snapshots.

Measured on two cores, five statements a message, synchronous=FULL: 1,540 msg/s one commit a message,
4,900 in batches of 50. So writers that wait together share a commit, each inside its own SAVEPOINT, and
each is answered only after that COMMIT.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import aiosqlite
import structlog

from server import failpoints
from server.clock import Clock
from server.store import audit
from server.store.errors import StoreError, StoreUnavailableError, unavailable
from server.store.transaction import Event, Snapshot, Transaction

T = TypeVar("T")

log = structlog.get_logger(__name__)

BUSY_TIMEOUT_MS = 2_000
BATCH_MAX = 200
READERS = 2


class HopConnection(aiosqlite.Connection):
    """aiosqlite owns the thread and the connection; this adds one hop per *transaction*.

    aiosqlite's own methods cost a thread hop per statement, which is a third of the speed (1,200 against
    3,900 msg/s, see above).
    """

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)

    async def open(self) -> None:
        await self

    async def call(self, fn: Callable[[sqlite3.Connection], T]) -> T:
        result: T = await self._execute(fn, self._conn)  # type: ignore[no-untyped-call]
        return result


class Outcome(NamedTuple):
    """What became of one transaction function of a batch."""

    result: Any
    error: BaseException | None
    events: list[Event]


class Waiting(NamedTuple):
    fn: Callable[[Transaction], Any]
    answer: asyncio.Future[Any]


def _configure(connection: sqlite3.Connection) -> None:
    connection.row_factory = sqlite3.Row
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA mmap_size = 0")


def open_writer(path: Path) -> sqlite3.Connection:
    """A connection for the one writer. Raises StoreError where the file does not take our settings."""
    connection = sqlite3.connect(path, isolation_level=None, cached_statements=512, check_same_thread=False)
    _configure(connection)
    journal_mode = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    connection.execute("PRAGMA synchronous = FULL")
    # Who is erased leaves no bytes in the file. Always on: what lay there before cannot be reached later.
    connection.execute("PRAGMA secure_delete = ON")
    connection.execute("PRAGMA cache_size = -16000")  # a group must not spill before its commit
    synchronous = connection.execute("PRAGMA synchronous").fetchone()[0]
    foreign_keys = connection.execute("PRAGMA foreign_keys").fetchone()[0]
    if journal_mode != "wal" or synchronous != 2 or foreign_keys != 1:
        connection.close()
        raise StoreError(
            f"{path}: SQLite refused WAL with synchronous=FULL and foreign keys"
            f" (journal_mode={journal_mode}, synchronous={synchronous}, foreign_keys={foreign_keys})",
            "put the data directory on a local file system",
        )
    return connection


def open_reader(path: Path) -> sqlite3.Connection:
    # mode=ro and not merely query_only: a connection that can write could also checkpoint, and two
    # checkpointing connections meet the WAL-reset bug of SQLite before 3.51.3.
    connection = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )
    _configure(connection)
    connection.execute("PRAGMA cache_size = -8000")
    return connection


def _empty_wal(connection: sqlite3.Connection) -> bool:
    busy, _, _ = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def run_batch(
    connection: sqlite3.Connection, functions: Iterable[Callable[[Transaction], Any]], now: int
) -> list[Outcome]:
    """Run functions in one transaction; if one of them fails, all again, each in a savepoint; if the
    transaction itself is lost, each once more alone. Blocking; for the writer's thread."""
    functions = list(functions)
    try:
        try:
            return _run_shared(connection, functions, now, apart=False)
        except _OneFailedError as failed:
            # Nearly always all succeed: savepoints would cost each message two statements more.
            if len(functions) == 1:
                return [Outcome(None, failed.error, [])]
            return _run_shared(connection, functions, now, apart=True)
    except _SharedTransactionLostError as lost:
        if len(functions) == 1 or lost.never_began:
            failure = unavailable(lost.error)
            return [Outcome(None, failure, []) for _ in functions]
    return [outcome for fn in functions for outcome in run_batch(connection, [fn], now)]


class _OneFailedError(Exception):
    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class _SharedTransactionLostError(Exception):
    def __init__(self, error: sqlite3.Error, never_began: bool = False) -> None:
        super().__init__(str(error))
        self.error = error
        self.never_began = never_began


def _run_shared(
    connection: sqlite3.Connection, functions: list[Callable[[Transaction], Any]], now: int, apart: bool
) -> list[Outcome]:
    """`apart`: each in a savepoint, so that one that fails fails alone. Otherwise raises _OneFailedError."""
    try:
        connection.execute("BEGIN IMMEDIATE")
    except sqlite3.Error as error:
        raise _SharedTransactionLostError(error, never_began=True) from error
    outcomes: list[Outcome] = []
    leaves: list[bytes] = []
    try:
        for fn in functions:
            if apart:
                connection.execute("SAVEPOINT one")
            tx = Transaction(connection, now)
            try:
                outcome = Outcome(fn(tx), None, tx.events)
                leaves += map(audit.leaf_of, tx.events, tx.texts)
            except Exception as error:
                # Full disk, I/O error: SQLite may have rolled everything back, not just this savepoint.
                if isinstance(error, sqlite3.OperationalError) or not connection.in_transaction:
                    raise _SharedTransactionLostError(_as_sqlite(error)) from error
                if not apart:
                    raise _OneFailedError(error) from error
                connection.execute("ROLLBACK TO one")
                outcome = Outcome(None, error, [])
            if apart:
                connection.execute("RELEASE one")
            outcomes.append(outcome)
        events = [event for outcome in outcomes for event in outcome.events]
        if events:
            audit.seal(connection, events[0].seq, events[-1].seq, leaves)
        failpoints.hit("store.before_commit")
        connection.execute("COMMIT")
        failpoints.hit("store.after_commit")
    except sqlite3.Error as error:
        _roll_back(connection)
        raise _SharedTransactionLostError(error) from error
    except BaseException:
        _roll_back(connection)
        raise
    return outcomes


def _tell(listener: Callable[[T], None], what: T) -> None:
    """A defect of a listener must not cost the callers of a group their answers."""
    try:
        listener(what)
    except Exception:
        log.exception("a listener of the store failed")


def _as_sqlite(error: Exception) -> sqlite3.Error:
    return error if isinstance(error, sqlite3.Error) else sqlite3.OperationalError(str(error))


def _roll_back(connection: sqlite3.Connection) -> None:
    if connection.in_transaction:
        with contextlib.suppress(sqlite3.Error):  # a full disk has already rolled back
            connection.execute("ROLLBACK")


class Database:
    """The store's front: `write(fn)` and `read(fn)`.

    `on_commit(events)` is called on the event loop after each commit, in the order of the log.
    `on_trouble(text)` is called when writing begins to fail (text says why) and when it works again ("").
    `on_group(size, seconds)` is called after each group of transactions, whatever became of it.
    """

    def __init__(
        self,
        path: Path,
        clock: Clock,
        on_commit: Callable[[list[Event]], None] = lambda events: None,
        on_trouble: Callable[[str], None] = lambda text: None,
        on_group: Callable[[int, float], None] = lambda size, seconds: None,
    ) -> None:
        self.path = path
        self.clock = clock
        self.on_commit = on_commit
        self.on_trouble = on_trouble
        self.on_group = on_group
        self.trouble = ""
        self._waiting: deque[Waiting] = deque()
        self._pump: asyncio.Task[None] | None = None
        self._writer: HopConnection | None = None
        self._readers: asyncio.Queue[HopConnection] = asyncio.Queue()
        self._open_readers: list[HopConnection] = []
        self._closing = False

    async def open(self) -> None:
        """Connect. The schema must be in place (migrations run before)."""
        writer = HopConnection(lambda: open_writer(self.path))
        await writer.open()
        self._writer = writer
        for _ in range(READERS):
            reader = HopConnection(lambda: open_reader(self.path))
            await reader.open()
            self._open_readers.append(reader)
            self._readers.put_nowait(reader)

    async def close(self) -> None:
        """Let waiting transactions finish, close the readers, then the writer."""
        self._closing = True
        while self._pump is not None and not self._pump.done():
            await asyncio.shield(self._pump)  # whoever is tired of closing must not stop the writers
        for reader in self._open_readers:
            await reader.close()
        self._open_readers.clear()
        if self._writer is not None:
            await self._writer.close()
            self._writer = None

    async def write(self, fn: Callable[[Transaction], T]) -> T:
        """Run fn in a transaction; return its result after COMMIT with synchronous=FULL.

        Raises what fn raises (then nothing of it is stored), or StoreUnavailableError when the database
        cannot be written now (then nothing was acknowledged and the call may be repeated).
        """
        if self._closing or self._writer is None:
            raise StoreUnavailableError("the server is stopping", "try again after the restart")
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.append(Waiting(fn, answer))
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._commit_groups(self._writer), name="store writer")
        # A caller that is cancelled cancels only its answer: half of a group cannot be taken back.
        return await answer

    async def _commit_groups(self, writer: HopConnection) -> None:
        while self._waiting:
            group = [self._waiting.popleft() for _ in range(min(BATCH_MAX, len(self._waiting)))]
            now = self.clock.now()
            began = time.perf_counter()
            try:
                outcomes = await writer.call(
                    lambda connection, group=group, now=now: run_batch(  # type: ignore[misc]
                        connection, [waiting.fn for waiting in group], now
                    )
                )
            except Exception as error:
                outcomes = [Outcome(None, error, []) for _ in group]
            self.on_group(len(group), time.perf_counter() - began)
            self._note_trouble(outcomes)
            events = [event for outcome in outcomes for event in outcome.events]
            if events:
                _tell(self.on_commit, events)
            for waiting, outcome in zip(group, outcomes, strict=True):
                if waiting.answer.cancelled():
                    continue
                if outcome.error is not None:
                    waiting.answer.set_exception(outcome.error)
                    waiting.answer.exception()  # a cancelled caller must not leave "never retrieved" behind
                else:
                    waiting.answer.set_result(outcome.result)

    def _note_trouble(self, outcomes: list[Outcome]) -> None:
        failures = [outcome.error for outcome in outcomes if isinstance(outcome.error, StoreUnavailableError)]
        text = str(failures[0]) if failures else ""
        if text != self.trouble:
            self.trouble = text
            _tell(self.on_trouble, text)

    async def empty_wal(self) -> bool:
        """Write the WAL back and cut it to nothing; False while a reader still needs it."""
        if self._writer is None:
            raise StoreUnavailableError("the server is stopping", "try again after the restart")
        return await self._writer.call(_empty_wal)

    async def read(self, fn: Callable[[Snapshot], T]) -> T:
        """Run fn on one snapshot, on a reader's thread. Raises what fn raises, or StoreUnavailableError."""
        if not self._open_readers:
            raise StoreUnavailableError("the server is stopping", "try again after the restart")
        reader = await self._readers.get()
        try:
            now = self.clock.now()

            def in_snapshot(connection: sqlite3.Connection) -> T:
                connection.execute("BEGIN")
                try:
                    return fn(Snapshot(connection, now))
                finally:
                    connection.execute("COMMIT")

            return await asyncio.shield(reader.call(in_snapshot))
        finally:
            self._readers.put_nowait(reader)
