"""What waits, where and with whom, of everybody: read off indexes and tallies, whatever there is in all."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from server.protocol import Conversation
from server.store import conversations
from server.store.conversations import PRIORITIES
from server.store.queue import UNASSIGNED, UNTOUCHED
from server.store.transaction import Snapshot

COUNTED = 1000  # and no further
HOUR_MS = 3_600_000
MOVABLE_MAX = 500  # of nobody's reading, and of everybody's choosing, enough


class Length(msgspec.Struct, frozen=True):
    """Of one channel's queue, or (`team`) of what of it was handed to a team."""

    channel_id: str
    team: str
    n: int


def lengths(tx: Snapshot) -> list[Length]:
    return [
        Length(row["channel_id"], row["team"], row["n"])
        for row in tx.all("SELECT channel_id, team, n FROM queue_length WHERE n > 0")
    ]


def oldest(tx: Snapshot, channel_id: str, team: str) -> int | None:
    """Since when the longest-waiting of such a queue waits."""
    handed = "team != '' AND team = :team" if team else "team = ''"
    first = " UNION ALL ".join(
        f"SELECT * FROM (SELECT sort_at AS since FROM conversation WHERE {UNASSIGNED}"
        f" AND channel_id = :channel AND priority = {priority} AND {handed} ORDER BY sort_at LIMIT 1)"
        for priority in range(len(PRIORITIES))
    )
    found: int | None = tx.value(f"SELECT min(since) FROM ({first})", {"channel": channel_id, "team": team})
    return found


class Hand(msgspec.Struct, frozen=True, kw_only=True):
    """What one operator has, beside how much waits for him of each channel."""

    oldest_at: int | None
    waiting: int
    at_risk: int
    late: int


def hands(tx: Snapshot, operators: Iterable[int]) -> dict[int, Hand]:
    level = "SELECT count(*) FROM conversation c WHERE c.assignee_id = o.value AND c.deadline_level > 0"
    rows = tx.all(
        "SELECT o.value AS id,"
        " (SELECT min(c.sort_at) FROM conversation c WHERE c.assignee_id = o.value AND c.state = 'open')"
        " AS oldest,"
        " (SELECT count(*) FROM (SELECT 1 FROM conversation c WHERE c.assignee_id = o.value"
        " AND c.state IN ('waiting', 'snoozed') LIMIT :counted)) AS waiting,"
        f" ({level} AND c.deadline_level = 1) AS at_risk, ({level} AND c.deadline_level = 2) AS late"
        " FROM json_each(:ids) o",
        {"ids": msgspec.json.encode(list(operators)).decode(), "counted": COUNTED},
    )
    return {
        row["id"]: Hand(
            oldest_at=row["oldest"], waiting=row["waiting"], at_risk=row["at_risk"], late=row["late"]
        )
        for row in rows
    }


class Pressing(msgspec.Struct, frozen=True, kw_only=True):
    late: int
    at_risk: int
    broken: int
    promised: int


_PRESSING = {
    "late": "deadline_level > 0 AND deadline_level = 2",
    "broken": "due = 1 AND state != 'closed'",
    "at_risk": "deadline_level > 0 AND deadline_level = 1",
    "promised": "due_at IS NOT NULL AND due_at <= :soon AND due = 0 AND state != 'closed'",
}


def pressing(tx: Snapshot) -> Pressing:
    counts = ", ".join(
        f"(SELECT count(*) FROM (SELECT 1 FROM conversation WHERE {condition} LIMIT :counted)) AS {name}"
        for name, condition in _PRESSING.items()
    )
    [row] = tx.all(f"SELECT {counts}", {"counted": COUNTED, "soon": tx.now + HOUR_MS})
    return Pressing(**{name: row[name] for name in _PRESSING})


# --- the conversations behind a figure ------------------------------------------------------------


def list_pressing(tx: Snapshot, me: int, limit: int) -> list[Conversation]:
    """Late ones, broken promises, what is at risk, promises of the next hour; the earliest first."""
    ids: dict[int, None] = {}
    for name, condition in _PRESSING.items():
        by = "deadline_at" if name in ("late", "at_risk") else "due_at"
        _add(ids, tx, f"{condition} ORDER BY {by} LIMIT :limit", {"soon": tx.now + HOUR_MS, "limit": limit})
    return _rows(tx, ids, me, limit)


def list_queue(tx: Snapshot, channel_id: str, team: str, me: int, limit: int) -> list[Conversation]:
    ids: dict[int, None] = {}
    handed = "team != '' AND team = :team" if team else "team = ''"
    condition = f"{UNASSIGNED} AND channel_id = :channel AND {handed} ORDER BY priority, sort_at, id"
    _add(ids, tx, f"{condition} LIMIT :limit", {"channel": channel_id, "team": team, "limit": limit})
    return _rows(tx, ids, me, limit)


def list_held(tx: Snapshot, operator_id: int, me: int, limit: int) -> list[Conversation]:
    """What waits for him, then what he waits for."""
    ids: dict[int, None] = {}
    for rest in (
        "state = 'open' ORDER BY priority, sort_at, id",
        "state IN ('waiting', 'snoozed') ORDER BY sort_at DESC, id DESC",
    ):
        _add(ids, tx, f"assignee_id = :who AND {rest} LIMIT :limit", {"who": operator_id, "limit": limit})
    return _rows(tx, ids, me, limit)


def _add(ids: dict[int, None], tx: Snapshot, condition: str, parameters: dict[str, int | str]) -> None:
    rows = tx.all(f"SELECT id FROM conversation WHERE {condition}", parameters)
    ids.update(dict.fromkeys(row["id"] for row in rows))


def _rows(tx: Snapshot, ids: dict[int, None], me: int, limit: int) -> list[Conversation]:
    chosen = list(ids)[:limit]
    found = conversations.many(tx, chosen, me)
    return [found[key] for key in chosen if key in found]


# --- what could be moved --------------------------------------------------------------------------


class Movable(msgspec.Struct, frozen=True, kw_only=True):
    """Waits for its operator, who has not begun it; in the order in which work is served."""

    id: int
    customer_id: int
    channel_id: str
    team: str
    priority: int
    sort_at: int
    holder_id: int
    refused_by: int | None  # he handed it over


def untouched(tx: Snapshot, holders: Iterable[int]) -> list[Movable]:
    return [
        Movable(
            id=row["id"],
            customer_id=row["customer_id"],
            channel_id=row["channel_id"],
            team=row["team"],
            priority=row["priority"],
            sort_at=row["sort_at"],
            holder_id=row["assignee_id"],
            refused_by=row["given_from"],
        )
        for row in tx.all(
            "SELECT c.* FROM conversation c"
            " WHERE c.assignee_id IN (SELECT value FROM json_each(?)) AND c.state = 'open'"
            f" AND c.waiting_since IS NOT NULL AND {UNTOUCHED} ORDER BY c.priority, c.sort_at, c.id LIMIT ?",
            (msgspec.json.encode(list(holders)).decode(), MOVABLE_MAX),
        )
    ]


def is_untouched(tx: Snapshot, conversation_id: int) -> bool:
    return (
        tx.value(
            f"SELECT 1 FROM conversation c WHERE c.id = ? AND {UNTOUCHED}",
            (conversation_id,),
        )
        is not None
    )
