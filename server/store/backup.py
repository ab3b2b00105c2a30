"""What a backup needs to know of a database: a copy of one moment, what it holds, and how it begins anew.

Everything here is blocking; call it on a thread.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec

from server.store import messages, outbox, state
from server.store.database import open_reader
from server.store.errors import StoreError, StoreVersionError
from server.store.migrations import APPLICATION_ID, known
from server.store.transaction import Transaction

STEP_PAGES = 1_000
CHECK_STEPS = 100_000  # of SQLite's virtual machine, between two looks at `stop`
ROOM_PER_MS_BITS = 4  # sixteen numbers a millisecond: no server takes in more for long


# Where rows name files; a database that is not upgraded yet may lack some of these tables.
NAMES_OF_FILES = (("attachment", "sha256"), ("journal", "raw_sha256"), ("upload", "sha256"))


class StoppedError(Exception):
    """`stop` said so."""


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What a database holds. `files`: the SHA-256 of every file that a row names."""

    schema: int
    newest_seq: int
    counts: dict[str, int]
    files: frozenset[str]


def snapshot(source: Path, target: Path, stop: Callable[[], bool] = lambda: False) -> None:
    """Copy the database as it is at this moment, while others write to it.

    An open read transaction holds the moment: without it every commit of the writer would make SQLite's
    backup begin again. Raises StoppedError, StoreError, FileExistsError.
    """
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))

    def look(status: int, remaining: int, total: int) -> None:
        if stop():
            raise StoppedError

    try:
        with (
            contextlib.closing(open_reader(source)) as reader,
            contextlib.closing(sqlite3.connect(target, isolation_level=None)) as copy,
        ):
            copy.execute("PRAGMA synchronous = OFF")  # it is worth nothing before its archive is whole
            reader.execute("BEGIN")
            reader.execute("SELECT count(*) FROM sqlite_master").fetchone()
            reader.backup(copy, pages=STEP_PAGES, progress=look)
            reader.execute("COMMIT")
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, nothing beside it
    except sqlite3.Error as error:
        raise StoreError(
            f"the database cannot be copied: {error}", "free space, or check the disk"
        ) from error


def check(path: Path, stop: Callable[[], bool] = lambda: False) -> None:
    """Is it a sound database of ours that this version can use? Raises StoreError, StoppedError."""
    with _reading(path, stop) as reader:
        application = reader.execute("PRAGMA application_id").fetchone()[0]
        if application != APPLICATION_ID:
            raise StoreVersionError(f"{path} is not a database of Omni Console", "name another file")
        schema = reader.execute("PRAGMA user_version").fetchone()[0]
        if not 1 <= schema <= len(known()):
            raise StoreVersionError(
                f"it was written by a newer version (schema {schema}, this one knows {len(known())})",
                "install the newer version",
            )
        verdict = reader.execute("PRAGMA quick_check").fetchone()[0]
        if verdict != "ok":
            raise StoreError(f"the database is damaged: {verdict}", "restore the newest backup that is not")


def facts(path: Path) -> Facts:
    with _reading(path, lambda: False) as reader:

        def number(sql: str) -> int:
            return int(reader.execute(sql).fetchone()[0] or 0)

        there = {row[0] for row in reader.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        tables = ("customer", "conversation", "message", "attachment", "journal", "event", "operator")
        named = reader.execute(
            " UNION ".join(
                f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL"
                for table, column in NAMES_OF_FILES
                if table in there
            )
        )
        return Facts(
            schema=number("PRAGMA user_version"),
            newest_seq=number("SELECT max(seq) FROM event"),
            counts={table: number(f"SELECT count(*) FROM {table}") for table in tables},
            files=frozenset(row[0] for row in named),
        )


@contextlib.contextmanager
def _reading(path: Path, stop: Callable[[], bool]) -> Iterator[sqlite3.Connection]:
    try:
        with contextlib.closing(open_reader(path)) as reader:
            reader.set_progress_handler(stop, CHECK_STEPS)
            yield reader
    except sqlite3.OperationalError as error:
        if stop():
            raise StoppedError from error
        raise StoreError(f"{path} cannot be read: {error}", "check the disk") from error
    except sqlite3.DatabaseError as error:
        raise StoreError(f"{path} is damaged: {error}", "use another backup") from error


def begin_anew(tx: Transaction, taken_at: int) -> list[outbox.Abandoned]:
    """Let a restored database go on without repeating numbers that were given out after the backup.

    Message ids are in Message-IDs and in the keys by which receivers deduplicate; event numbers are how far
    consoles and visitors have read. Were one used twice, a new reply would be taken for an old one. So both
    go on from the time, which no earlier life of this database reached. Returns what was not surely sent.
    """
    now = tx.now << ROOM_PER_MS_BITS
    message_id = max(now, int(tx.value("SELECT coalesce(max(id), 0) FROM message")))
    state.put_setting(tx, messages.FLOOR, str(message_id).encode())
    seq = max(now, int(tx.value("SELECT coalesce(max(seq), 0) FROM event")))
    if not tx.run("UPDATE sqlite_sequence SET seq = ? WHERE name = 'event'", (seq,)):
        tx.run("INSERT INTO sqlite_sequence (name, seq) VALUES ('event', ?)", (seq,))
    tx.emit("server.restored", data={"backup_of": taken_at})
    return outbox.unsent(tx)
