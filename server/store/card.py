"""A whole card: everything that is known of one person, read in one snapshot.

Each part costs the same however long the person's history is: lists have ends, counts have indexes, and
what is computed from messages looks at the newest only.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from server.people.findings import find
from server.people.preference import DAYS, MESSAGES, Habit, Said, habits, preferred
from server.protocol import Consent, Customer, Finding, Preference, Promise
from server.store import customer_tags, customers, fields, links, merges, origins, records
from server.store.transaction import Snapshot

DAY_MS = 86_400_000
RECORDS_MAX = 20
ORIGINS_MAX = 10
SEARCHED_FOR_ADDRESSES = 30  # messages, the newest
PROMISES_MAX = 20


# The time says nothing, but leads SQLite to the index of the few: otherwise it looks at every message.
_NOTES = "SELECT count(*) FROM message WHERE customer_id = ? AND kind = 'note' AND at >= 0"
_FILES = "SELECT sum(files) FROM message WHERE customer_id = ? AND files > 0 AND at >= 0"


class Showing(msgspec.Struct, frozen=True, kw_only=True):
    """What a card must know of the installation to be shown."""

    titles: Mapping[str, str] = {}  # of the channels there are, by id
    marks: Mapping[str, str] = {}
    country: str = ""
    hidden: frozenset[str] = frozenset()  # fields that whoever asks does not get to see


def whole(tx: Snapshot, customer_id: int, showing: Showing) -> Customer | None:
    """The card without its conversations; one that is part of another is answered by that one."""
    card = customers.customer(tx, customer_id)
    if card is None:
        return None
    known = {name: field for name, field in fields.current(tx, card.id).items() if name not in showing.hidden}
    card.consents = fields.consents(known)
    card.fields = [
        field for name, field in known.items() if not name.startswith((fields.CONSENT, fields.IMPORT))
    ]
    card.language = _value(known, "language")
    card.time_zone = _value(known, "time_zone")
    card.tags = customer_tags.of(tx, card.id)
    card.preferred = _preferred(tx, card.id, showing, _value(known, "preferred_channel"))
    card.records = records.of_customer(tx, card.id, limit=RECORDS_MAX, with_scores=False)[0]
    card.scores = records.scores(tx, card.id)
    card.origin = origins.first_of(tx, card.id)
    card.origins = origins.of_conversations(tx, card.id, ORIGINS_MAX)
    card.promises = _promises(tx, card.id)
    card.linked = links.of(tx, card.id)
    card.merges = merges.into(tx, card.id)
    card.findings = _findings(tx, card, showing.country)
    card.suggestions = _suggestions(tx, card.id)
    card.notes = _count(tx, _NOTES, card.id)
    card.files = _count(tx, _FILES, card.id)
    return card


def consents_of(tx: Snapshot, customer_id: int) -> list[Consent]:
    return fields.consents(fields.current(tx, customer_id))


def brief(tx: Snapshot, customer_ids: Iterable[int]) -> list[Customer]:
    """What tells one person from another, in the order of the ids."""
    ids = list(customer_ids)
    tags = customer_tags.of_many(tx, ids)
    found = []
    for customer_id in ids:
        card = customers.customer(tx, customer_id)
        if card is not None:
            card.tags = tags.get(card.id, [])
            found.append(card)
    return found


def _value(known: Mapping[str, Any], name: str) -> str:
    field = known.get(name)
    return (field.value or "") if field is not None else ""


def _count(tx: Snapshot, sql: str, customer_id: int) -> int:
    return int(tx.value(sql, (customer_id,)) or 0)


def preferred_channel(tx: Snapshot, customer_id: int, titles: Mapping[str, str]) -> str:
    """The channel on which this person is best reached, of those with a title; "" where nothing tells."""
    stated = _value(fields.current(tx, customer_id), "preferred_channel")
    found = preferred(_habits(tx, customer_id), titles, {}, stated)
    return "" if found is None else found.channel_id


def _preferred(tx: Snapshot, customer_id: int, showing: Showing, stated: str) -> Preference | None:
    return preferred(_habits(tx, customer_id), showing.titles, showing.marks, stated)


def _habits(tx: Snapshot, customer_id: int) -> list[Habit]:
    rows = tx.all(
        "SELECT channel_id, at, kind FROM (SELECT m.channel_id, m.at, m.id, m.kind, m.automatic, m.stranger"
        " FROM message m WHERE m.customer_id = ? AND m.at >= ? ORDER BY m.at DESC, m.id DESC LIMIT ?)"
        " WHERE kind IN ('in', 'out') AND automatic = 0 AND stranger = 0 ORDER BY at, id",
        (customer_id, tx.now - DAYS * DAY_MS, MESSAGES),
    )
    return habits(Said(row["channel_id"], row["at"], row["kind"] == "out") for row in rows)


def _promises(tx: Snapshot, customer_id: int) -> list[Promise]:
    return [
        Promise(conversation_id=row["id"], next_step=row["next_step"], due_at=row["due_at"])
        for row in tx.all(
            "SELECT id, next_step, due_at FROM conversation WHERE customer_id = ? AND state != 'closed'"
            " AND (next_step != '' OR due_at IS NOT NULL) ORDER BY due_at IS NULL, due_at, id LIMIT ?",
            (customer_id, PROMISES_MAX),
        )
    ]


def _findings(tx: Snapshot, card: Customer, country: str) -> list[Finding]:
    """What he wrote himself and is not on the card yet; the newest message that says it is named."""
    known = {(address.scheme, address.external_id) for address in card.addresses}
    rows = tx.all(
        "SELECT id, text FROM (SELECT m.id, m.text, m.kind, m.event_kind, m.deleted, m.automatic, m.stranger"
        " FROM message m WHERE m.customer_id = ? ORDER BY m.at DESC, m.id DESC LIMIT ?)"
        " WHERE kind = 'in' AND event_kind IN ('message', 'contact_shared') AND deleted = 0 AND automatic = 0"
        " AND stranger = 0",
        (card.id, SEARCHED_FOR_ADDRESSES),
    )
    findings = []
    for row in rows:
        for found in find(row["text"], country):
            if (found.scheme, found.external_id) not in known:
                known.add((found.scheme, found.external_id))
                findings.append(
                    Finding(
                        message_id=row["id"],
                        scheme=found.scheme,
                        external_id=found.external_id,
                        shown=found.shown,
                    )
                )
    return findings


def _suggestions(tx: Snapshot, customer_id: int) -> int:
    """Open ones that speak of this person and of somebody who is not this person."""
    cards = msgspec.json.encode(merges.cards_of(tx, customer_id)).decode()
    rows = tx.all(
        "SELECT s.one_customer, s.other_customer FROM suggestion s"
        " WHERE s.state = 'open' AND s.one_customer IN (SELECT value FROM json_each(:cards))"
        " UNION SELECT s.one_customer, s.other_customer FROM suggestion s"
        " WHERE s.state = 'open' AND s.other_customer IN (SELECT value FROM json_each(:cards))",
        {"cards": cards},
    )
    pairs = {
        frozenset((merges.root_of(tx, row["one_customer"]), merges.root_of(tx, row["other_customer"])))
        for row in rows
    }
    return sum(1 for pair in pairs if len(pair) == 2)
