"""Lists of conversations as operators see them: views that page by key, and how long they are."""

from __future__ import annotations

from server.protocol import Conversation, Counts, View
from server.store import shares
from server.store.conversations import PRIORITIES, SELECT, from_rows
from server.store.transaction import Snapshot

SPAM_COUNTED = 1000  # and no further
PRESSING_COUNTED = 1000

Key = tuple[int, ...]

# The condition and the direction of each view; the indexes of the schema serve exactly these.
_VIEWS: dict[str, tuple[str, bool]] = {
    "mine": ("c.assignee_id = :me AND c.state = 'open'", True),
    "queue": ("c.state = 'open' AND c.assignee_id IS NULL", True),
    "waiting": ("c.assignee_id = :me AND c.state IN ('waiting', 'snoozed')", False),
    "all": ("c.state != 'closed'", False),
    "closed": ("c.state = 'closed' AND c.spam = 0 AND c.joined_into IS NULL", False),
    "spam": ("c.spam = 1 AND c.joined_into IS NULL", False),
}


def key_length(view: View) -> int:
    """Numbers in a page key of this view."""
    return 3 if _VIEWS[view][1] else 2


def page(
    tx: Snapshot, view: View, me: int, after: Key | None, limit: int, sees: int | None = None
) -> tuple[list[Conversation], Key | None]:
    """One page of a view; the second value is the key of the next page.

    Work that waits is listed by (priority, sort_at, id), rising; the other views by (sort_at, id), falling.
    """
    condition, rising = _VIEWS[view]
    names = ("priority", "sort_at", "id") if rising else ("sort_at", "id")
    compare, direction = (">", "ASC") if rising else ("<", "DESC")
    where = condition + shares.condition("c.id", sees)
    if after is not None:
        columns = ", ".join(f"c.{name}" for name in names)
        where += f" AND ({columns}) {compare} ({', '.join(':' + name for name in names)})"
    order = ", ".join(f"c.{name} {direction}" for name in names)
    rows = tx.all(
        f"{SELECT} WHERE {where} ORDER BY {order} LIMIT :limit",
        {"me": me, "limit": limit + 1, "sees": sees}
        | (dict(zip(names, after, strict=True)) if after else {}),
    )
    more = len(rows) > limit
    rows = rows[:limit]
    key = tuple(rows[-1][name] for name in names) if more else None
    return from_rows(tx, rows), key


# The first of the queue at each priority: the index is in that order, so the longest-waiting of all is not
# simply its first row.
_OLDEST = " UNION ALL ".join(
    "SELECT min(sort_at) AS since FROM conversation"
    f" WHERE state = 'open' AND assignee_id IS NULL AND priority = {priority}"
    for priority in range(len(PRIORITIES))
)


def _pressing(level: int) -> str:
    """Conversations of mine, and of nobody, whose deadline runs and stands at this level."""
    return " UNION ALL ".join(
        "SELECT * FROM (SELECT 1 FROM conversation"
        # "> 0" as the index says it: that 1 is more than 0, SQLite does not see by itself.
        f" WHERE assignee_id {whose} AND deadline_level > 0 AND deadline_level = {level} LIMIT :pressing)"
        for whose in ("= :me", "IS NULL")
    )


def counts(tx: Snapshot, me: int) -> Counts:
    [row] = tx.all(
        "SELECT"
        " (SELECT count(*) FROM conversation WHERE assignee_id = :me AND state = 'open') AS mine,"
        " (SELECT n FROM tally WHERE name = 'queue') AS queue,"
        " (SELECT count(*) FROM conversation WHERE assignee_id = :me AND state IN ('waiting', 'snoozed'))"
        " AS waiting,"
        " (SELECT count(*) FROM conversation WHERE unsettled > 0) AS unsettled,"
        f" (SELECT min(since) FROM ({_OLDEST})) AS oldest,"
        " (SELECT count(*) FROM conversation WHERE assignee_id = :me AND due = 1 AND state != 'closed')"
        " AS due,"
        " (SELECT count(*) FROM (SELECT 1 FROM conversation WHERE spam = 1 LIMIT :counted)) AS spam,"
        f" (SELECT count(*) FROM ({_pressing(1)})) AS at_risk,"
        f" (SELECT count(*) FROM ({_pressing(2)})) AS late",
        {"me": me, "counted": SPAM_COUNTED, "pressing": PRESSING_COUNTED},
    )
    return Counts(
        mine=row["mine"],
        queue=row["queue"],
        waiting=row["waiting"],
        unsettled=row["unsettled"],
        oldest_queued_at=row["oldest"],
        due=row["due"],
        spam=row["spam"],
        at_risk=min(row["at_risk"], PRESSING_COUNTED),
        late=min(row["late"], PRESSING_COUNTED),
    )
