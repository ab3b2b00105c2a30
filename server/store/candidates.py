"""Conversations that may be an operator's next: the first few by each thing that makes one urgent."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from server.queue.next_best import Candidate
from server.store import conversations
from server.store.conversations import PRIORITIES
from server.store.transaction import Snapshot

MINE, QUEUED, PRESSING = 50, 25, 50  # of each, so many


class Remit(msgspec.Struct, frozen=True):
    """Whose unassigned work may be given: that of these channels, and what was handed to these teams."""

    channels: frozenset[str]
    teams: frozenset[str]

    def covers(self, channel_id: str, team: str) -> bool:
        return team in self.teams if team else channel_id in self.channels


def candidates(
    tx: Snapshot, me: int, windows_ms: Mapping[str, int], remit: Remit | None = None
) -> list[Candidate]:
    """`windows_ms`: for how long after the customer's last message we may write, by channel that has such a
    limit. `remit`: None, where everybody's work may be given."""
    found = _Found(tx, me, remit)
    found.add("assignee_id = :me AND state = 'open' ORDER BY priority, sort_at, id LIMIT :limit", MINE)
    for priority in range(len(PRIORITIES)):
        for channel in sorted(windows_ms if remit is None else remit.channels):
            found.add(
                "state = 'open' AND assignee_id IS NULL AND channel_id = :channel AND priority = :priority"
                " AND (:anybody OR team = '') ORDER BY sort_at, id LIMIT :limit",
                QUEUED,
                channel=channel,
                priority=priority,
                anybody=remit is None,
            )
        if remit is None:
            found.add(
                "state = 'open' AND assignee_id IS NULL AND priority = :priority"
                " ORDER BY sort_at, id LIMIT :limit",
                QUEUED,
                priority=priority,
            )
    for handed in tx.all("SELECT channel_id, team FROM queue_length WHERE team != '' AND n > 0"):
        if remit is not None and handed["team"] in remit.teams:
            found.add(
                "state = 'open' AND assignee_id IS NULL AND team = :team AND team != ''"
                " AND channel_id = :channel ORDER BY priority, sort_at, id LIMIT :limit",
                QUEUED,
                channel=handed["channel_id"],
                team=handed["team"],
            )
    for whose in ("= :me", "IS NULL"):
        found.add(
            f"assignee_id {whose} AND state = 'open' AND deadline_at IS NOT NULL"
            " ORDER BY deadline_at LIMIT :limit",
            PRESSING,
        )
    return of_ids(tx, list(found.ids), me, windows_ms)


class _Found:
    """Ids, in the order in which they were found; only those that are his or that the remit covers."""

    def __init__(self, tx: Snapshot, me: int, remit: Remit | None) -> None:
        self._tx = tx
        self._me = me
        self._remit = remit
        self.ids: dict[int, None] = {}

    def add(self, condition: str, limit: int, **more: int | str) -> None:
        rows = self._tx.all(
            f"SELECT id, assignee_id, channel_id, team FROM conversation WHERE {condition}",
            {"me": self._me, "limit": limit} | more,
        )
        for row in rows:
            if (
                self._remit is None
                or row["assignee_id"] == self._me
                or self._remit.covers(row["channel_id"], row["team"])
            ):
                self.ids[row["id"]] = None


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
