"""kill -9 of `omni serve`, over and over, while everybody writes (F1 of the promises).

OMNI_PROOF=1 makes it 200 kills; OMNI_SEED repeats the moments of an earlier run.
"""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from pathlib import Path

import pytest

from omni_console.client import ServerClient
from omni_console.demo.world import ServerDiedError
from tests.chaos.checker import History, Verdict, judge
from tests.chaos.evidence import collect
from tests.chaos.load import Crowd, Operator
from tests.fakes.harsh_world import HarshWorld

KILLS = 200 if os.environ.get("OMNI_PROOF") else 30
UP_S = (0.05, 1.6)  # from ready to the kill
STARTING_S = (0.01, 0.5)  # from the start to a kill before it is ready
STARTING_CHANCE = 0.2
IDEMPOTENT = frozenset({"site", "market"})

pytestmark = pytest.mark.chaos


class Nemesis:
    def __init__(self, world: HarshWorld, seed: int) -> None:
        self._world = world
        self._chance = random.Random(seed)
        self.kills = 0
        self.recoveries: list[float] = []

    async def rage(self, kills: int, crowd: asyncio.Task[None]) -> None:
        while self.kills < kills and not crowd.done():
            await asyncio.sleep(self._chance.uniform(*UP_S))
            await self._world.kill_server()
            self.kills += 1
            while self._chance.random() < STARTING_CHANCE and self.kills < kills:
                await self._kill_while_starting(self._chance.uniform(*STARTING_S))
            self.recoveries.append(await self._world.recover())

    async def _kill_while_starting(self, after: float) -> None:
        before = self._world.process
        starting = asyncio.create_task(self._world.start_server())
        await asyncio.sleep(after)
        if self._world.process is not before:
            await self._world.kill_server()
            self.kills += 1
        try:
            await starting
        except ServerDiedError:
            return
        await self._world.kill_server()


def line(nemesis: Nemesis, verdict: Verdict) -> str:
    return (
        f"kills {nemesis.kills}, acknowledged {verdict.acknowledged}, lost {len(verdict.lost)},"
        f" duplicated {len(verdict.duplicated)}, unknown (shown) {len(verdict.unknown)},"
        f" slowest recovery {max(nemesis.recoveries):.2f} s"
    )


async def test_nothing_acknowledged_is_lost_or_doubled_by_kill_9(tmp_path: Path) -> None:
    seed = int(os.environ.get("OMNI_SEED") or secrets.randbelow(1_000_000))
    print(f"\nOMNI_SEED={seed}", flush=True)
    history = History()
    folder = tmp_path / "world"
    folder.mkdir()
    async with HarshWorld(folder) as world:
        crowd = Crowd(world, history, seed)
        nemesis = Nemesis(world, seed)
        async with ServerClient(str(world.socket)) as client:
            operator = Operator(client, history)
            listening = asyncio.create_task(operator.listen())
            working = asyncio.create_task(operator.work())
            talking = asyncio.create_task(crowd.talk())
            try:
                await nemesis.rage(KILLS, talking)
                crowd.stop()
                await talking
                await operator.until_quiet(crowd)
                not_found = [said.text for said in history.said[::50] if not await operator.found(said.text)]
                await operator.until_heard()
            finally:
                for task in (talking, working, listening):
                    task.cancel()
                ends = await asyncio.gather(talking, working, listening, return_exceptions=True)
        for end in ends:
            assert end is None or isinstance(end, asyncio.CancelledError), end
        await world.stop_server()
        assert world.process is not None
        assert world.process.returncode == 0, world.log_text()[-4000:]
        undeliverable = world.post_office.undeliverable
    verdict = judge(history, collect(world.data, tmp_path), lambda channel_id: channel_id in IDEMPOTENT)
    print(line(nemesis, verdict), flush=True)
    print(f"repeated webhooks {crowd.market.repeated}, broken streams {operator.breaks}", flush=True)
    assert nemesis.kills >= KILLS
    assert not_found == []
    assert undeliverable == []
    assert crowd.market.refusals == []
    assert verdict.findings() == [], f"OMNI_SEED={seed}"
    # The run itself must have been worth something.
    assert verdict.acknowledged > 10 * KILLS
    assert operator.breaks > KILLS // 2
