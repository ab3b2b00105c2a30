"""What is known of a person under the names that a text's variables have. Inside `fn(tx)` only."""

from __future__ import annotations

from collections.abc import Iterable

from server.cases.variables import values_of_record
from server.protocol import Customer, OperatorInfo
from server.store import customers, records
from server.store.transaction import Snapshot


def values_of(
    tx: Snapshot, whole: Customer, kinds: Iterable[str], operator: OperatorInfo, site: str
) -> dict[str, str]:
    """Fields of the card, as far as it shows them; the newest record of each of these kinds; and `name`,
    `operator`, `site`, which no field can pretend to be."""
    values = {field.name: field.value for field in whole.fields if field.value}
    for kind in kinds:
        newest, _ = records.of_customer(tx, whole.id, kind=kind, limit=1)
        for record in newest:
            values |= values_of_record(record)
    return values | {
        "name": customers.name_of(tx, whole.id),
        "operator": operator.name,
        "site": site,
    }
