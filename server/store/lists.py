"""Lists of conversations as operators see them: views that page by key, and how long they are."""

from __future__ import annotations

from typing import Any, get_args

import msgspec

from server.protocol import Conversation, Counts, View
from server.protocol.base import State
from server.protocol.filtering import Test, Tests, lets_through
from server.store import shares
from server.store.conversations import PRIORITIES, SELECT, from_rows
from server.store.transaction import Snapshot

SPAM_COUNTED = 1000  # and no further
PRESSING_COUNTED = 1000
EXAMINED_MAX = 2_000  # rows of a view that one page of a filtered list looks at
DECODED = 250  # of them at once

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
    rows = _rows(tx, view, me, after, limit + 1, sees)
    more = len(rows) > limit
    rows = rows[:limit]
    return from_rows(tx, rows), _key(view, rows[-1]) if more else None


def filtered(
    tx: Snapshot,
    view: View,
    me: int,
    after: Key | None,
    limit: int,
    tests: Tests,
    sees: int | None = None,
) -> tuple[list[Conversation], Key | None]:
    """The same, of those that a filter lets through. After EXAMINED_MAX rows of the view the page ends, full
    or not, and its key goes on from there."""
    last = _horizon(tx, view, me, after, sees)
    found: list[Conversation] = []
    key = after
    while True:
        rows = _rows(tx, view, me, key, DECODED, sees, tests=tests, last=last)
        for row, conversation in zip(rows, from_rows(tx, rows), strict=True):
            if lets_through(tests, conversation, me, conversation.seen_seq):
                if len(found) == limit:
                    return found, key
                found.append(conversation)
                key = _key(view, row)
        if len(rows) < DECODED:
            return found, last
        key = _key(view, rows[-1])


def _names(view: View) -> tuple[str, ...]:
    return ("priority", "sort_at", "id") if _VIEWS[view][1] else ("sort_at", "id")


def _key(view: View, row: Any) -> Key:
    return tuple(row[name] for name in _names(view))


def _rows(
    tx: Snapshot,
    view: View,
    me: int,
    after: Key | None,
    limit: int,
    sees: int | None,
    *,
    tests: Tests = (),
    last: Key | None = None,
) -> list[Any]:
    """The one place that says which conversations are in a view. `last`: none behind this key."""
    where, order, parameters = _place(view, me, after, sees)
    parameters["limit"] = limit
    if last is not None:
        columns = ", ".join(f"c.{name}" for name in _names(view))
        compare = "<=" if _VIEWS[view][1] else ">="
        where += f" AND ({columns}) {compare} ({', '.join(f':last_{name}' for name in _names(view))})"
        parameters |= {f"last_{name}": value for name, value in zip(_names(view), last, strict=True)}
    for number, test in enumerate(tests):
        where += _narrowing(test, f"t{number}", parameters)
    return tx.all(f"{SELECT} WHERE {where} ORDER BY {order} LIMIT :limit", parameters)


def _place(view: View, me: int, after: Key | None, sees: int | None) -> tuple[str, str, dict[str, Any]]:
    """WHERE and ORDER BY of what is in a view behind a key."""
    condition, rising = _VIEWS[view]
    names = _names(view)
    compare, direction = (">", "ASC") if rising else ("<", "DESC")
    where = condition + shares.condition("c.id", sees)
    parameters: dict[str, Any] = {"me": me, "sees": sees}
    if after is not None:
        columns = ", ".join(f"c.{name}" for name in names)
        where += f" AND ({columns}) {compare} ({', '.join(':' + name for name in names)})"
        parameters |= dict(zip(names, after, strict=True))
    return where, ", ".join(f"c.{name} {direction}" for name in names), parameters


def _horizon(tx: Snapshot, view: View, me: int, after: Key | None, sees: int | None) -> Key | None:
    """The key of the last row that one page looks at; None where the view ends before."""
    where, order, parameters = _place(view, me, after, sees)
    names = ", ".join(f"c.{name}" for name in _names(view))
    turned = ", ".join(f"{name} {'DESC' if _VIEWS[view][1] else 'ASC'}" for name in _names(view))
    rows = tx.all(
        f"WITH seen AS (SELECT {names} FROM conversation c WHERE {where} ORDER BY {order} LIMIT :examined)"
        f" SELECT *, (SELECT count(*) FROM seen) AS n FROM seen ORDER BY {turned} LIMIT 1",
        parameters | {"examined": EXAMINED_MAX},
    )
    return _key(view, rows[0]) if rows and rows[0]["n"] == EXAMINED_MAX else None


def _narrowing(test: Test, p: str, parameters: dict[str, Any]) -> str:
    """What SQL can say of a test, so that fewer rows are made into conversations: `lets_through` decides.

    Nothing that would leave out a row which that lets through.
    """
    if test.term.excluded:
        return ""
    name, value = test.term.name, test.term.value
    if name in ("channel", "team"):
        parameters[p] = msgspec.json.encode(sorted(test.channels)).decode()
        return f" AND c.channel_id IN (SELECT value FROM json_each(:{p}))"
    if name == "assignee":
        parameters[p] = msgspec.json.encode(sorted(one for one in test.ids if one is not None)).decode()
        held = f"c.assignee_id IN (SELECT value FROM json_each(:{p}))"
        return f" AND ({held} OR c.assignee_id IS NULL)" if None in test.ids else f" AND {held}"
    if name in ("before", "after", "on"):
        parameters |= {f"{p}b": test.begin, f"{p}e": test.end}
        begin, end = f"c.last_at >= :{p}b", f"c.last_at < :{p}{'b' if name == 'before' else 'e'}"
        return " AND " + {"before": end, "after": begin, "on": f"{begin} AND {end}"}[name]
    if name == "is":
        return " AND " + _IS[value]
    if name == "priority":
        parameters[p] = _PLACES[value]
        return f" AND c.priority = :{p}"
    return ""


_IS = {
    **{state: f"c.state = '{state}'" for state in get_args(State)},
    "mine": "c.assignee_id = :me AND c.state != 'closed'",
    "queued": "c.state = 'open' AND c.assignee_id IS NULL",
    "unread": "c.customer_seq > coalesce(s.seq, 0) AND c.state != 'closed'",
}
_PLACES: dict[str, int] = {name: place for place, name in enumerate(PRIORITIES)}


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
