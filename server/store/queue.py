"""The queue as it is distributed: what waits by channel, who holds how much, and what a case needs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from server.store.transaction import Snapshot, Transaction

UNASSIGNED = "state = 'open' AND assignee_id IS NULL"
# Beside the index of the queue by channel: what was handed to some team has a small one of its own.
_HANDED = {False: "team = ''", True: "team != '' AND team = :team"}
# Not begun: neither a draft, nor a note, nor an answer of its operator since it became his.
UNTOUCHED = (
    "NOT EXISTS (SELECT 1 FROM draft d WHERE d.operator_id = c.assignee_id AND d.conversation_id = c.id)"
    " AND NOT EXISTS (SELECT 1 FROM message m WHERE m.conversation_id = c.id"
    " AND m.operator_id = c.assignee_id AND m.kind IN ('out', 'note') AND m.seq > c.assigned_seq)"
)

FIRST_ROWS, MOST_ROWS = 4, 256  # mostly one conversation is asked for, and its rows are cold


class Waiting(msgspec.Struct, frozen=True):
    """A conversation that nobody has; ordered as it is served."""

    priority: int
    sort_at: int
    id: int
    customer_id: int
    channel_id: str
    # Who gave it back, declined it or handed it to another team: it is not given to him again.
    refused_by: int | None = None
    team: str = ""  # that it was handed to


def waiting(tx: Snapshot, channel_id: str, team: str = "") -> Iterator[Waiting]:
    """Of one channel, urgent ones first, the longest-waiting first; read as far as it is asked for.
    `team`: only what was handed to it; "": what was handed to none."""
    key, page = (-1, 0, 0), FIRST_ROWS
    while True:
        rows = tx.all(
            "SELECT id, customer_id, priority, sort_at,"
            " coalesce(given_from, CASE WHEN acted IN ('released', 'declined') THEN acted_by END)"
            " AS refused_by"
            f" FROM conversation WHERE {UNASSIGNED} AND channel_id = :channel AND {_HANDED[bool(team)]}"
            " AND (priority, sort_at, id) > (:priority, :at, :id) ORDER BY priority, sort_at, id LIMIT :page",
            {
                "channel": channel_id,
                "team": team,
                "priority": key[0],
                "at": key[1],
                "id": key[2],
                "page": page,
            },
        )
        for row in rows:
            yield Waiting(
                row["priority"],
                row["sort_at"],
                row["id"],
                row["customer_id"],
                channel_id,
                row["refused_by"],
                team,
            )
        if len(rows) < page:
            return
        page = min(page * 4, MOST_ROWS)
        key = (rows[-1]["priority"], rows[-1]["sort_at"], rows[-1]["id"])


def handed(tx: Snapshot) -> list[tuple[str, str]]:
    """(channel, team): where work waits that was handed to a team."""
    return [
        (row["channel_id"], row["team"])
        for row in tx.all("SELECT channel_id, team FROM queue_length WHERE team != '' AND n > 0")
    ]


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


def save_team(tx: Transaction, conversation_id: int, team: str) -> None:
    tx.run("UPDATE conversation SET team = ? WHERE id = ?", (team, conversation_id))


def note_given(
    tx: Transaction,
    conversation_id: int,
    given_from: int | None,
    decline_until: int | None,
    transfer_id: int | None = None,
) -> None:
    """It was handed over, and may be declined until then; None: it was taken from him, and is the queue's."""
    tx.run(
        "UPDATE conversation SET given_from = ?, decline_until = ?, given_transfer = ? WHERE id = ?",
        (given_from, decline_until, transfer_id, conversation_id),
    )


class Given(msgspec.Struct, frozen=True):
    given_from: int | None
    decline_until: int | None
    transfer_id: int | None


def given(tx: Snapshot, conversation_id: int) -> Given:
    """The conversation must exist."""
    [row] = tx.all(
        "SELECT given_from, decline_until, given_transfer FROM conversation WHERE id = ?", (conversation_id,)
    )
    return Given(row["given_from"], row["decline_until"], row["given_transfer"])
