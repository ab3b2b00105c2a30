"""omni serve: run the agent server until it is told to stop."""

from __future__ import annotations

import asyncio
import os
import signal

import click

from omni_console.commands.options import Options
from server import failpoints
from server.app import Server
from server.config import find_config, load
from server.logs import set_up
from server.memory import share_heaps
from server.notify import notify, watchdog_interval


@click.command()
@click.option(
    "--ready-fd", type=int, help="Write one line to this descriptor as soon as customers can write."
)
@click.pass_obj
def serve(options: Options, ready_fd: int | None) -> int:
    """Run the agent server."""
    share_heaps()
    config = load(find_config(options.config))
    set_up(config.server.log_level, config.server.log_format)
    failpoints.arm(os.environ)
    asyncio.run(_serve(Server(config), ready_fd))
    return 0


async def _serve(server: Server, ready_fd: int | None) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with server.run():
        if ready_fd is not None:
            os.write(ready_fd, f"{server.public.url if server.public else ''}\n".encode())
            os.close(ready_fd)
        notify("READY=1")
        await _until(stop)
        notify("STOPPING=1")


async def _until(stop: asyncio.Event) -> None:
    """Wait, and show a service manager that watches us that the event loop still turns."""
    interval = watchdog_interval()
    while not stop.is_set():
        try:
            async with asyncio.timeout(interval):
                await stop.wait()
        except TimeoutError:
            notify("WATCHDOG=1")
