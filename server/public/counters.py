"""What the public door refused and why, counted since the start."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection


class Counters:
    """Counts by (what, channel). Only `channels` are told apart, so that no stranger makes the table grow by
    asking for names that there are not; None: all of them.

    What is counted: `refused` (wrong signature), `limited` (429), `too_large` (413), `unavailable` (503),
    `unparsed` (a fault in an adapter), `failed` (500), `slow` (closed by the guard), `crowded` (refused
    connections). Of what came in: `stored`, `duplicate`, `quarantined`.
    """

    def __init__(self, channels: Collection[str] | None = None) -> None:
        self._channels = channels
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, what: str, channel_id: str = "") -> None:
        known = self._channels is None or channel_id in self._channels
        self._counts[what, channel_id if known else ""] += 1

    def get(self, what: str, channel_id: str = "") -> int:
        return self._counts[what, channel_id]

    def total(self, what: str) -> int:
        return sum(count for (kind, _), count in self._counts.items() if kind == what)
