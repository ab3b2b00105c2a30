"""The queue as it is distributed: what waits by channel, who holds how much, and what a case needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from server.store.transaction import Snapshot, Transaction

FIRST_ROWS, MOST_ROWS = 4, 256  # mostly one conversation is asked for, and its rows are cold


class Waiting(msgspec.Struct, frozen=True):
    """A conversation that nobody has; ordered as it is served."""

    priority: int
    sort_at: int
    id: int
    customer_id: int
    channel_id: str
    refused_by: int | None = None  # who gave it back, or declined it: it is not given to him again


def waiting(tx: Snapshot, channel_id: str) -> Iterator[Waiting]:
    """Of one channel, urgent ones first, the longest-waiting first; read as far as it is asked for."""
    key, page = (-1, 0, 0), FIRST_ROWS
    while True:
        rows = tx.all(
            "SELECT id, customer_id, priority, sort_at,"
            " CASE WHEN acted IN ('released', 'declined') THEN acted_by END AS refused_by FROM conversation"
            " WHERE state = 'open' AND assignee_id IS NULL AND channel_id = ?"
            " AND (priority, sort_at, id) > (?, ?, ?) ORDER BY priority, sort_at, id LIMIT ?",
            (channel_id, *key, page),
        )
        for row in rows:
            yield Waiting(
                row["priority"], row["sort_at"], row["id"], row["customer_id"], channel_id, row["refused_by"]
            )
        if len(rows) < page:
            return
        page = min(page * 4, MOST_ROWS)
        key = (rows[-1]["priority"], rows[-1]["sort_at"], rows[-1]["id"])


def held(tx: Snapshot, operators: Iterable[int]) -> list[tuple[int, str, int]]:
    """(operator, channel, how many): conversations in which the ball is with us."""
    return [
        (row["assignee_id"], row["channel_id"], row["n"])
        for row in tx.all(
            "SELECT assignee_id, channel_id, count(*) AS n FROM conversation"
            " WHERE state = 'open' AND assignee_id IS NOT NULL"
            " AND assignee_id IN (SELECT value FROM json_each(?)) GROUP BY assignee_id, channel_id",
            (msgspec.json.encode(list(operators)).decode(),),
        )
    ]


def tags(tx: Snapshot, conversation_id: int) -> list[str]:
    return [
        row["tag"]
        for row in tx.all("SELECT tag FROM conversation_tag WHERE conversation_id = ?", (conversation_id,))
    ]


def spoke_last(tx: Snapshot, customer_id: int) -> int | None:
    """The operator who wrote to the customer last, in whatever conversation of his latest words."""
    found: int | None = tx.value(
        "SELECT operator_id FROM (SELECT kind, operator_id, at, id FROM message WHERE customer_id = ?"
        " ORDER BY at DESC, id DESC LIMIT 100) WHERE kind = 'out' AND operator_id IS NOT NULL"
        " ORDER BY at DESC, id DESC LIMIT 1",
        (customer_id,),
    )
    return found


def note_why(tx: Transaction, conversation_id: int, why: str) -> None:
    """Why it has its operator, or none; `conversations.save_life` forgets it with the next one."""
    tx.run("UPDATE conversation SET assigned_why = ? WHERE id = ?", (why, conversation_id))


def note_given(tx: Transaction, conversation_id: int, given_from: int | None, decline_until: int) -> None:
    """It was handed over, and may be declined until then."""
    tx.run(
        "UPDATE conversation SET given_from = ?, decline_until = ? WHERE id = ?",
        (given_from, decline_until, conversation_id),
    )


class Given(msgspec.Struct, frozen=True):
    given_from: int | None
    decline_until: int | None


def given(tx: Snapshot, conversation_id: int) -> Given:
    """The conversation must exist."""
    [row] = tx.all("SELECT given_from, decline_until FROM conversation WHERE id = ?", (conversation_id,))
    return Given(row["given_from"], row["decline_until"])
