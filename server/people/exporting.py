"""Everything about one person, as one piece. Inside `fn(tx)` only."""

from __future__ import annotations

from server.protocol import Customer, PersonExport
from server.store import conversations, fields, origins, records, river
from server.store.river import Key
from server.store.transaction import Snapshot

PAGE = 500
RECORDS_MAX = 100_000


def whole_person(tx: Snapshot, customer: Customer, site: str, me: int) -> PersonExport:
    """`customer`: his whole card, as its reader gets to see it."""
    key: Key | None = None
    pages = []
    while True:
        page, key = river.older(tx, customer.id, key, PAGE)
        pages.append(page)
        if key is None:
            break
    said = [message for page in reversed(pages) for message in page]
    files, following = river.files(tx, customer.id, None, PAGE)
    while following is not None:
        more, following = river.files(tx, customer.id, following, PAGE)
        files += more
    found = conversations.ids_of_customer(tx, customer.id)
    customer.conversations = []
    return PersonExport(
        site=site,
        made_at=tx.now,
        customer=customer,
        field_history=fields.whole_history(tx, customer.id),
        records=records.of_customer(tx, customer.id, limit=RECORDS_MAX)[0],
        origins=origins.all_of(tx, customer.id),
        conversations=list(conversations.many(tx, found, me).values()),
        messages=said,
        files=files,
    )
