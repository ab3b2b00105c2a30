"""Where raw items lie at their provider: mails by folder, UIDVALIDITY and UID."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from channels.base import Place, Placed
from server.store.transaction import Snapshot, Transaction


def add(tx: Transaction, channel_id: str, journal_id: int, place: Place) -> None:
    """A number that meant another item (a box restored from a backup) means this one from now on."""
    tx.run(
        "INSERT INTO place (channel_id, box, epoch, number, journal_id, size, date, likeness)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (channel_id, box, epoch, number) DO UPDATE SET"
        " journal_id = excluded.journal_id, size = excluded.size, date = excluded.date,"
        " likeness = excluded.likeness",
        (
            channel_id,
            place.box,
            place.epoch,
            place.number,
            journal_id,
            place.size,
            place.date,
            place.likeness,
        ),
    )


def of_box(tx: Snapshot, channel_id: str, box: str, epoch: int, newest: int | None) -> list[Placed]:
    """By rising number; of the `newest` numbers only, where given."""
    rows = tx.all(
        "SELECT p.number, p.size, p.date, j.state, j.error, j.message_id FROM place p"
        " JOIN journal j ON j.id = p.journal_id WHERE p.channel_id = ? AND p.box = ? AND p.epoch = ?"
        " ORDER BY p.number DESC LIMIT ?",
        (channel_id, box, epoch, -1 if newest is None else newest),
    )
    return [
        Placed(
            number=row["number"],
            size=row["size"],
            date=row["date"],
            state=row["state"],
            why=row["error"] if row["state"] == "quarantined" else "",
            message_id=row["message_id"],
        )
        for row in reversed(rows)
    ]


def found_again(tx: Transaction, channel_id: str, places: Sequence[Place]) -> list[Place]:
    """Note the new places of items known by likeness, size and date in the same box; the others."""
    known: dict[str, dict[tuple[Any, ...], int]] = {}
    for box in {place.box for place in places}:
        known[box] = {
            (row["likeness"], row["size"], row["date"]): row["journal_id"]
            for row in tx.all(
                "SELECT likeness, size, date, journal_id FROM place"
                " WHERE channel_id = ? AND box = ? AND likeness != ''",
                (channel_id, box),
            )
        }
    unknown = []
    for place in places:
        journal_id = known[place.box].get((place.likeness, place.size, place.date))
        if journal_id is None:
            unknown.append(place)
        else:
            add(tx, channel_id, journal_id, place)
    return unknown
