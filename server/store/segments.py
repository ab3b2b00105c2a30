"""Segments as SQL: conditions that were checked when the configuration was read, and nothing else.

Each condition is a set of card ids, so that SQLite begins with the smallest; what it compares with is
always a parameter.
"""

from __future__ import annotations

from server.people.card_settings import Condition, SegmentSettings, listed
from server.store.fields import consent_name
from server.store.transaction import Snapshot

DAY_MS = 86_400_000


def condition(segment: SegmentSettings, now: int) -> tuple[str, dict[str, object]]:
    """An SQL condition on the card `k`, and its parameters."""
    parts = []
    parameters: dict[str, object] = {}
    for number, one in enumerate(segment.where):
        select, own = _cards(one, f"s{number}_", now)
        parts.append(f"k.id {'NOT IN' if one.not_ else 'IN'} ({select})")
        parameters |= own
    return "(" + (" AND " if segment.match == "all" else " OR ").join(parts) + ")", parameters


def tagged(tag: str) -> tuple[str, dict[str, object]]:
    return f"k.id IN ({_TAGGED.format(tag=':tag')})", {"tag": tag}


_TAGGED = (
    "SELECT coalesce(c.root_id, c.id) FROM customer_tag t JOIN customer c ON c.id = t.customer_id"
    " WHERE t.tag = {tag}"
)
_IS_NOW = "f.id = (SELECT max(g.id) FROM field g WHERE g.customer_id = f.customer_id AND g.name = f.name)"


def _cards(one: Condition, prefix: str, now: int) -> tuple[str, dict[str, object]]:
    if one.tag:
        return _TAGGED.format(tag=f":{prefix}tag"), {f"{prefix}tag": one.tag}
    if one.consent:
        names = [consent_name(one.consent, scheme) for scheme in dict.fromkeys([one.scheme or "*", "*"])]
        own: dict[str, object] = {f"{prefix}name{number}": name for number, name in enumerate(names)}
        return (
            f"SELECT f.customer_id FROM field f WHERE f.name IN ({_list(own)}) AND f.value = 'yes'"
            f" AND {_IS_NOW}",
            own,
        )
    return _with_record(one, prefix, now) if one.record else _with_field(one, prefix)


def _list(parameters: dict[str, object]) -> str:
    return ", ".join(f":{name}" for name in parameters)


def _with_field(one: Condition, prefix: str) -> tuple[str, dict[str, object]]:
    own: dict[str, object] = {f"{prefix}name": one.field}
    where = [f"f.name = :{prefix}name", "f.value IS NOT NULL"]
    if one.is_ is not None:
        values: dict[str, object] = {
            f"{prefix}is{number}": value for number, value in enumerate(listed(one.is_))
        }
        where.append(f"f.value IN ({_list(values)})")
        own |= values
    for name, sign in (("at_least", ">="), ("at_most", "<=")):
        bound = getattr(one, name)
        if isinstance(bound, int | float):
            where.append(f"CAST(f.value AS REAL) {sign} :{prefix}{name}")
            own[prefix + name] = bound
        elif bound is not None:
            where.append(f"f.value {sign} :{prefix}{name}")  # dates sort as text
            own[prefix + name] = bound.isoformat()
    return f"SELECT f.customer_id FROM field f WHERE {' AND '.join(where)} AND {_IS_NOW}", own


def _with_record(one: Condition, prefix: str, now: int) -> tuple[str, dict[str, object]]:
    own: dict[str, object] = {f"{prefix}kind": one.record}
    where = [f"r.kind = :{prefix}kind"]
    states: dict[str, object] = {
        f"{prefix}state{number}": state for number, state in enumerate(listed(one.state))
    }
    if states:
        where.append(f"r.state IN ({_list(states)})")
        own |= states
    if one.within_days is not None:
        where.append(f"r.at >= :{prefix}since")
        own[f"{prefix}since"] = now - one.within_days * DAY_MS
    least = 1 if one.at_least is None and one.at_most is None else one.at_least
    having = []
    for name, sign, bound in (("least", ">=", least), ("most", "<=", one.at_most)):
        if bound is not None:
            having.append(f"count(*) {sign} :{prefix}{name}")
            own[prefix + name] = bound
    return (
        "SELECT coalesce(r.customer_id, a.customer_id) AS owner FROM record r"
        " LEFT JOIN address a ON a.verified = 1"
        " AND a.scheme = r.scheme AND a.account = r.account AND a.external_id = r.address AND r.address != ''"
        f" WHERE {' AND '.join(where)} GROUP BY owner HAVING owner IS NOT NULL AND {' AND '.join(having)}",
        own,
    )


def count(tx: Snapshot, segment: SegmentSettings, most: int) -> int:
    """How many people are in it; counted up to `most`."""
    where, parameters = condition(segment, tx.now)
    return int(
        tx.value(
            "SELECT count(*) FROM (SELECT 1 FROM customer k"
            f" WHERE k.root_id IS NULL AND {where} LIMIT :most)",
            {**parameters, "most": most},
        )
    )
