"""SIGTERM under load leaves nothing in the air; SIGSTOP and SIGCONT cost time and nothing else."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from pathlib import Path

import pytest

from tests.chaos.storm import seed_of_run, storm
from tests.fakes.harsh_world import HarshWorld

STOPS = 50 if os.environ.get("OMNI_PROOF") else 8
PAUSES = 10 if os.environ.get("OMNI_PROOF") else 3
UP_S = (0.2, 1.5)
PAUSE_S = (0.5, 2.5)

pytestmark = pytest.mark.chaos


async def test_a_server_that_is_asked_to_stop_leaves_nothing_in_the_air(tmp_path: Path) -> None:
    seed = seed_of_run()
    chance = random.Random(seed)
    taken: list[float] = []

    async def rage(world: HarshWorld, crowd: asyncio.Task[None]) -> None:
        while len(taken) < STOPS and not crowd.done():
            await asyncio.sleep(chance.uniform(*UP_S))
            began = time.monotonic()
            await world.stop_server()  # kills what does not stop within 12 s
            taken.append(time.monotonic() - began)
            assert world.process is not None
            assert world.process.returncode == 0, world.log_text()[-4000:]
            await world.recover()

    report = await storm(tmp_path, seed, rage)
    verdict = report.verdict
    print(
        f"stops {len(taken)}, acknowledged {verdict.acknowledged}, lost {len(verdict.lost)},"
        f" duplicated {len(verdict.duplicated)}, unknown {len(verdict.unknown)},"
        f" slowest stop {max(taken):.2f} s",
        flush=True,
    )
    assert len(taken) == STOPS
    assert verdict.findings() == [], f"OMNI_SEED={seed}"
    # Whoever is asked to stop has the time to know what became of each reply.
    assert verdict.unknown == [], f"OMNI_SEED={seed}"


async def test_a_server_that_was_paused_goes_on(tmp_path: Path) -> None:
    seed = seed_of_run()
    chance = random.Random(seed)
    pauses: list[float] = []

    async def rage(world: HarshWorld, crowd: asyncio.Task[None]) -> None:
        while len(pauses) < PAUSES and not crowd.done():
            await asyncio.sleep(chance.uniform(*UP_S))
            pauses.append(chance.uniform(*PAUSE_S))
            world.signal(signal.SIGSTOP)
            try:
                await asyncio.sleep(pauses[-1])
            finally:
                world.signal(signal.SIGCONT)

    report = await storm(tmp_path, seed, rage)
    verdict = report.verdict
    print(
        f"pauses {len(pauses)} ({sum(pauses):.1f} s), acknowledged {verdict.acknowledged},"
        f" lost {len(verdict.lost)}, duplicated {len(verdict.duplicated)}, unknown {len(verdict.unknown)}",
        flush=True,
    )
    assert len(pauses) == PAUSES
    assert verdict.findings() == [], f"OMNI_SEED={seed}"
    assert verdict.unknown == [], f"OMNI_SEED={seed}"
