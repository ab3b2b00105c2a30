"""One run: a world, a crowd, an operator, and somebody who does harm to the server."""

from __future__ import annotations

import asyncio
import os
import random
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from omni_console.client import ServerClient
from tests.chaos.checker import History, Verdict, judge
from tests.chaos.evidence import collect
from tests.chaos.load import Crowd, Operator
from tests.fakes.harsh_world import HarshWorld

IDEMPOTENT = frozenset({"site", "market"})
SEARCH_EVERY = 50

# Does its harm while the crowd talks; must end early when the task (the crowd) does.
Rage = Callable[[HarshWorld, asyncio.Task[None]], Awaitable[None]]


@dataclass(frozen=True)
class Report:
    seed: int
    verdict: Verdict
    repeated_webhooks: int
    broken_streams: int


def seed_of_run() -> int:
    """OMNI_SEED repeats an earlier run's moments; printed, because a failure is worth nothing without it."""
    seed = int(os.environ.get("OMNI_SEED") or secrets.randbelow(1_000_000))
    print(f"\nOMNI_SEED={seed}", flush=True)
    return seed


async def storm(folder: Path, seed: int, rage: Rage, breakable: bool = False) -> Report:
    """Run it to its quiet end, stop the server, and judge. `folder` must exist and be empty; with
    `breakable` the rage may also break links."""
    history = History()
    home = folder / "world"
    home.mkdir()
    async with HarshWorld(home, breakable=breakable) as world:
        crowd = Crowd(world, history, seed)
        async with ServerClient(str(world.socket)) as client:
            operator = Operator(client, history, random.Random(seed))
            listening = asyncio.create_task(operator.listen())
            working = asyncio.create_task(operator.work())
            talking = asyncio.create_task(crowd.talk())
            try:
                await rage(world, talking)
                crowd.stop()
                await talking
                await operator.until_quiet(crowd)
                some = history.said[::SEARCH_EVERY]
                not_found = [said.text for said in some if not await operator.found(said.text)]
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
        assert world.post_office.undeliverable == []
    verdict = judge(history, collect(world.data, folder), lambda channel_id: channel_id in IDEMPOTENT)
    assert not_found == []
    assert crowd.market.refusals == []
    return Report(seed, verdict, crowd.market.repeated, operator.breaks)
