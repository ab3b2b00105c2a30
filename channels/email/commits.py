"""Commits of what was fetched: one at a time, the next mails being fetched meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from channels.base import Host


class Commits:
    """A commit that has begun is not torn apart, whoever is cancelled; and none begins before the one
    before it is known to have succeeded."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._task: asyncio.Task[None] | None = None

    async def begin(self, call: Callable[[], Awaitable[None]]) -> None:
        """Returns when it has begun. Raises what the one before it raised; then nothing is begun."""
        await self.settle()

        async def commit() -> None:
            await call()

        self._task = asyncio.create_task(commit())

    async def settle(self) -> None:
        """Wait for the one under way. Raises what it raises."""
        task = self._task
        if task is not None:
            await asyncio.shield(task)
            self._task = None

    async def abandon(self) -> None:
        """Wait for the one under way, whatever comes of it: something else failed already."""
        task, self._task = self._task, None
        if task is not None:
            await asyncio.wait({task})
            self._tell(task)

    async def finish(self, timeout: float) -> None:
        """After a cancellation: let it come to its end, at most `timeout` s."""
        task, self._task = self._task, None
        if task is None:
            return
        await asyncio.wait({task}, timeout=timeout)
        task.cancel()
        await asyncio.wait({task}, timeout=0.2)
        if task.done():
            self._tell(task)

    def _tell(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self._host.log.warning("email.last_submit_failed", error=type(task.exception()).__name__)
