"""The store without a server: for commands, and only while they hold the data directory's lock."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from server.clock import SystemClock
from server.protocol import AuditVerdict, OperatorInfo, Role
from server.store import audit, erasure, operators, state, switch
from server.store.database import open_writer, run_batch
from server.store.migrations import migrate
from server.store.transaction import Transaction

T = TypeVar("T")

DATABASE = switch.DATABASE
BLOBS = switch.BLOBS


def create(data_dir: Path) -> Path:
    """Make the database, or bring it to this version; its path."""
    switch.finish(data_dir)
    path = data_dir / DATABASE
    now = SystemClock().now()
    migrate(path, str(now))
    path.chmod(0o600)
    write(data_dir, _ensure_key)
    return path


def _ensure_key(tx: Transaction) -> None:
    if state.setting(tx, "key") is None:
        state.put_setting(tx, "key", secrets.token_bytes(32))


def write(data_dir: Path, fn: Callable[[Transaction], T]) -> T:
    """Run one transaction function; its result, committed."""
    switch.finish(data_dir)
    connection = open_writer(data_dir / DATABASE)
    try:
        outcome = run_batch(connection, [fn], SystemClock().now())[0]
    finally:
        connection.close()
    if outcome.error is not None:
        raise outcome.error
    result: T = outcome.result
    return result


def add_operator(data_dir: Path, login: str, name: str, role: Role, uid: int | None) -> OperatorInfo:
    return write(data_dir, lambda tx: operators.add(tx, login, name, role, uid))


def disable_operator(data_dir: Path, login: str) -> OperatorInfo:
    return write(data_dir, lambda tx: operators.disable(tx, login))


def enable_operator(data_dir: Path, login: str) -> OperatorInfo:
    return write(data_dir, lambda tx: operators.enable(tx, login))


def list_operators(data_dir: Path) -> list[OperatorInfo]:
    return write(data_dir, operators.everybody)


def verify_audit(data_dir: Path, expect: tuple[int, bytes] | None) -> AuditVerdict:
    return write(data_dir, lambda tx: audit.verify(tx, expect))


def compact(data_dir: Path) -> None:
    """Write the whole database anew: nothing deleted is left between its rows or in its indexes of words."""
    connection = open_writer(data_dir / DATABASE)
    try:
        for table in erasure.WORDS:
            connection.execute(f"INSERT INTO {table} ({table}) VALUES ('optimize')")
        connection.execute("VACUUM")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        connection.close()
