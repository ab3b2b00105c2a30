"""What the public door refused and why, counted since the start."""

from __future__ import annotations

from collections import Counter


class Counters:
    """Counts by (what, channel). Channels are configured names, so the table stays small.

    What is counted: `refused` (wrong signature), `limited` (429), `too_large` (413), `unavailable` (503),
    `unparsed` (a fault in an adapter), `failed` (500), `slow` (closed by the guard), `crowded` (refused
    connections).
    """

    def __init__(self) -> None:
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(self, what: str, channel_id: str = "") -> None:
        self._counts[what, channel_id] += 1

    def get(self, what: str, channel_id: str = "") -> int:
        return self._counts[what, channel_id]

    def total(self, what: str) -> int:
        return sum(count for (kind, _), count in self._counts.items() if kind == what)
