"""The clock: UTC milliseconds from one place, so that tests can hold it."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def now(self) -> int:
        """UTC milliseconds."""


class SystemClock:
    def now(self) -> int:
        return time.time_ns() // 1_000_000


class HeldClock:
    """A clock that moves only when told; for tests."""

    def __init__(self, now: int = 1_790_000_000_000) -> None:
        self._now = now

    def now(self) -> int:
        return self._now

    def advance(self, milliseconds: int) -> None:
        self._now += milliseconds
