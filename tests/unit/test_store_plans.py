"""What the server asks over and over reads the few rows that matter, not all that there ever were."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from server.store import journal, offline, outbox
from server.store.transaction import Parameters, Snapshot, Transaction

ASKED: dict[str, Callable[[Transaction], Any]] = {
    "journal.unfinished": lambda tx: journal.unfinished(tx, ["mail", "site"], 25),
    "outbox.abandoned": lambda tx: outbox.abandoned(tx, tx.now),
    "outbox.next_due": lambda tx: outbox.next_due(tx, ["mail", "site"]),
    "outbox.lease_due": lambda tx: outbox.lease_due(tx, "token", tx.now + 1, {"mail": 8}),
    "outbox.unsent": outbox.unsent,
    "outbox.doubtful": lambda tx: outbox.doubtful(tx, None),
    "outbox.unsettled": outbox.unsettled,
}


class Explaining(Transaction):
    """Notes the plan of every statement instead of running it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection, 1_790_000_000_000)
        self.plans: list[str] = []

    def all(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        self.plans += [row["detail"] for row in super().all(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        return []

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        self.all(sql, parameters)
        return None


@pytest.mark.parametrize("name", ASKED)
def test_no_question_reads_a_whole_table(name: str, tmp_path: Path) -> None:
    offline.create(tmp_path)
    connection = sqlite3.connect(tmp_path / offline.DATABASE)
    connection.row_factory = sqlite3.Row
    tx = Explaining(connection)
    ASKED[name](tx)
    connection.close()
    assert tx.plans
    indices = ("outbox_pending", "outbox_unsettled", "journal_unfinished", "INTEGER PRIMARY KEY")
    first = [plan for plan in tx.plans if plan.split()[1] in ("o", "e", "outbox", "journal")]
    assert first
    for plan in first:
        assert any(index in plan for index in indices), tx.plans


def test_the_ruler_measures(tmp_path: Path) -> None:
    offline.create(tmp_path)
    connection = sqlite3.connect(tmp_path / offline.DATABASE)
    connection.row_factory = sqlite3.Row
    snapshot: Snapshot = Explaining(connection)
    snapshot.all("SELECT * FROM outbox WHERE state = 'sending'")
    assert isinstance(snapshot, Explaining)
    assert snapshot.plans == ["SCAN outbox"]
    connection.close()
