"""What is asked of a person's likenesses and codes is read off indexes, however many people there are."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from server.store import codes, customers, likenesses, merges, offline, state, suggestions
from server.store.transaction import Parameters, Transaction

ASKED: dict[str, Callable[[Transaction], Any]] = {
    "same_addresses": lambda tx: likenesses.same_addresses(tx, 1),
    "namesakes": lambda tx: likenesses.namesakes(tx, b"mark", 4),
    "records_numbered": lambda tx: likenesses.records_numbered(tx, ["A-1"]),
    "is_spam": lambda tx: likenesses.is_spam(tx, 1),
    "to_compare": lambda tx: likenesses.to_compare(tx, 50),
    "said": lambda tx: likenesses.said(tx, [1]),
    "inbox": lambda tx: suggestions.page(tx, "open", None, None, 30),
    "inbox, further": lambda tx: suggestions.page(tx, "refused", None, (1, 1), 30),
    "open suggestions": suggestions.count_open,
    "about": lambda tx: suggestions.about(tx, 1, 2),
    "settle_united": lambda tx: suggestions.settle_united(tx, 1),
    "merge_undone": lambda tx: suggestions.merge_undone(tx, 1, 1),
    "were_parted": lambda tx: merges.were_parted(tx, 1, 2),
    "claimant": lambda tx: customers.claimant(tx, "email", "", "a@b.example", "why"),
    "accounts": lambda tx: customers.accounts(tx, 1),
    "is_signed": lambda tx: customers.is_signed(tx, 1),
    "live_digits": lambda tx: codes.live_digits(tx, 1),
    "by_digest": lambda tx: codes.by_digest(tx, b"digest"),
    "of_message": lambda tx: codes.of_message(tx, 1),
    "sent_in": lambda tx: codes.sent_in(tx, 1, 0),
    "sent_to": lambda tx: codes.sent_to(tx, 1, 0),
    "led_thread": lambda tx: state.led_thread(tx, "mail", "thread"),
    "items": lambda tx: state.items(tx, "site", "session:", "", 500),
}


class Explaining(Transaction):
    """Notes the plan of every statement instead of running it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        super().__init__(connection, 1_790_000_000_000)
        self.plans: list[str] = []

    def all(self, sql: str, parameters: Parameters = ()) -> list[sqlite3.Row]:
        self.plans += [row["detail"] for row in super().all(f"EXPLAIN QUERY PLAN {sql}", parameters)]
        return []

    def first(self, sql: str, parameters: Parameters = ()) -> sqlite3.Row | None:
        self.all(sql, parameters)
        return None

    def value(self, sql: str, parameters: Parameters = ()) -> Any:
        self.all(sql, parameters)
        return 0


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Explaining]:
    offline.create(tmp_path)
    connection = sqlite3.connect(tmp_path / offline.DATABASE)
    connection.row_factory = sqlite3.Row
    yield Explaining(connection)
    connection.close()


@pytest.mark.parametrize("name", ASKED)
def test_nothing_is_read_from_end_to_end(name: str, tx: Explaining) -> None:
    ASKED[name](tx)
    assert tx.plans
    free = ("json_each", "CONSTANT ROW")
    scans = [plan for plan in tx.plans if plan.startswith("SCAN") and not any(one in plan for one in free)]
    # In the order of its key, and no further than its limit.
    assert scans == (["SCAN card_to_compare"] if name == "to_compare" else []), tx.plans


@pytest.mark.parametrize("name", ["inbox", "inbox, further", "namesakes"])
def test_a_page_is_read_off_its_index(name: str, tx: Explaining) -> None:
    ASKED[name](tx)
    assert not any("TEMP B-TREE" in plan for plan in tx.plans), tx.plans


def test_the_ruler_measures(tx: Explaining) -> None:
    tx.all("SELECT * FROM suggestion ORDER BY created_at")
    assert tx.plans == ["SCAN suggestion", "USE TEMP B-TREE FOR ORDER BY"]
