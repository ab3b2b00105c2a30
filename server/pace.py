"""How fast a channel may be sent to."""

from __future__ import annotations

import asyncio


class Pace:
    """At most `rate` sends a second for one channel, as the time from which the next is allowed."""

    def __init__(self, rate: float) -> None:
        self._gap = 1.0 / rate
        self._next = 0.0

    async def turn(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        at = max(now, self._next)
        self._next = at + self._gap
        if at > now:
            await asyncio.sleep(at - now)
