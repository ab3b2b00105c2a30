"""Bad links: what happens to the connections between the server, its customers and its providers."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Mapping

from tests.fakes.fault_proxy import FaultProxy

FAULTS = ("reset", "stall", "cut in a request", "cut in an answer", "refused", "half-open", "slow")
CALM_S = (0.1, 0.8)  # between two faults
LASTS_S = (0.2, 1.5)
CUT_REQUEST = (1, 3_000)  # bytes
CUT_ANSWER = (1, 600)
SLOW_BYTES_PER_S = 4_000.0
SLOW_LATENCY_S = 0.1


class Weather:
    """`counts`: faults by kind, as they happened."""

    def __init__(self, links: Mapping[str, FaultProxy], seed: int) -> None:
        self._links = links
        self._chance = random.Random(seed)
        self.counts: Counter[str] = Counter()
        self.struck: Counter[str] = Counter()  # faults by link

    async def blow(self) -> None:
        """Until cancelled; then all links are sound again."""
        try:
            while True:
                await asyncio.sleep(self._chance.uniform(*CALM_S))
                name = self._chance.choice(sorted(self._links))
                link = self._links[name]
                if await self._strike(self._chance.choice(FAULTS), link):
                    self.struck[name] += 1
        finally:
            for link in self._links.values():
                link.heal()
                await link.accept()

    async def _strike(self, fault: str, link: FaultProxy) -> bool:
        """False where nothing passed that could have been harmed."""
        lasts = self._chance.uniform(*LASTS_S)
        happened = True
        if fault == "reset":
            happened = link.reset() > 0
        elif fault in ("cut in a request", "cut in an answer"):
            way, sizes = (link.up, CUT_REQUEST) if fault == "cut in a request" else (link.down, CUT_ANSWER)
            before = way.cuts
            way.cut_after = self._chance.randint(*sizes)
            await asyncio.sleep(lasts)
            way.cut_after = None
            happened = way.cuts > before
        elif fault == "refused":
            await link.refuse()
            link.reset()  # or nobody would want a new connection
            await asyncio.sleep(lasts)
            await link.accept()
        elif fault == "half-open":
            way = self._chance.choice((link.up, link.down))
            way.swallow = True
            await asyncio.sleep(lasts)
            # What was swallowed is missing: such a connection can only end.
            link.reset()
            way.swallow = False
        else:
            for way in (link.up, link.down):
                way.stalled = fault == "stall"
                if fault == "slow":
                    way.latency_s, way.bytes_per_s = SLOW_LATENCY_S, SLOW_BYTES_PER_S
            await asyncio.sleep(lasts)
            link.heal()
        self.counts[fault] += happened
        return happened
