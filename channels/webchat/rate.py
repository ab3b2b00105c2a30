"""How often one visitor may write. Pure but for its memory."""

from __future__ import annotations

_REMEMBERED_MAX = 20_000


class Buckets:
    """Token buckets by name: `per_second` on average, `burst` at once."""

    def __init__(self, per_second: float, burst: int) -> None:
        self._per_second = per_second
        self._burst = float(burst)
        self._levels: dict[str, tuple[float, int]] = {}

    def take(self, name: str, now_ms: int) -> float:
        """0.0 when one more is allowed (and counted); else the seconds until it will be."""
        level, since = self._levels.get(name, (self._burst, now_ms))
        # A clock that was set back refills nothing and blocks nobody.
        level = min(self._burst, level + max(0, now_ms - since) / 1000 * self._per_second)
        if level < 1:
            self._levels[name] = (level, now_ms)
            return (1 - level) / self._per_second
        if name not in self._levels and len(self._levels) >= _REMEMBERED_MAX:
            self._forget(now_ms)
        self._levels[name] = (level - 1, now_ms)
        return 0.0

    def _forget(self, now_ms: int) -> None:
        full_again_ms = self._burst / self._per_second * 1000
        self._levels = {name: kept for name, kept in self._levels.items() if now_ms - kept[1] < full_again_ms}
