"""Follows the commits: woken after one that may matter, or by time, it looks and does what is to be done.

What that is, is always computed from rows, never from what was heard. So a wake that comes too early, twice
or for nothing does no harm, one that was lost is made up for by the next start, and a round that failed is
simply made again. A subclass keeps what it decides: `matters` and `work`.
"""

from __future__ import annotations

import asyncio
import contextlib
from abc import ABC, abstractmethod
from typing import ClassVar

import structlog

from server.store.errors import StoreUnavailableError
from server.store.transaction import Event

log = structlog.get_logger(__name__)


class Follower(ABC):
    """One task, whose rounds never overlap. Times are seconds."""

    name: ClassVar[str]  # for the log
    gather_s = 0.0  # commits that come within it share a round
    every_s: float | None = None  # between rounds although nothing was heard; None: it waits to be woken
    retry_s = 5.0  # after a round that failed; wakes do not shorten it

    def __init__(self) -> None:
        self._wake = asyncio.Event()
        self._round = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def matters(self, event: Event) -> bool:
        """Whether there may be something to do after this event."""
        return False

    @abstractmethod
    async def work(self) -> None:
        """One round: until nothing is left to do. It looks by a reader first, since the writer is needed for
        what customers say, and looks again in the transaction that does something: it may be killed
        anywhere, and is then begun anew. Raises StoreUnavailableError."""

    def heard(self, event: Event) -> None:
        """For `Hub.on_event`."""
        if self.matters(event):
            self.soon()

    def soon(self) -> None:
        """Make a round, as soon as the one under way is over."""
        self._wake.set()

    @property
    def runs(self) -> bool:
        return self._task is not None

    async def start(self) -> None:
        """Begin with a round: something may have been left undone."""
        self._wake.set()
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def catch_up(self) -> None:
        """Make a round now, after the one under way, and wait for its end. Raises what `work` raises."""
        async with self._round:
            await self.work()

    async def _run(self) -> None:
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.every_s):
                    await self._wake.wait()
            await asyncio.sleep(self.gather_s)
            self._wake.clear()
            try:
                await self.catch_up()
            except StoreUnavailableError as error:
                log.warning("waiting for the store", who=self.name, reason=str(error))
                await self._back_off()
            except Exception:
                log.exception("stumbled; trying again", who=self.name)
                await self._back_off()

    async def _back_off(self) -> None:
        await asyncio.sleep(self.retry_s)
        self._wake.set()
