"""Conversations that may be an operator's next: the first few by each thing that makes one urgent."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from server.queue.next_best import Candidate
from server.store import conversations
from server.store.conversations import PRIORITIES
from server.store.transaction import Snapshot

MINE, QUEUED, PRESSING = 50, 25, 50  # of each, so many


def candidates(
    tx: Snapshot, me: int, windows_ms: Mapping[str, int], only: Iterable[str] | None = None
) -> list[Candidate]:
    """`windows_ms`: for how long after the customer's last message we may write, by channel that has such a
    limit. `only`: whose channels' unassigned work he may be given; None: everybody's."""
    ids: dict[int, None] = {}
    mine: dict[str, int | str] = {"me": me, "limit": MINE}
    _add(ids, tx, "assignee_id = :me AND state = 'open' ORDER BY priority, sort_at, id LIMIT :limit", mine)
    channels = None if only is None else sorted(only)
    for priority in range(len(PRIORITIES)):
        for channel in sorted(windows_ms) if channels is None else channels:
            _add(
                ids,
                tx,
                "state = 'open' AND assignee_id IS NULL AND channel_id = :channel AND priority = :priority"
                " ORDER BY sort_at, id LIMIT :limit",
                {"channel": channel, "priority": priority, "limit": QUEUED},
            )
        if channels is None:
            _add(
                ids,
                tx,
                "state = 'open' AND assignee_id IS NULL AND priority = :priority"
                " ORDER BY sort_at, id LIMIT :limit",
                {"priority": priority, "limit": QUEUED},
            )
    for whose in ("= :me", "IS NULL"):
        _add(
            ids,
            tx,
            f"assignee_id {whose} AND state = 'open' AND deadline_at IS NOT NULL"
            " ORDER BY deadline_at LIMIT :limit",
            {"me": me, "limit": PRESSING},
        )
    found = of_ids(tx, list(ids), me, windows_ms)
    return [
        one
        for one in found
        if channels is None or one.conversation.assignee_id == me or one.conversation.channel_id in channels
    ]


def of_ids(tx: Snapshot, ids: list[int], me: int, windows_ms: Mapping[str, int]) -> list[Candidate]:
    rows = conversations.many(tx, ids, me)
    wanted = {"ids": msgspec.json.encode(list(rows)).decode(), "me": me}
    acted = {
        row["id"]
        for row in tx.all(
            "SELECT id FROM conversation WHERE id IN (SELECT value FROM json_each(:ids)) AND acted_by = :me",
            wanted,
        )
    }
    limited = [row.id for row in rows.values() if row.channel_id in windows_ms]
    heard = {
        row["id"]: row["heard_at"]
        for row in tx.all(
            "SELECT c.id, (SELECT max(m.at) FROM message m WHERE m.conversation_id = c.id AND m.kind = 'in'"
            " AND m.channel_id = c.channel_id) AS heard_at"
            " FROM conversation c WHERE c.id IN (SELECT value FROM json_each(?))",
            (msgspec.json.encode(limited).decode(),),
        )
        if row["heard_at"] is not None
    }
    return [
        Candidate(
            conversation=row,
            window_until=heard[row.id] + windows_ms[row.channel_id] if row.id in heard else None,
            acted_last=row.id in acted,
        )
        for row in rows.values()
    ]


def _add(ids: dict[int, None], tx: Snapshot, condition: str, parameters: dict[str, int | str]) -> None:
    ids.update(
        dict.fromkeys(
            row["id"] for row in tx.all(f"SELECT id FROM conversation WHERE {condition}", parameters)
        )
    )
