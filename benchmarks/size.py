"""Memory at 100,000 messages: the server after serving lists, histories and a search; a console that
scrolled through both. Goals: 120 and 90 MB.

The server's figure is its own process; the mail parser is a process that only mail starts.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.fill import fill
from benchmarks.harness import configure, make_operator, rss_mb, running
from omni_console.client import ServerClient
from server.protocol import View

MESSAGES = 100_000
VIEWS: tuple[View, ...] = ("queue", "all", "closed", "mine", "waiting")


async def _use(socket: Path) -> None:
    """What a console asks for in an hour, in a few seconds."""
    async with ServerClient(str(socket)) as client:
        for view in VIEWS:
            after = None
            for _ in range(10):
                page = await client.conversations(view, after)
                for conversation in page.items[:5]:
                    await client.detail(conversation.id)
                after = page.next
                if after is None:
                    break
        for word in ("parcel", "посылка", "invoice", "счёт"):
            await client.search(word)


def _read_for(descriptor: int, seconds: float) -> int:
    """Read what the program draws, as a terminal would; bytes read."""
    deadline = time.monotonic() + seconds
    total = 0
    while (left := deadline - time.monotonic()) > 0:
        if select.select([descriptor], [], [], left)[0]:
            try:
                total += len(os.read(descriptor, 65536))
            except OSError:  # the program has ended
                break
    return total


def _console_rss(socket: Path) -> float:
    """The console in a pseudo-terminal of 120x40: lists, a conversation, scrolling; its memory then."""
    pid, descriptor = pty.fork()
    if pid == 0:
        os.environ["TERM"] = "xterm-256color"
        os.execv(sys.executable, [sys.executable, "-m", "omni_console", "--socket", str(socket), "console"])  # noqa: S606 - ourselves
    try:
        fcntl.ioctl(descriptor, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        if _read_for(descriptor, 4.0) < 1_000:
            raise RuntimeError("the console drew nothing")
        keys = [
            b"]",
            b"j" * 60,
            b"\x04" * 10,
            b"\r",
            b"\x15" * 30,
            b"q",
            b"]",
            b"\x04" * 20,
            b"\r",
            b"\x15" * 30,
        ]
        for key in keys:
            for one in key:
                os.write(descriptor, bytes([one]))
                _read_for(descriptor, 0.03)
            _read_for(descriptor, 0.5)
        return rss_mb(pid)
    finally:
        os.kill(pid, signal.SIGTERM)
        _read_for(descriptor, 1.0)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        os.close(descriptor)


def measure(folder: Path, say: Callable[[str], None]) -> dict[str, float]:
    config = configure(folder)
    make_operator(folder)
    began = time.perf_counter()
    fill(folder / "data", MESSAGES)
    say(f"{MESSAGES} messages in {time.perf_counter() - began:.1f} s")
    socket = folder / "run" / "omni.sock"
    with running(["-m", "omni_console", "--config", str(config), "serve"]) as (process, _):
        asyncio.run(_use(socket))
        console = _console_rss(socket)
        server = rss_mb(process.pid)
    return {"messages": MESSAGES, "server_rss_mb": round(server, 1), "console_rss_mb": round(console, 1)}
