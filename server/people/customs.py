"""In which language and time zone somebody is written to by the server itself. Inside `fn(tx)` only."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from server import wording
from server.store import fields
from server.store.transaction import Snapshot


def language_of(tx: Snapshot, customer_id: int, otherwise: str) -> str:
    """The customer's own, if it is known and there are words in it."""
    field = fields.one(tx, customer_id, "language")
    return wording.speaks((field.value if field is not None else None) or "", otherwise)


def zone_of(tx: Snapshot, customer_id: int) -> ZoneInfo | None:
    """The customer's own, if it is known and this system knows it."""
    field = fields.one(tx, customer_id, "time_zone")
    try:
        return ZoneInfo(field.value) if field is not None and field.value else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
