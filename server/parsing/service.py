"""`omni mail-worker`: parses for a server that asks over a Unix socket, with no rights of its own.

It holds nothing and remembers nothing. What is being parsed when it is stopped is given back at once, and
is nobody's fault.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
from collections.abc import Coroutine, Mapping
from concurrent.futures.process import BrokenProcessPool
from typing import Any, TypeVar

import msgspec
import structlog

from server.parsing import wire
from server.parsing.child import ChildParser

T = TypeVar("T")

log = structlog.get_logger(__name__)

LINKS_MAX = 16
SECONDS_MAX = 300.0
FIRST_INHERITED = 3  # sd_listen_fds(3)


def inherited_socket(environ: Mapping[str, str] = os.environ) -> socket.socket | None:
    """The listening socket that a service manager hands over; None where there is none."""
    if environ.get("LISTEN_PID") != str(os.getpid()) or environ.get("LISTEN_FDS") != "1":
        return None
    return socket.socket(fileno=FIRST_INHERITED)


class Service:
    def __init__(self, version: str) -> None:
        self._greeting = wire.Greeting(protocol=wire.PROTOCOL, version=version)
        self._stopping = asyncio.Event()
        self._links: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self, listening: socket.socket) -> None:
        self._server = await asyncio.start_unix_server(self._connected, sock=listening)

    async def stop(self) -> None:
        """Answer what is under way with "away", and end."""
        if self._server is not None:
            self._server.close()
        self._stopping.set()
        if self._links:
            await asyncio.wait(self._links, timeout=2.0)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker: this is a task
        self._links.add(task)
        child = ChildParser()
        try:
            if len(self._links) <= LINKS_MAX:
                await self._converse(child, reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            log.debug("the server has gone")
        except (wire.FrameError, msgspec.MsgspecError) as error:
            log.warning("what came is no request", error=str(error))
        finally:
            self._links.discard(task)
            child.kill()
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _converse(
        self, child: ChildParser, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        await wire.send(writer, self._greeting)
        while not self._stopping.is_set():
            asked = await self._unless_stopped(wire.receive(reader))
            if asked is None:
                return
            request = msgspec.msgpack.decode(asked, type=wire.Request)
            answer = await self._unless_stopped(self._answer(child, request))
            try:
                await wire.send(writer, answer or wire.Away(why="it is stopping"))
            except (ValueError, TypeError) as error:
                await wire.send(writer, wire.Raised(error=f"the result cannot be sent: {error}"))

    async def _unless_stopped(self, work: Coroutine[Any, Any, T]) -> T | None:
        """What it gives, or None where the worker is stopped meanwhile (then it is cancelled)."""
        task = asyncio.create_task(work)
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({task, stopping}, return_when=asyncio.FIRST_COMPLETED)
            return task.result() if task.done() else None
        finally:
            for one in (task, stopping):
                one.cancel()
            await asyncio.gather(task, stopping, return_exceptions=True)

    async def _answer(self, child: ChildParser, request: wire.Request) -> wire.Answer:
        try:
            events = await child.parse(request.items, min(request.seconds, SECONDS_MAX))
        except TimeoutError:
            return wire.Late()
        except BrokenProcessPool:
            return wire.Died()
        except OSError as error:
            return wire.Away(why=f"no process can be started: {error}")
        except Exception as error:
            return wire.Raised(error=repr(error))
        return wire.Parsed(events=events)
