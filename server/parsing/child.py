"""A child process that parses, with limits on its memory; replaced when it dies or does not answer."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import multiprocessing
import os
import resource
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import msgspec

from channels.base import InboundEvent
from server.parsing import RawItem

START_S = 60.0  # of a process, on a machine that is busy
MEMORY_BYTES = 1024 * 1024 * 1024


def _limit_child() -> None:
    """Runs in the child: Ctrl+C belongs to its parent, memory is bounded, and it ends with its parent."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _end_with_parent() -> None:
    # The pool's pipe would not tell: the child itself holds its other end open.
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _load(parsers: Sequence[str]) -> None:
    """Runs in the child."""
    for parser in parsers:
        importlib.import_module(parser.partition(":")[0])


def _parse(items: list[RawItem]) -> bytes:
    """Runs in the child. The events travel as MessagePack: to pickle them costs five times as much."""
    results = []
    for parser, raw, meta in items:
        module, _, function = parser.partition(":")
        results.append(getattr(importlib.import_module(module), function)(raw, meta))
    return msgspec.msgpack.encode(results)


class ChildParser:
    """`width` processes: one parses while the other's work is taken in."""

    def __init__(self, width: int = 2) -> None:
        self.width = width
        self._pool: ProcessPoolExecutor | None = None
        self._parsers: frozenset[str] = frozenset()
        self._loading: Future[None] | None = None
        self._events = msgspec.msgpack.Decoder(list[list[InboundEvent]])

    def expect(self, parsers: Sequence[str]) -> None:
        """Start one child now; a further one when there is that much to parse."""
        with contextlib.suppress(OSError):  # then it is told when there is something to parse
            self._begin(frozenset(parsers))

    async def ready(self) -> None:
        """A child is started when it is needed."""

    def _begin(self, parsers: frozenset[str]) -> Future[None]:
        """See to it that a child runs which has loaded these parsers; done when it has."""
        if self._pool is None:
            self._parsers = frozenset()
            self._pool = ProcessPoolExecutor(
                self.width, mp_context=multiprocessing.get_context("spawn"), initializer=_limit_child
            )
        if self._loading is None or not parsers <= self._parsers:
            self._parsers |= parsers
            self._loading = self._pool.submit(_load, sorted(self._parsers))
        return self._loading

    async def parse(self, items: list[RawItem], seconds: float) -> list[list[InboundEvent]]:
        """Raises TimeoutError, BrokenProcessPool, or what the parser raises; OSError where nothing starts."""
        pool = await self._begun(frozenset(parser for parser, _, _ in items))
        future = asyncio.get_running_loop().run_in_executor(pool, _parse, items)
        try:
            async with asyncio.timeout(seconds):
                return self._events.decode(await future)
        except (TimeoutError, BrokenProcessPool, asyncio.CancelledError):
            self.kill()
            raise

    async def _begun(self, parsers: frozenset[str]) -> ProcessPoolExecutor:
        """The pool, once a child of it runs: no mail is blamed for how long a process takes to start."""
        loading = self._begin(parsers)
        pool = self._pool
        try:
            async with asyncio.timeout(START_S):
                await asyncio.shield(asyncio.wrap_future(loading))
        except (TimeoutError, BrokenProcessPool) as error:
            self.kill()
            raise OSError(f"the parser's process does not start ({type(error).__name__})") from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if not loading.cancelled() or (task is not None and task.cancelling()):
                raise
        if pool is None or pool is not self._pool:
            raise BrokenProcessPool("the parser's process was killed because of another mail")
        return pool

    def kill(self) -> None:
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):
                process.kill()
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = self._loading = None
