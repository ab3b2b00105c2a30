"""A service from its start to its end: systemd is told, an update saves first, a stop under load is short."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sqlite3
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
from aiohttp import web

from omni_console.client import ServerClient
from omni_console.demo.configuration import SHOP_ORIGIN
from server.notify import notify, watchdog_interval
from server.store.migrations import known
from server.store.offline import DATABASE
from tests.chaos.checker import History
from tests.chaos.evidence import collect
from tests.chaos.load import Crowd, Operator
from tests.fakes.harsh_world import HarshWorld, workers_of
from tests.fakes.patience import until
from tests.fakes.processes import alive

ROOT = Path(__file__).parents[2]


@pytest.fixture
def short() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="omni-") as made:  # short, for the socket's sake
        yield Path(made)


# --- systemd ------------------------------------------------------------------------------------------


class Manager:
    """What systemd's end of the notify socket hears."""

    def __init__(self, address: str) -> None:
        self.link = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.link.bind(address)
        self.heard: list[str] = []

    async def hears(self, text: str) -> bool:
        with contextlib.suppress(BlockingIOError):
            while True:
                self.heard.append(self.link.recv(4096).decode())
        return text in self.heard


async def test_systemd_is_told_how_it_stands(short: Path) -> None:
    manager = Manager(str(short / "notify"))
    told = {"NOTIFY_SOCKET": str(short / "notify"), "WATCHDOG_USEC": "200000"}
    with manager.link, patch.dict(os.environ, told):
        async with HarshWorld(short) as world:
            await until(lambda: manager.hears("READY=1"), "READY")
            await until(lambda: manager.hears("WATCHDOG=1"), "a sign of life")
            assert "STOPPING=1" not in manager.heard
            world.signal(signal.SIGTERM)
            await until(lambda: manager.hears("STOPPING=1"), "STOPPING")
            assert world.process is not None
            assert await world.process.wait() == 0


def test_without_a_manager_nothing_is_sent(short: Path) -> None:
    assert notify("READY=1", {}) is False
    assert notify("READY=1", {"NOTIFY_SOCKET": "relative"}) is False
    assert notify("READY=1", {"NOTIFY_SOCKET": str(short / "nobody")}) is False


def test_abstract_addresses_are_understood() -> None:
    name = f"@omni-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as link:
        link.bind("\0" + name[1:])
        assert notify("READY=1", {"NOTIFY_SOCKET": name}) is True
        assert link.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    ("environ", "interval"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "60000000"}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "60000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({"WATCHDOG_USEC": "0"}, None),
    ],
)
def test_the_watchdog_is_fed_twice_as_often_as_it_bites(
    environ: dict[str, str], interval: float | None
) -> None:
    assert watchdog_interval(environ) == interval


# --- stopping -----------------------------------------------------------------------------------------


@contextlib.asynccontextmanager
async def silent_receiver() -> AsyncIterator[tuple[str, list[bytes]]]:
    """Takes replies and never answers."""
    taken: list[bytes] = []
    end = asyncio.Event()

    async def take(request: web.Request) -> web.Response:
        taken.append(await request.read())
        await end.wait()
        return web.Response()

    app = web.Application()
    app.router.add_post("/{any:.*}", take)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}/", taken
    finally:
        end.set()
        await runner.cleanup()


