"""Hand-overs: from one operator to another, or to another team; and how many the conversations of a time had.

What somebody took from the queue, was given by rules or moved before he had begun is none: the customer has
met nobody yet. What was declined is counted for itself.
"""

from __future__ import annotations

import msgspec

from server.protocol import TransferFigures
from server.store.transaction import Snapshot, Transaction


class Side(msgspec.Struct, frozen=True):
    """Who has it. `team`: the one whose work it is, "" where no team serves it."""

    operator_id: int | None
    team: str


def note(tx: Transaction, conversation_id: int, by: int, before: Side, after: Side, team_before: str) -> int:
    """Its number. `team_before`: `conversation.team` as it was, to be put back when it is declined."""
    transfer_id = tx.insert(
        "INSERT INTO transfer (conversation_id, at, by_operator, from_operator, to_operator, from_team,"
        " to_team, team_before) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            conversation_id,
            tx.now,
            by,
            before.operator_id,
            after.operator_id,
            before.team,
            after.team,
            team_before,
        ),
    )
    tx.run("UPDATE conversation SET transfers = transfers + 1 WHERE id = ?", (conversation_id,))
    return transfer_id


def declined(tx: Transaction, transfer_id: int) -> None:
    """It came back, and belongs to the team that it belonged to before."""
    for row in tx.all(
        "UPDATE transfer SET declined_at = ? WHERE id = ? AND declined_at IS NULL"
        " RETURNING conversation_id, team_before",
        (tx.now, transfer_id),
    ):
        tx.run(
            "UPDATE conversation SET transfers = transfers - 1, team = ? WHERE id = ?",
            (row["team_before"], row["conversation_id"]),
        )


def undone(tx: Transaction, conversation_id: int, by: int, from_operator: int | None) -> bool:
    """Take the newest one back, if this operator made it, from there: it never was. Whether it was so."""
    row = tx.first(
        "SELECT id, by_operator, from_operator, declined_at, team_before FROM transfer"
        " WHERE conversation_id = ? ORDER BY id DESC LIMIT 1",
        (conversation_id,),
    )
    made = None if row is None else (row["by_operator"], row["from_operator"], row["declined_at"])
    if row is None or made != (by, from_operator, None):
        return False
    tx.run("DELETE FROM transfer WHERE id = ?", (row["id"],))
    tx.run(
        "UPDATE conversation SET transfers = transfers - 1, team = ? WHERE id = ?",
        (row["team_before"], conversation_id),
    )
    return True


def figures(tx: Snapshot, since: int) -> TransferFigures:
    """Of conversations closed since then, by their hand-overs; and the hand-overs of that time."""
    closed = {
        row["times"]: row["n"]
        for row in tx.all(
            "SELECT min(transfers, 2) AS times, count(*) AS n FROM conversation"
            " WHERE state = 'closed' AND spam = 0 AND joined_into IS NULL AND closed_at >= ?"
            " GROUP BY min(transfers, 2)",
            (since,),
        )
    }
    [moved] = tx.all(
        "SELECT count(*) AS n, count(declined_at) AS declined,"
        " coalesce(sum(from_team != to_team AND declined_at IS NULL), 0) AS between_teams"
        " FROM transfer WHERE at >= ?",
        (since,),
    )
    return TransferFigures(
        since=since,
        closed=sum(closed.values()),
        none=closed.get(0, 0),
        once=closed.get(1, 0),
        more=closed.get(2, 0),
        handed_over=moved["n"] - moved["declined"],
        between_teams=moved["between_teams"],
        declined=moved["declined"],
    )
