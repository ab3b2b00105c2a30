"""kill -9 of `omni serve`, over and over, while everybody writes (F1 of the promises).

OMNI_PROOF=1 makes it 200 kills; OMNI_SEED repeats the moments of an earlier run.
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from omni_console.demo.world import ServerDiedError
from tests.chaos.storm import seed_of_run, storm
from tests.fakes.harsh_world import HarshWorld

KILLS = 200 if os.environ.get("OMNI_PROOF") else 30
UP_S = (0.05, 1.6)  # from ready to the kill
STARTING_S = (0.01, 0.5)  # from the start to a kill before it is ready
STARTING_CHANCE = 0.2

pytestmark = pytest.mark.chaos


class Nemesis:
    def __init__(self, seed: int) -> None:
        self._chance = random.Random(seed)
        self.kills = 0
        self.recoveries: list[float] = []

    async def rage(self, world: HarshWorld, crowd: asyncio.Task[None]) -> None:
        while self.kills < KILLS and not crowd.done():
            await asyncio.sleep(self._chance.uniform(*UP_S))
            await world.kill_server()
            self.kills += 1
            while self._chance.random() < STARTING_CHANCE and self.kills < KILLS:
                await self._kill_while_starting(world, self._chance.uniform(*STARTING_S))
            self.recoveries.append(await world.recover())

    async def _kill_while_starting(self, world: HarshWorld, after: float) -> None:
        before = world.process
        starting = asyncio.create_task(world.start_server())
        await asyncio.sleep(after)
        if world.process is not before:
            await world.kill_server()
            self.kills += 1
        try:
            await starting
        except ServerDiedError:
            return
        await world.kill_server()


async def test_nothing_acknowledged_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    seed = seed_of_run()
    nemesis = Nemesis(seed)
    report = await storm(tmp_path, seed, nemesis.rage)
    verdict = report.verdict
    print(
        f"kills {nemesis.kills}, acknowledged {verdict.acknowledged}, lost {len(verdict.lost)},"
        f" duplicated {len(verdict.duplicated)}, unknown (shown) {len(verdict.unknown)},"
        f" slowest recovery {max(nemesis.recoveries):.2f} s",
        flush=True,
    )
    assert nemesis.kills >= KILLS
    assert verdict.findings() == [], f"OMNI_SEED={seed}"
    # The run itself must have been worth something.
    assert verdict.acknowledged > 10 * KILLS
    assert report.repeated_webhooks > KILLS
    assert report.broken_streams > KILLS // 2