async def test_a_stop_under_load_is_short_and_loses_nothing(short: Path, tmp_path: Path) -> None:
    """Everything that could hold it up is there: chats that listen, a console, a body that does not come,
    and a receiver that does not answer. `World.stop_server` kills what takes longer than 12 s."""
    history = History()
    async with silent_receiver() as (url, taken), HarshWorld(short) as world:
        await world.stop_server()
        text = world.config.read_text(encoding="utf-8")
        world.config.write_text(text.replace(world.market.url, url), encoding="utf-8")
        await world.start_server()
        crowd = Crowd(world, history, seed=11)
        async with ServerClient(str(world.socket)) as client:
            operator = Operator(client, history)
            tasks = [
                asyncio.create_task(work)
                for work in (operator.listen(), operator.work(), crowd.talk(), _drip(world), _listen(world))
            ]
            await until(lambda: _busy(history, taken), "customers, and a reply that hangs")
            workers = workers_of(world.pid)
            await world.stop_server()
            assert world.process is not None
            assert world.process.returncode == 0, world.log_text()[-3000:]
            assert "Traceback" not in world.log_text()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

        async def ended() -> bool:
            return not any(map(alive, workers))

        await until(ended, f"the end of the workers {workers}")
        assert not list(world.data.glob("*-wal")), "the log was not put into the database"
        found = collect(world.data, tmp_path)
        stored = {row.text for row in found.messages}
        # What writers sent lies in the mailbox until it is fetched: that is the mail server's promise.
        ours = [one for one in history.said if one.acknowledged and not one.customer.startswith("Writer")]
        assert [one.text for one in ours if one.text not in stored] == []
        ids = {row.id for row in found.messages}
        assert [one for one in history.replies if one.message_id and one.message_id not in ids] == []
        assert [line for line in found.broken if "text index" not in line] == []
        assert not world.socket.exists()


async def _busy(history: History, taken: list[bytes]) -> bool:
    return bool(taken) and sum(one.acknowledged for one in history.said) > 20


async def _drip(world: HarshWorld) -> None:
    host, _, port = world.base_url.removeprefix("http://").partition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    writer.write(b"POST /hooks/market HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n")
    while True:
        writer.write(b"x" * 1000)
        await asyncio.sleep(0.2)


async def _listen(world: HarshWorld) -> None:
    headers = {"Origin": SHOP_ORIGIN}
    async with world.http.post(
        f"{world.base_url}/webchat/site/session", json={"protocol": 1}, headers=headers
    ) as answer:
        token = (await answer.json())["token"]
    headers["Authorization"] = f"Bearer {token}"
    async with world.http.get(f"{world.base_url}/webchat/site/events", headers=headers) as answer:
        await answer.read()


# --- updating -----------------------------------------------------------------------------------------

NEXT = "CREATE TABLE next (id INTEGER PRIMARY KEY);\n"
PROGRAM = f"""
import sys
from server.store import migrations
longer = [*migrations.known(), (len(migrations.known()) + 1, "9999_next.sql", {NEXT!r})]
migrations.known = lambda: longer
from omni_console.cli import run
sys.exit(run(sys.argv[1:]))
"""


def schema(path: Path) -> int:
    with contextlib.closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone()[0] == "ok"
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


async def test_an_update_saves_the_old_database_and_the_way_back_is_said(short: Path) -> None:
    async with HarshWorld(short) as world:
        await world.market.customer("Boris", "b").say("before the update")
        await world.stop_server()
        environ = {**os.environ, **world.secrets.environment()}
        reading, writing = os.pipe()
        updated = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            PROGRAM,
            "--config",
            str(world.config),
            "serve",
            "--ready-fd",
            str(writing),
            cwd=ROOT,
            env=environ,
            pass_fds=[writing],
            stderr=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )
        os.close(writing)
        try:
            line = await asyncio.to_thread(os.read, reading, 4096)
        finally:
            os.close(reading)
        assert line.startswith(b"http://")
        updated.terminate()
        assert await updated.wait() == 0
        assert schema(world.data / DATABASE) == len(known()) + 1
        [saved] = world.data.glob(f"{DATABASE}.before-*")
        assert schema(saved) == len(known())
        with contextlib.closing(sqlite3.connect(saved)) as connection:
            texts = [row[0] for row in connection.execute("SELECT text FROM message")]
        assert texts == ["before the update"]

        # The older version refuses the newer database, and says what to do.
        older = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "omni_console",
            "--config",
            str(world.config),
            "serve",
            cwd=ROOT,
            env=environ,
            stderr=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
        )
        _, said = await older.communicate()
        assert older.returncode == 1
        assert b"newer version" in said
        assert b"restore the backup" in said
