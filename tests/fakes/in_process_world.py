"""The demo's world with the agent server inside of the test's own process, within reach of the test."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

from omni_console.demo.world import World
from server.app import Server
from server.config import load


class InProcessWorld(World):
    """`server` is the running one."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._running = AsyncExitStack()
        self.server: Server | None = None

    async def start_server(self) -> None:
        with _environment(self.secrets.environment()):
            config = await asyncio.to_thread(load, self.config)
        self.server = await self._running.enter_async_context(Server(config).run())
        assert self.server.public is not None
        self.base_url = self.market.base_url = self.server.public.url

    async def stop_server(self) -> None:
        self.server = None
        await self._running.aclose()

    async def limit_pages(self, more: int | None) -> None:
        """Let the database grow by `more` pages and no further: SQLite then says that the disk is full,
        by its own code path and without any right to mount a disk. None: no limit any more."""
        assert self.server is not None
        writer = self.server.database._writer
        assert writer is not None
        if more is None:
            wanted = 1 << 30
        else:
            [pages] = await writer.call(lambda connection: connection.execute("PRAGMA page_count").fetchone())
            wanted = pages + more
        await writer.call(
            lambda connection: connection.execute(f"PRAGMA max_page_count = {wanted}").fetchone()
        )


@contextmanager
def _environment(values: dict[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
