"""Figures of what waits, cheap enough to be asked for every few seconds."""

from __future__ import annotations

import msgspec

from server.protocol import TransferFigures
from server.store import cases, events, transfers
from server.store.transaction import Snapshot

DAY_MS = 86_400_000


class Backlog(msgspec.Struct, frozen=True, kw_only=True):
    """Times are UTC milliseconds, None where nothing waits."""

    outbox: dict[tuple[str, str], int]  # (channel, state) -> replies that are not sent
    oldest_reply_at: int | None
    queue: int
    oldest_queued_at: int | None
    journal: dict[str, int]  # state -> items that are not taken
    forgotten: int  # closed without an answer; 1000 means "at least"
    newest_seq: int
    day: TransferFigures  # of the last 24 hours


def backlog(tx: Snapshot) -> Backlog:
    queue = tx.first(
        "SELECT count(*) AS count, min(waiting_since) AS oldest FROM conversation"
        " WHERE state = 'open' AND assignee_id IS NULL"
    )
    return Backlog(
        outbox={
            (row["channel_id"], row["state"]): row["count"]
            for row in tx.all(
                "SELECT channel_id, state, count(*) AS count FROM outbox WHERE state != 'sent'"
                " GROUP BY channel_id, state"
            )
        },
        oldest_reply_at=tx.value(
            "SELECT min(created_at) FROM outbox WHERE state IN ('queued', 'sending', 'retrying')"
        ),
        queue=0 if queue is None else queue["count"],
        oldest_queued_at=None if queue is None else queue["oldest"],
        journal={
            row["state"]: row["count"]
            for row in tx.all(
                "SELECT state, count(*) AS count FROM journal WHERE state != 'taken' GROUP BY state"
            )
        },
        forgotten=cases.count_forgotten(tx),
        newest_seq=events.newest(tx),
        day=transfers.figures(tx, tx.now - DAY_MS),
    )
