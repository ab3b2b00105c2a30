"""What the server asks over and over reads the few rows that matter, not all that there ever were."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from server.protocol import ChannelInfo, OperatorInfo, View
from server.protocol.filtering import Known, filter_of, look_up
from server.protocol.query import parse
from server.store import (
    approach,
    auto_answers,
    candidates,
    cases,
    conversations,
    customers,
    deadlines,
    finding,
    journal,
    lists,
    offline,
    outbox,
    overview,
    presence,
    queue,
    silences,
    spam,
    transfers,
)
from server.store.transaction import Parameters, Snapshot, Transaction

ASKED: dict[str, Callable[[Transaction], Any]] = {
    "journal.unfinished": lambda tx: journal.unfinished(tx, ["mail", "site"], 25),
    "outbox.abandoned": lambda tx: outbox.abandoned(tx, tx.now),
    "outbox.next_due": lambda tx: outbox.next_due(tx, ["mail", "site"], tx.now),
    "outbox.lease_due": lambda tx: outbox.lease_due(tx, "token", tx.now + 1, {"mail": 8}),
    "outbox.unsent": outbox.unsent,
    "outbox.doubtful": lambda tx: outbox.doubtful(tx, None),
    "outbox.unsettled": outbox.unsettled,
    "journal.items": lambda tx: journal.items(tx, "quarantined"),
}

LISTS: dict[View, str] = {
    "queue": "conversation_mine_open",
    "mine": "conversation_mine_open",
    "waiting": "conversation_resting",
    "all": "conversation_active",
    "closed": "conversation_closed",
    "spam": "conversation_spam",
}

# Somebody who has written for years: what is asked of him with each message.
OF_CUSTOMER: dict[str, tuple[Callable[[Transaction], Any], str]] = {
    "active_of": (lambda tx: conversations.active_of(tx, 1), "conversation_live"),
    "closed_since": (lambda tx: conversations.closed_since(tx, 1, 0), "conversation_ended"),
    "of_customer": (lambda tx: conversations.of_customer(tx, 1, 1), "conversation_of_customer"),
    "reachable": (lambda tx: customers.reachable(tx, 1), "message_thread"),
    "deadlines.to_tell": (lambda tx: deadlines.to_tell(tx, tx.now), "deadline_next"),
    "deadlines.kept": (lambda tx: deadlines.kept(tx, 1), "PRIMARY KEY"),
    "silences.due": (lambda tx: silences.due(tx, "announce", tx.now, 50), "silence_next"),
    "silences.of_customer": (lambda tx: silences.of_customer(tx, 1), "conversation_live"),
    "silences.announced_by": (lambda tx: silences.announced_by(tx, 1), "silence_announced"),
    "auto_answers.said_until": (lambda tx: auto_answers.said_until(tx, 1, 1), "auto_answer_conversation"),
    "deadlines.changes": (lambda tx: deadlines.changes(tx, 1), "PRIMARY KEY"),
    "forgotten": (lambda tx: cases.forgotten(tx, 50), "conversation_unanswered"),
    "come_due": (lambda tx: cases.come_due(tx, tx.now), "conversation_due"),
    "open_conversations": (lambda tx: approach.open_conversations(tx, 1), "conversation_live"),
    "queue.waiting": (lambda tx: list(queue.waiting(tx, "mail")), "conversation_unassigned"),
    "kept_apart": (lambda tx: spam.place_of(tx, 1), "conversation_of_customer"),
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
        return None


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Explaining]:
    offline.create(tmp_path)
    connection = sqlite3.connect(tmp_path / offline.DATABASE)
    connection.row_factory = sqlite3.Row
    yield Explaining(connection)
    connection.close()


@pytest.mark.parametrize("name", ASKED)
def test_no_question_reads_a_whole_table(name: str, tx: Explaining) -> None:
    ASKED[name](tx)
    assert tx.plans
    indices = ("outbox_pending", "outbox_unsettled", "journal_unfinished", "INTEGER PRIMARY KEY")
    first = [plan for plan in tx.plans if plan.split()[1] in ("o", "e", "outbox", "journal")]
    assert first
    for plan in first:
        assert any(index in plan for index in indices), tx.plans


@pytest.mark.parametrize("first", [True, False])
@pytest.mark.parametrize("view", LISTS)
def test_a_page_of_a_list_is_read_off_its_index(view: View, first: bool, tx: Explaining) -> None:
    after = None if first else (1,) * lists.key_length(view)
    lists.page(tx, view, 1, after, 50)
    assert any(LISTS[view] in plan for plan in tx.plans), tx.plans
    assert not any("TEMP B-TREE" in plan for plan in tx.plans), tx.plans


@pytest.mark.parametrize("view", LISTS)
def test_a_page_of_a_filtered_list_is_read_off_the_same_index(view: View, tx: Explaining) -> None:
    """Also where it ends, which bounds what SQL and we look at."""
    known = Known(me=1, operators=[], channels=[])
    tests = filter_of(
        parse("kettle is:unread -tag:vip assignee:me"), known, datetime(2026, 11, 30, tzinfo=UTC)
    )
    lists.filtered(tx, view, 1, (1,) * lists.key_length(view), 50, tests)
    assert len([plan for plan in tx.plans if LISTS[view] in plan]) == 2, tx.plans
    assert not any(plan.startswith("SCAN conversation") for plan in tx.plans), tx.plans
    sorted_rows = [plan for plan in tx.plans if "TEMP B-TREE" in plan]
    assert sorted_rows == ["USE TEMP B-TREE FOR ORDER BY"], tx.plans  # of the keys, to find the last


@pytest.mark.parametrize("name", OF_CUSTOMER)
def test_a_long_acquaintance_costs_no_more(name: str, tx: Explaining) -> None:
    ask, index = OF_CUSTOMER[name]
    ask(tx)
    assert any(index in plan for plan in tx.plans), tx.plans
    assert not any(plan.startswith("SCAN") for plan in tx.plans), tx.plans


def test_who_holds_what_is_read_off_an_index(tx: Explaining) -> None:
    queue.held(tx, [1])
    assert any("COVERING INDEX conversation_held" in plan for plan in tx.plans), tx.plans
    presence.untouched_of_gone(tx, [1])
    assert {plan for plan in tx.plans if plan.startswith("SCAN")} == {"SCAN json_each VIRTUAL TABLE INDEX 1:"}


def test_what_presses_is_counted_off_its_index(tx: Explaining) -> None:
    with pytest.raises(ValueError, match="unpack"):  # nothing is run, so there is no row
        lists.counts(tx, 1)
    pressing = [plan for plan in tx.plans if "conversation_pressing" in plan]
    assert len(pressing) == 4
    assert all("(assignee_id=? AND deadline_level" in plan for plan in pressing), pressing


OVERVIEW: dict[str, tuple[Callable[[Transaction], Any], tuple[str, ...]]] = {
    "lengths": (overview.lengths, ()),
    "oldest": (lambda tx: overview.oldest(tx, "mail", ""), ("conversation_unassigned",)),
    "oldest handed": (lambda tx: overview.oldest(tx, "mail", "sales"), ("conversation_handed",)),
    "handed": (lambda tx: list(queue.waiting(tx, "mail", "sales")), ("conversation_handed",)),
    "hands": (
        lambda tx: overview.hands(tx, [1, 2]),
        ("conversation_held", "conversation_resting", "conversation_pressing"),
    ),
    "pressing": (overview.pressing, ("conversation_pressed", "conversation_broken", "conversation_due")),
    "list pressing": (
        lambda tx: overview.list_pressing(tx, 1, 50),
        ("conversation_pressed", "conversation_broken", "conversation_due"),
    ),
    "list queue": (lambda tx: overview.list_queue(tx, "mail", "", 1, 50), ("conversation_unassigned",)),
    "list handed": (lambda tx: overview.list_queue(tx, "mail", "a", 1, 50), ("conversation_handed",)),
    "list held": (
        lambda tx: overview.list_held(tx, 1, 1, 50),
        ("conversation_mine_open", "conversation_resting"),
    ),
    "untouched": (lambda tx: overview.untouched(tx, [1]), ("message_of_conversation",)),
    "figures": (
        lambda tx: transfers.figures(tx, 0),
        ("COVERING INDEX conversation_finished", "COVERING INDEX transfer_at"),
    ),
}


@pytest.mark.parametrize("name", OVERVIEW)
def test_the_overview_is_read_off_indexes(name: str, tx: Explaining) -> None:
    ask, indexes = OVERVIEW[name]
    with contextlib.suppress(ValueError):  # nothing is run, so there is no row
        ask(tx)
    for index in indexes:
        assert any(index in plan for plan in tx.plans), tx.plans
    # An index that holds just these rows may be read from its beginning.
    whole = [plan for plan in tx.plans if plan.startswith(("SCAN c", "SCAN conversation"))]
    assert all("conversation_broken" in plan for plan in whole), whole


@pytest.mark.parametrize("remit", [None, candidates.Remit(frozenset({"tg", "mail"}), frozenset({"sales"}))])
def test_candidates_for_the_next_one_are_read_off_indexes(
    remit: candidates.Remit | None, tx: Explaining
) -> None:
    candidates.candidates(tx, 1, {"tg": 1}, remit)
    found = [plan for plan in tx.plans if "conversation" in plan]
    for index in ("conversation_mine_open", "conversation_unassigned", "conversation_deadline"):
        assert any(index in plan for plan in found), found
    assert not any(plan.startswith("SCAN conversation") for plan in found), found
    assert not any("TEMP B-TREE" in plan for plan in tx.plans), tx.plans


SEARCHES = {
    "refund": "VIRTUAL TABLE INDEX",
    "refund is:closed before:2026-01-01 -tag:vip": "VIRTUAL TABLE INDEX",
    "has:attachment": "message_carrying",
    "is:note -from:olga": "message_noted",
    "from:me": "message_by_operator",
    "is:unread": "sqlite_autoindex_message_1",
    "channel:mail topic:refund": "sqlite_autoindex_message_1",
    "-refund priority:urgent": "sqlite_autoindex_message_1",
    "from:anna@example.org refund": "message_river",
    "to:anna": "message_river",
    "tag:vip": "conversation_by_tag",
    "is:snoozed": "conversation_snoozed",
    "is:mine": "conversation_held",
    "is:mine refund": "conversation_resting",
    "assignee:olga": "sqlite_autoindex_message_1",
}


@pytest.mark.parametrize("typed", SEARCHES)
def test_a_search_is_read_off_an_index(typed: str, tx: Explaining) -> None:
    """Also by a qualifier alone: newest first along an index, never a table and never sorted."""
    me = OperatorInfo(id=1, login="olga", name="Olga", role="operator")
    mail = ChannelInfo(id="mail", kind="email", title="Mail", mark="@")
    known = Known(me=1, operators=[me], channels=[mail])
    tests = look_up(parse(typed), known, datetime(2026, 11, 30, tzinfo=UTC))
    finding.found(tx, tests, finding.Asker(1, ""), None, None, 50)
    # Nothing is run, so nobody was found: what would follow for one person is asked here.
    finding.found(tx, tests, finding.Asker(1, ""), 1, None, 50)
    assert any(SEARCHES[typed] in plan for plan in tx.plans), tx.plans
    tables = [plan for plan in tx.plans if plan.startswith("SCAN") and "VIRTUAL TABLE" not in plan]
    assert not tables, tx.plans
    assert not any("ORDER BY" in plan for plan in tx.plans), tx.plans


def test_the_ruler_measures(tx: Explaining) -> None:
    snapshot: Snapshot = tx
    snapshot.all("SELECT * FROM outbox WHERE state = 'sending'")
    assert tx.plans == ["SCAN outbox"]
