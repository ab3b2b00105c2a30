"""100 connected consoles and 50 events a second: from the commit to each console. Goal: p99 <= 50 ms.

The time of an event is taken by the server just before its transaction, so the figure includes the commit.
`lost`: events that a console did not get, of those that were in the log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import aiohttp
import msgspec

from benchmarks.harness import configure, make_operator, percentile, running, send_all, signed_request
from server.protocol import Envelope, Subscribe

CONSOLES = 100
EVENTS_PER_S = 50
SECONDS = 15
CUSTOMERS = 200


class Listener:
    """One console's ear."""

    def __init__(self) -> None:
        self.seqs: list[int] = []
        self.waits: list[float] = []
        self.ready = asyncio.Event()

    async def listen(self, session: aiohttp.ClientSession) -> None:
        async with session.ws_connect("http://omni/v1/events", max_msg_size=0) as socket:
            await socket.send_str(msgspec.json.encode(Subscribe()).decode())
            async for frame in socket:
                envelope = msgspec.json.decode(frame.data, type=Envelope)
                if envelope.type == "welcome":
                    self.ready.set()
                elif envelope.type == "event":
                    self.seqs.append(envelope.seq)
                    self.waits.append(time.time() * 1000 - envelope.at)


async def _run(url: str, socket: Path) -> tuple[list[Listener], float]:
    connector = aiohttp.UnixConnector(path=str(socket), limit=0)
    async with aiohttp.ClientSession(connector=connector) as session:
        listeners = [Listener() for _ in range(CONSOLES)]
        tasks = [asyncio.create_task(listener.listen(session)) for listener in listeners]
        await asyncio.gather(*(listener.ready.wait() for listener in listeners))
        # Everybody's first message opens a conversation, which is another event: begin with known ones.
        await send_all(url, [signed_request(url, number, "hello") for number in range(CUSTOMERS)], 8)
        await asyncio.sleep(2)
        for listener in listeners:
            listener.seqs.clear()
            listener.waits.clear()
        began = time.perf_counter()
        for number in range(EVENTS_PER_S * SECONDS):
            due = began + number / EVENTS_PER_S
            await asyncio.sleep(max(0.0, due - time.perf_counter()))
            request = signed_request(url, number % CUSTOMERS, f"event {number}")
            tasks.append(asyncio.create_task(_send(url, request)))
        took = time.perf_counter() - began
        await asyncio.sleep(2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    return listeners, took


async def _send(url: str, request: bytes) -> None:
    await send_all(url, [request], 1)


def measure(folder: Path, say: Callable[[str], None]) -> dict[str, float]:
    config = configure(folder)
    make_operator(folder)
    with running(["-m", "omni_console", "--config", str(config), "serve"]) as (_, url):
        listeners, took = asyncio.run(_run(url, folder / "run" / "omni.sock"))
    everything = set().union(*(listener.seqs for listener in listeners))
    lost = sum(len(everything) - len(set(listener.seqs)) for listener in listeners)
    waits = [wait for listener in listeners for wait in listener.waits]
    say(f"{len(everything)} events to {CONSOLES} consoles, {len(waits)} receipts")
    return {
        "consoles": CONSOLES,
        "events_per_s": round(len(everything) / took, 1),
        "p50_ms": round(percentile(waits, 0.5), 2),
        "p99_ms": round(percentile(waits, 0.99), 2),
        "lost": lost,
    }
