"""Migrations: atomic under kill -9, backed up, and refused where they must not run."""

from __future__ import annotations

import re
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from server.lifecycle import Lifecycle
from server.store import migrations, offline, outbox
from server.store.errors import StoreError, StoreVersionError
from server.store.migrations import APPLICATION_ID, known, migrate, statements

ROOT = Path(__file__).parents[2]
NEXT = "ALTER TABLE customer ADD COLUMN shoe_size TEXT;\nCREATE TABLE novelty (id INTEGER PRIMARY KEY);\n"


def schema(path: Path) -> tuple[int, int, set[str]]:
    """(version, application id, names of tables)"""
    connection = sqlite3.connect(path)
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        assert connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        return version, application, {row[0] for row in rows}
    finally:
        connection.close()


@pytest.fixture
def upgrade(monkeypatch: pytest.MonkeyPatch) -> int:
    """This version has one migration more; its number."""
    longer = [*known(), (len(known()) + 1, "9999_next.sql", NEXT)]
    monkeypatch.setattr(migrations, "known", lambda: longer)
    return len(longer)


def test_a_fresh_database_and_once_more(tmp_path: Path) -> None:
    path = tmp_path / "omni.sqlite3"
    assert migrate(path, "1") == len(known())
    version, application, tables = schema(path)
    assert (version, application) == (len(known()), APPLICATION_ID)
    assert {"message", "conversation", "event", "outbox"} <= tables
    assert migrate(path, "2") == 0
    assert [found.name for found in tmp_path.glob("*.before-*")] == []


def test_an_upgrade_is_backed_up_for_its_owner_alone(tmp_path: Path, upgrade: int) -> None:
    path = tmp_path / "omni.sqlite3"
    connection = sqlite3.connect(path)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(migrations, "known", known)
        migrate(path, "1")
    connection.execute("INSERT INTO customer (name, created_at) VALUES ('Иван', 1)")
    connection.commit()
    connection.close()
    assert migrate(path, "77") == 1
    backup = tmp_path / f"omni.sqlite3.before-{upgrade}.77"
    assert schema(backup)[0] == upgrade - 1
    assert schema(path)[0] == upgrade
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    copy = sqlite3.connect(backup)
    assert copy.execute("SELECT name FROM customer").fetchall() == [("Иван",)]
    copy.close()


def test_a_migration_that_fails_leaves_what_was(
    tmp_path: Path, upgrade: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "omni.sqlite3"
    migrate(path, "1")
    before = schema(path)
    broken = [*migrations.known(), (upgrade + 1, "x.sql", "CREATE TABLE extra (id);\nDROP TABLE missing;\n")]
    monkeypatch.setattr(migrations, "known", lambda: broken)
    with pytest.raises(sqlite3.OperationalError, match="missing"):
        migrate(path, "2")
    assert schema(path) == before


STATEMENTS = len(list(statements(known()[0][2])))
PROGRAM = """
import os, signal, sys
from pathlib import Path
from server.store import migrations
number, original = int(sys.argv[2]), migrations.statements
def counted(sql):
    for index, statement in enumerate(original(sql)):
        if index == number:
            os.kill(os.getpid(), signal.SIGKILL)
        yield statement
    if number == -1:
        os.kill(os.getpid(), signal.SIGKILL)
migrations.statements = counted
migrations.migrate(Path(sys.argv[1]), "1")
"""


@pytest.mark.parametrize("number", [0, 1, STATEMENTS // 2, STATEMENTS - 1, -1])
def test_a_kill_in_the_middle_leaves_the_old_or_the_new(number: int, tmp_path: Path) -> None:
    path = tmp_path / "omni.sqlite3"
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(path), str(number)], cwd=ROOT, capture_output=True, timeout=60
    )
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert schema(path) == (0, 0, set())
    migrate(path, "2")
    assert schema(path)[:2] == (len(known()), APPLICATION_ID)


def test_a_reply_that_waits_out_its_hold_can_be_taken_back_after_an_upgrade(tmp_path: Path) -> None:
    path = tmp_path / "omni.sqlite3"
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(migrations, "known", lambda: known()[:38])
        migrate(path, "1")
    life = Lifecycle(state="open", waiting_since=5, sort_at=5, topic="card")
    old = sqlite3.connect(path)
    with old:
        old.execute(
            "INSERT INTO message (id, conversation_id, customer_id, kind, operator_id, text, status, at,"
            " received_at, search_id) VALUES (3, 1, 1, 'out', 7, 'good news', 'queued', 6, 6, 1)"
        )
        old.execute(
            "INSERT INTO outbox (message_id, channel_id, thread, state, due_at, created_at, untried, before)"
            " VALUES (3, 'mail', 't', 'queued', 10, 6, 1, ?)",
            (msgspec.json.encode(life).decode(),),
        )
    old.close()
    migrate(path, "2")
    deed = offline.write(tmp_path, lambda tx: outbox.deed_of(tx, 3))
    assert deed is not None
    assert (deed.conversation_id, deed.operator_id) == (1, 7)
    assert (deed.before.life, deed.before.rest) == (life, {})


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "omni.sqlite3"
    migrate(path, "1")
    connection = sqlite3.connect(path)
    connection.execute(f"PRAGMA user_version = {len(known()) + 1}")
    connection.close()
    with pytest.raises(StoreVersionError, match="newer version") as caught:
        migrate(path, "2")
    assert "backup" in caught.value.hint


def test_a_foreign_database_is_refused_and_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "omni.sqlite3"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE places (url TEXT)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(StoreVersionError, match="not a database of Omni Console"):
        migrate(path, "1")
    assert path.read_bytes() == before
    assert [found.name for found in tmp_path.iterdir()] == ["omni.sqlite3"]


def test_what_is_no_database_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "omni.sqlite3"
    path.write_bytes(b"once upon a time " * 1000)
    with pytest.raises(StoreVersionError, match="not a database that can be read") as caught:
        migrate(path, "1")
    assert caught.value.hint
    assert path.read_bytes() == b"once upon a time " * 1000


def test_only_its_owner_reads_the_database(tmp_path: Path) -> None:
    path = offline.create(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    first = offline.write(tmp_path, lambda tx: tx.value("SELECT value FROM setting WHERE name = 'key'"))
    offline.create(tmp_path)
    again = offline.write(tmp_path, lambda tx: tx.value("SELECT value FROM setting WHERE name = 'key'"))
    assert (len(first), first) == (32, again)


def test_the_numbers_have_no_gaps_and_the_files_are_whole() -> None:
    for number, name, sql in known():
        assert re.fullmatch(r"\d{4}_[a-z_]+\.sql", name)
        assert name.startswith(f"{number:04}_")
        assert list(statements(sql))


def test_statements_keep_triggers_whole() -> None:
    trigger = "CREATE TRIGGER t AFTER INSERT ON a BEGIN\n  DELETE FROM b;\n  DELETE FROM c;\nEND;\n"
    assert list(statements(f"-- why\n\n{trigger}SELECT 1;\n")) == [trigger, "SELECT 1;\n"]
    with pytest.raises(StoreError, match="unfinished"):
        list(statements("SELECT 1"))
