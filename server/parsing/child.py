"""A child process that parses, with limits on its memory; replaced when it dies or does not answer."""

from __future__ import annotations

import asyncio
import importlib
import multiprocessing
import os
import resource
import signal
import threading
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

import msgspec

from channels.base import InboundEvent
from server.parsing import RawItem

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
        self._events = msgspec.msgpack.Decoder(list[list[InboundEvent]])

    async def ready(self) -> None:
        """The child is started when it is needed."""

    async def parse(self, items: list[RawItem], seconds: float) -> list[list[InboundEvent]]:
        """Raises TimeoutError, BrokenProcessPool, or what the parser raises."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.width, mp_context=multiprocessing.get_context("spawn"), initializer=_limit_child
            )
        future = asyncio.get_running_loop().run_in_executor(self._pool, _parse, items)
        try:
            async with asyncio.timeout(seconds):
                return self._events.decode(await future)
        except (TimeoutError, BrokenProcessPool, asyncio.CancelledError):
            self.kill()
            raise

    def kill(self) -> None:
        if self._pool is not None:
            for process in list((self._pool._processes or {}).values()):
                process.kill()
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
