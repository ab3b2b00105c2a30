"""When each channel last brought something and last delivered something: one row a channel.

Asked of the journal and the outbox, which hold everything there ever was, it would cost more every day.
"""

from __future__ import annotations

import msgspec

from server.store.transaction import Snapshot, Transaction

HEARD_EVERY_MS = 1_000  # how often it is worth writing down that a channel still brings something


class Life(msgspec.Struct, frozen=True):
    """UTC milliseconds; None: never."""

    last_in_at: int | None = None
    last_out_at: int | None = None


def heard(tx: Transaction, channel_id: str) -> None:
    """Something came in."""
    tx.run(
        "INSERT INTO channel_life (channel_id, last_in_at) VALUES (?, ?)"
        " ON CONFLICT (channel_id) DO UPDATE SET last_in_at = excluded.last_in_at",
        (channel_id, tx.now),
    )


def delivered(tx: Transaction, channel_id: str) -> None:
    """A message of ours was taken over by the other side."""
    tx.run(
        "INSERT INTO channel_life (channel_id, last_out_at) VALUES (?, ?)"
        " ON CONFLICT (channel_id) DO UPDATE SET last_out_at = excluded.last_out_at",
        (channel_id, tx.now),
    )


def lives(tx: Snapshot) -> dict[str, Life]:
    """By channel id; channels that never did anything are not in it."""
    return {
        row["channel_id"]: Life(row["last_in_at"], row["last_out_at"])
        for row in tx.all("SELECT * FROM channel_life")
    }
