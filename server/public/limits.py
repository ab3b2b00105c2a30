"""How much one address, or one channel, may ask of us: token buckets and counted places."""

from __future__ import annotations

import math
from collections import OrderedDict
from collections.abc import Callable

Clock = Callable[[], float]


class Buckets:
    """A token bucket per key: `rate` a second on average, `burst` at once.

    Only the `capacity` keys used last are remembered, so a flood from many addresses costs bounded memory;
    a key that was forgotten begins with a full bucket.
    """

    def __init__(self, rate: float, burst: float, clock: Clock, capacity: int = 20_000) -> None:
        self._rate = rate
        self._burst = burst
        self._clock = clock
        self._capacity = capacity
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()  # key -> tokens, as of

    def take(self, key: str) -> float:
        """0.0 where the request may pass; else the seconds until it would."""
        now = self._clock()
        tokens, since = self._levels.pop(key, (self._burst, now))
        tokens = min(self._burst, tokens + max(0.0, now - since) * self._rate)
        passes = tokens >= 1.0
        self._levels[key] = (tokens - 1.0 if passes else tokens, now)
        if len(self._levels) > self._capacity:
            self._levels.popitem(last=False)
        return 0.0 if passes else (1.0 - tokens) / self._rate

    def __len__(self) -> int:
        return len(self._levels)


class Places:
    """At most `each` of something held per key, and `total` over all."""

    def __init__(self, each: int, total: int) -> None:
        self._each = each
        self._total = total
        self._held: dict[str, int] = {}
        self._sum = 0

    def enter(self, key: str, *, exempt: bool = False) -> bool:
        """Take a place; False where there is none. `exempt` keys are held to the total only."""
        held = self._held.get(key, 0)
        if self._sum >= self._total or (held >= self._each and not exempt):
            return False
        self._held[key] = held + 1
        self._sum += 1
        return True

    def leave(self, key: str) -> None:
        left = self._held[key] - 1
        if left:
            self._held[key] = left
        else:
            del self._held[key]
        self._sum -= 1

    def held(self, key: str) -> int:
        return self._held.get(key, 0)

    @property
    def total(self) -> int:
        return self._sum


def retry_after(seconds: float) -> str:
    """The value of a Retry-After header: whole seconds, at least one (RFC 9110, 10.2.3)."""
    return str(max(1, math.ceil(seconds)))
