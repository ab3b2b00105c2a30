"""The same public door with the same verification and parsing, and no store behind it."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import time
from collections.abc import Sequence
from pathlib import Path

from channels.base import Delivery, Receipt
from channels.testkit import MemoryHost
from server.config import load, make_channels
from server.logs import set_up
from server.public.app import create_public_app
from server.public.counters import Counters
from server.public.listen import PublicServer


class Nowhere(MemoryHost):
    """Acknowledges everything and keeps nothing."""

    def now(self) -> int:
        return time.time_ns() // 1_000_000

    async def submit(
        self, batch: Sequence[Delivery], bookmark: tuple[str, bytes] | None = None
    ) -> list[Receipt]:
        return [Receipt(dedupe_key=delivery.dedupe_key, duplicate=False) for delivery in batch]


async def serve(path: Path, ready_fd: int) -> None:
    config = load(path)
    set_up("warning", "text")
    channels = make_channels(config)
    hosts = {name: Nowhere(name) for name in channels}
    server = PublicServer(create_public_app(config.public, channels, hosts, Counters()), config.public)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await server.start()
    os.write(ready_fd, f"{server.url}\n".encode())
    os.close(ready_fd)
    await stop.wait()
    await server.stop()


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("config", type=Path)
    parser.add_argument("--ready-fd", type=int, required=True)
    given = parser.parse_args()
    asyncio.run(serve(given.config, given.ready_fd))
