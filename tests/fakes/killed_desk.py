"""A server that is killed, and an operator who goes on at it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sqlite3
from collections.abc import Awaitable, Callable
from typing import TypeVar

from omni_console.client import ServerClient, UnreachableError
from server.store.offline import DATABASE
from tests.fakes.harsh_world import HarshWorld

T = TypeVar("T")


class KilledDesk:
    def __init__(self, world: HarshWorld, client: ServerClient) -> None:
        self.world = world
        self.client = client

    async def start(self, rules: str = "") -> None:
        await self.world.stop_server()
        self.world.arm(rules)
        await self.world.recover()

    async def until_killed(self) -> None:
        assert self.world.process is not None
        async with asyncio.timeout(30):
            assert await self.world.process.wait() == -signal.SIGKILL, self.world.log_text()[-4000:]

    async def insist(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Ask until the server says something, over its death."""
        async with asyncio.timeout(40):
            while True:
                with contextlib.suppress(UnreachableError):
                    return await ask()
                await asyncio.sleep(0.1)

    def rows(self, sql: str, *values: int | str) -> list[tuple[object, ...]]:
        path = self.world.data / DATABASE
        with contextlib.closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as found:
            return found.execute(sql, values).fetchall()
