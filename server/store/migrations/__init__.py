"""Numbered migrations; each is atomic, and a backup is made before the first of a run.

A migration is a file NNNN_name.sql. `PRAGMA user_version` says how many have run; it is set in the same
transaction as the statements, so that a kill leaves either the old schema or the new one.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

import structlog

from server.store.database import open_writer
from server.store.errors import StoreError, StoreVersionError

APPLICATION_ID = 0x4F4D4E49  # "OMNI"

log = structlog.get_logger(__name__)


def known() -> list[tuple[int, str, str]]:
    """(number, file name, SQL text) of every migration, in order."""
    found = []
    for entry in files(__package__).iterdir():
        if entry.name.endswith(".sql"):
            found.append((int(entry.name.partition("_")[0]), entry.name, entry.read_text(encoding="utf-8")))
    found.sort()
    if [number for number, _, _ in found] != list(range(1, len(found) + 1)):
        raise StoreError("the migrations of this installation are not complete", "install it again")
    return found


def statements(sql: str) -> Iterator[str]:
    """Single statements of a script; triggers with semicolons inside stay whole."""
    gathered = ""
    for line in sql.splitlines(keepends=True):
        if not gathered and (not line.strip() or line.lstrip().startswith("--")):
            continue
        gathered += line
        if sqlite3.complete_statement(gathered):
            yield gathered
            gathered = ""
    if gathered.strip():
        raise StoreError(f"unfinished statement in a migration: {gathered[:60]!r}")


def migrate(path: Path, stamp: str) -> int:
    """Bring the database at `path` (made where absent) to this version; the number of migrations run.

    Call only while holding the data directory's lock. `stamp` names the backup made before an upgrade:
    `<file>.before-<version>.<stamp>`. Raises StoreVersionError for a newer or a foreign database.
    """
    migrations = known()
    _refuse_foreign(path)
    connection = open_writer(path)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(migrations):
            raise StoreVersionError(
                f"{path} was written by a newer version (schema {version}, this one knows {len(migrations)})",
                "install the newer version again, or restore the backup made before its upgrade",
            )
        todo = migrations[version:]
        if todo and version:
            _back_up(connection, path.with_name(f"{path.name}.before-{len(migrations)}.{stamp}"))
        # A new database is made in one go; an upgrade that is broken off goes on where it was.
        for group in [[one] for one in todo] if version or not todo else [todo]:
            _run(connection, group)
        return len(todo)
    finally:
        connection.close()


def _run(connection: sqlite3.Connection, group: Sequence[tuple[int, str, str]]) -> None:
    """All of them in one transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        for _number, _name, sql in group:
            for statement in statements(sql):
                connection.execute(statement)
        number, name, _sql = group[-1]
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {number}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    log.info("schema migrated", migration=name)


def _refuse_foreign(path: Path) -> None:
    """Before anything is changed: opening for writing would already turn somebody's file to WAL."""
    if not path.exists():
        return
    connection = sqlite3.connect(path)
    try:
        application_id = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    except sqlite3.DatabaseError as error:
        raise StoreVersionError(
            f"{path} is not a database that can be read: {error}",
            "restore a backup, or name another data_dir",
        ) from error
    finally:
        connection.close()
    if tables and application_id != APPLICATION_ID:
        raise StoreVersionError(f"{path} is not a database of Omni Console", "name another data_dir")


def _back_up(connection: sqlite3.Connection, target: Path) -> None:
    """Copy the database with SQLite's own backup, and look at the copy before trusting it."""
    target.touch(mode=0o600)  # it holds what the customers wrote
    copy = sqlite3.connect(target)
    try:
        connection.backup(copy)
        verdict = copy.execute("PRAGMA quick_check").fetchone()[0]
    finally:
        copy.close()
    if verdict != "ok":
        raise StoreError(f"the backup {target} is damaged: {verdict}", "check the disk; nothing was changed")
    log.info("backup made before the upgrade", file=str(target))
