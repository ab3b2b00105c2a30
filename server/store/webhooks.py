"""How far the receiver of each outgoing webhook was told of the event log."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from server.store import events
from server.store.transaction import Snapshot, Transaction

COUNTED_MAX = 100_000


class Waiting(msgspec.Struct, frozen=True):
    """Events of one kind that a receiver was not told of."""

    kind: str
    count: int
    oldest_at: int


def begin(tx: Transaction, names: Iterable[str]) -> dict[str, int]:
    """The places of these webhooks. One that is new begins at now; what is no more configured is forgotten,
    so that it begins at now, too, should it come back."""
    newest = events.newest(tx)
    there = {row["name"]: int(row["seq"]) for row in tx.all("SELECT name, seq FROM webhook")}
    wanted = {name: there.get(name, newest) for name in names}
    for name in there.keys() - wanted.keys():
        tx.run("DELETE FROM webhook WHERE name = ?", (name,))
    for name in wanted.keys() - there.keys():
        tx.run("INSERT INTO webhook (name, seq) VALUES (?, ?)", (name, newest))
    return wanted


def note(tx: Transaction, name: str, seq: int) -> None:
    tx.run("UPDATE webhook SET seq = ? WHERE name = ?", (seq, name))


def waiting(tx: Snapshot, after: int) -> list[Waiting]:
    """What came after a place, by kind; of a very long log only so much that the answer stays cheap."""
    return [
        Waiting(row["kind"], row["count"], row["oldest"])
        for row in tx.all(
            "SELECT kind, count(*) AS count, min(at) AS oldest FROM"
            " (SELECT kind, at FROM event WHERE seq > ? ORDER BY seq LIMIT ?) GROUP BY kind",
            (after, COUNTED_MAX),
        )
    ]
