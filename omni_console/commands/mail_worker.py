"""omni mail-worker: parse mail for a server, as a process without its rights."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

import click

from server.api.socket import bind
from server.logs import set_up
from server.notify import notify
from server.parsing.service import Service, inherited_socket
from server.version import product_version

BACKLOG = 16


@click.command("mail-worker")
@click.option(
    "--listen",
    "path",
    type=click.Path(path_type=Path),
    help="A Unix socket to make, for this account alone. Not needed where systemd hands one over.",
)
@click.option("--group", default="", help="A Unix group that may connect too: the server's.")
def mail_worker(path: Path | None, group: str) -> int:
    """Parse mail for the agent server, which names this socket as server.parse_worker.

    Started by a service manager with neither network nor files, so that a mail that takes the parser over
    has gained nothing.
    """
    set_up("info", "text")
    asyncio.run(_serve(path, group))
    return 0


async def _serve(path: Path | None, group: str) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    service = Service(product_version())
    given = inherited_socket()
    if given is not None:
        await service.start(given)
        await _until(stop, service)
        return
    if path is None:
        raise click.UsageError("name a socket to --listen on, or let systemd hand one over")
    bound = bind(path, group)
    try:
        bound.socket.listen(BACKLOG)
        await service.start(bound.socket)
        await _until(stop, service)
    finally:
        bound.close()


async def _until(stop: asyncio.Event, service: Service) -> None:
    notify("READY=1")
    await stop.wait()
    notify("STOPPING=1")
    await service.stop()
