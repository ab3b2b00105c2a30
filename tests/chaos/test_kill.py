"""kill -9 of `omni serve`, over and over, on broken links, while everybody writes (F1 of the promises).

Some kills come at a random moment, some at a failpoint that is chosen at random; meanwhile links to
customers, mailbox, mail server and marketplace are reset, cut, stalled, refused and slowed down.
OMNI_PROOF=1 makes it 200 kills; OMNI_SEED repeats the choices of an earlier run.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pytest

from omni_console.demo.world import ServerDiedError
from server.failpoints import POINTS
from tests.chaos.storm import seed_of_run, storm
from tests.chaos.weather import Weather
from tests.fakes.harsh_world import HarshWorld

KILLS = 200 if os.environ.get("OMNI_PROOF") else 30
UP_S = (0.05, 1.6)  # from ready to the kill
# Nobody is silent for days here, and no system of the company is told of events.
PASSED = sorted(name for name in POINTS if not name.startswith(("silence.", "webhook.")))
AT_POINT_S = 2.5  # how long the server may take to come to its failpoint
HITS = 4  # it is killed there at one of so many hits
STARTING_S = (0.01, 0.5)  # from the start to a kill before it is ready
STARTING_CHANCE = 0.15
POINT_CHANCE = 0.6
# What is tried again because of a link is tried again within the run.
ALWAYS = "outbox.backoff=set:0.1"

pytestmark = pytest.mark.chaos


class Nemesis:
    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._chance = random.Random(seed)
        self.kills: Counter[str] = Counter()  # by failpoint, or by when
        self.recoveries: list[float] = []
        self.weather: Weather | None = None

    async def rage(self, world: HarshWorld, crowd: asyncio.Task[None]) -> None:
        self.weather = Weather(world.links, self._seed)
        blowing = asyncio.create_task(self.weather.blow())
        try:
            point = ""
            while self.kills.total() < KILLS and not crowd.done():
                await self._kill(world, point)
                while self._chance.random() < STARTING_CHANCE and self.kills.total() < KILLS:
                    await self._kill_while_starting(world, self._chance.uniform(*STARTING_S))
                more = self.kills.total() < KILLS and self._chance.random() < POINT_CHANCE
                point = self._chance.choice(PASSED) if more else ""
                point = await self._recover(world, point)
        finally:
            blowing.cancel()
            await asyncio.gather(blowing, return_exceptions=True)

    async def _kill(self, world: HarshWorld, point: str) -> None:
        """Let it come to its failpoint, where it has one; else end it at any moment."""
        assert world.process is not None
        if point:
            try:
                async with asyncio.timeout(AT_POINT_S):
                    await world.process.wait()
            except TimeoutError:
                point = ""
            else:
                assert world.process.returncode == -signal.SIGKILL, world.log_text()[-4000:]
        else:
            await asyncio.sleep(self._chance.uniform(*UP_S))
        await world.kill_server()
        self.kills[point or "any moment"] += 1

    async def _recover(self, world: HarshWorld, point: str) -> str:
        """Start it again, to be killed at the failpoint; "" where it was killed there before it was ready."""
        if point:
            world.arm(f"{ALWAYS};{point}=kill@{self._chance.randint(1, HITS)}")
            began = time.monotonic()
            try:
                await world.start_server()
            except ServerDiedError:
                assert world.process is not None
                killed = await world.process.wait() == -signal.SIGKILL
                self.kills[point] += killed  # else another process had taken its port
            else:
                self.recoveries.append(time.monotonic() - began)
                return point
        world.arm(ALWAYS)
        self.recoveries.append(await world.recover())
        return ""

    async def _kill_while_starting(self, world: HarshWorld, after: float) -> None:
        world.arm(ALWAYS)
        before = world.process
        starting = asyncio.create_task(world.start_server())
        await asyncio.sleep(after)
        if world.process is not before:
            await world.kill_server()
            self.kills["while starting"] += 1
        try:
            await starting
        except ServerDiedError:
            return
        await world.kill_server()


def told(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()) if count)


async def test_nothing_acknowledged_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    seed = seed_of_run()
    nemesis = Nemesis(seed)
    report = await storm(tmp_path, seed, nemesis.rage, breakable=True)
    verdict = report.verdict
    weather = nemesis.weather
    assert weather is not None
    print(
        f"kills {nemesis.kills.total()}, acknowledged {verdict.acknowledged}, lost {len(verdict.lost)},"
        f" duplicated {len(verdict.duplicated)}, unknown (shown) {len(verdict.unknown)},"
        f" slowest recovery {max(nemesis.recoveries):.2f} s\n"
        f"killed at: {told(nemesis.kills)}\n"
        f"links broken {weather.counts.total()}: {told(weather.counts)} ({told(weather.struck)})",
        flush=True,
    )
    assert nemesis.kills.total() >= KILLS
    assert verdict.findings() == [], f"OMNI_SEED={seed}"
    # The run itself must have been worth something.
    assert verdict.acknowledged > 5 * KILLS
    assert report.repeated_webhooks > KILLS
    assert report.broken_streams > KILLS // 2
    assert sum(nemesis.kills[point] for point in POINTS) > KILLS // 15
    assert weather.counts.total() > KILLS // 5
    assert len(weather.struck) >= 3
