"""What the fakes of messenger platforms share: a server on a free port that can be told to misbehave."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import aiohttp
from aiohttp import web


@dataclass(frozen=True)
class Trouble:
    """One misbehaviour. `taken`: the call has its effect, and only its answer is spoilt."""

    status: int = 200
    body: Any = None  # JSON where it is no text
    headers: dict[str, str] = field(default_factory=dict)
    drop: bool = False  # the connection is cut instead of an answer
    stall: bool = False  # there is no answer
    taken: bool = False


@dataclass(frozen=True)
class Received:
    """A message as a customer's telephone shows it."""

    chat: str
    text: str = ""
    files: tuple[tuple[str, str, bytes], ...] = ()  # name, type, bytes
    reply_to: str | None = None
    remote_id: str = ""
    how: str = ""  # the platform's own name for the kind of message


class Platform:
    """Runs `self.app`; `calls` are the methods asked for, `received` what customers were shown."""

    def __init__(self) -> None:
        self.app = web.Application(client_max_size=128 * 1024 * 1024)
        self.url = ""
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.received: list[Received] = []
        self._troubles: defaultdict[str, deque[Trouble]] = defaultdict(deque)
        self._heard = asyncio.Condition()
        self._tasks: set[asyncio.Task[None]] = set()
        self.http: aiohttp.ClientSession

    def trouble(self, method: str, *troubles: Trouble) -> None:
        """The next calls of the method go wrong in these ways, one after the other."""
        self._troubles[method].extend(troubles)

    def next_trouble(self, method: str) -> Trouble | None:
        waiting = self._troubles[method]
        return waiting.popleft() if waiting else None

    async def misbehave(self, request: web.Request, trouble: Trouble) -> web.StreamResponse:
        if trouble.drop and request.transport is not None:
            request.transport.abort()
        if trouble.stall:
            await asyncio.sleep(3600)
        if isinstance(trouble.body, str):
            return web.Response(status=trouble.status, text=trouble.body, headers=trouble.headers)
        return web.json_response(trouble.body, status=trouble.status, headers=trouble.headers)

    def show(self, message: Received) -> None:
        self.received.append(message)
        self._later(self._tell())

    def texts(self) -> list[str]:
        return [message.text for message in self.received]

    def count(self, method: str) -> int:
        return sum(1 for called, _ in self.calls if called == method)

    async def _tell(self) -> None:
        async with self._heard:
            self._heard.notify_all()

    def note(self, method: str, params: dict[str, Any]) -> None:
        self.calls.append((method, params))
        self._later(self._tell())

    async def until(self, true: Callable[[], bool], seconds: float = 10.0) -> None:
        """Return once a condition on what was called or received holds."""
        async with asyncio.timeout(seconds), self._heard:
            await self._heard.wait_for(true)

    def _later(self, work: Any) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[None]:
        runner = web.AppRunner(self.app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        self.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        try:
            async with aiohttp.ClientSession() as self.http:
                yield
        finally:
            for task in list(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
            await runner.cleanup()
