"""The demo's world, made for trouble: other settings, a repeating marketplace, signals of every kind, and
links that break."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from omni_console.demo.world import ServerDiedError, World
from tests.fakes.fault_proxy import HOST, FaultProxy
from tests.fakes.impatient_market import ImpatientMarket

RESTARTS_MAX = 5


class HarshWorld(World):
    """`replace`: texts of the configuration file and what stands there instead. With `breakable` every link
    to and from the server goes through a proxy of `links`: door, imap, smtp, market."""

    def __init__(
        self,
        folder: Path,
        replace: Mapping[str, str] | None = None,
        breakable: bool = False,
        colleagues: bool = False,
    ) -> None:
        super().__init__(folder, colleagues=colleagues)
        self.links: dict[str, FaultProxy] = {}
        self._breakable = breakable
        self._door_port = 0  # the server's own
        self._replace = replace or {}
        self.failed_starts = 0

    def impatient(self, seed: int = 0, again: int = 1) -> ImpatientMarket:
        return ImpatientMarket(self.market, self.http, self.secrets.webhook, seed, again)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    async def _start(self) -> None:
        if self._breakable:
            ends = {
                "door": lambda: self._door_port,
                "imap": lambda: self.mail.port,
                "smtp": lambda: self.sink.port,
                "market": lambda: _port(self.market.url),
            }
            for name, end in ends.items():
                self.links[name] = await self._stack.enter_async_context(FaultProxy(HOST, end))
        await super()._start()

    async def start_server(self) -> None:
        await super().start_server()
        if self._breakable:
            self._door_port = _port(self.base_url)
            self.base_url = self.market.base_url = f"http://{HOST}:{self.links['door'].port}"

    def _configure(self, public_port: int) -> Path:
        path = super()._configure(self._door_port if self._breakable else public_port)
        text = path.read_text(encoding="utf-8")
        replace = dict(self._replace)
        if self._breakable:
            market = self.market.url
            replace |= {
                f"port = {self.mail.port}\n": f"port = {self.links['imap'].port}\n",
                f"port = {self.sink.port}\n": f"port = {self.links['smtp'].port}\n",
                market: market.replace(f":{_port(market)}/", f":{self.links['market'].port}/"),
            }
        for old, new in replace.items():
            assert old in text, f"{old!r} is not in the demo's configuration"
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")
        return path

    def arm(self, rules: str) -> None:
        """Failpoints of the next server that is started; "" for none."""
        self.environment = {"OMNI_TESTING": "1", "OMNI_FAILPOINTS": rules} if rules else {}

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def signal_kill(self) -> None:
        """kill -9 from where nothing can be awaited; `kill_server` then waits for the end."""
        self.signal(signal.SIGKILL)

    @property
    def pid(self) -> int:
        assert self.process is not None
        return self.process.pid

    async def recover(self) -> float:
        """Start again after a crash; the seconds until customers could write."""
        began = time.monotonic()
        for left in reversed(range(RESTARTS_MAX)):
            try:
                await self.start_server()
                break
            except ServerDiedError:
                # Another process may have been given our port while nobody held it.
                if not left:
                    raise
                self.failed_starts += 1
                await asyncio.sleep(0.2)
        return time.monotonic() - began

    def log_text(self) -> str:
        return self.log.read_text(encoding="utf-8", errors="replace")


def _port(url: str) -> int:
    port = urlsplit(url).port
    assert port is not None
    return port


def workers_of(pid: int) -> list[int]:
    """The processes that this one started and that still run."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # it ended meanwhile
        if int(fields[1]) == pid and fields[0] != "Z":
            found.append(int(entry.name))
    return found


def kill_quietly(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
