"""The whole server with one or more mailboxes on a real Dovecot, in this process.

Its Unix socket lies in a directory with a short name; commands reach it from outside.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any, Self

from channels.email import EmailChannel, EmailSettings
from channels.email.pace import Pace
from server.app import Server
from server.settings import Config, PublicSettings, SendingSettings, ServerSettings, SiteSettings
from server.store import offline
from server.store.transaction import Snapshot
from tests.fakes.mail_account import QUICK

ROOT = Path(__file__).parents[2]


class MailWorld:
    """`server` runs between `start()` and `stop()`; the data stay until the world ends."""

    def __init__(self, accounts: dict[str, EmailSettings], pace: Pace = QUICK) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="omni-"))
        self.accounts = accounts
        self.pace = pace
        self.server: Server | None = None
        self._running = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        data = self.folder / "data"
        data.mkdir(mode=0o700)
        offline.create(data)
        offline.add_operator(data, "anna", "Anna", "admin", os.getuid())
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    async def start(self) -> None:
        config = Config(
            server=ServerSettings(data_dir=self.folder / "data", socket=self.folder / "run" / "omni.sock"),
            public=PublicSettings(enabled=False),
            site=SiteSettings(name="Shop"),
            sending=SendingSettings(hold_letters_seconds=0, hold_chats_seconds=0),
            channels=dict(self.accounts),
        )
        self.server = Server(config)
        for name in self.accounts:
            self.mailbox(name).pace = self.pace
        await self._running.enter_async_context(self.server.run())

    async def stop(self) -> None:
        self.server = None
        await self._running.aclose()

    def mailbox(self, name: str = "mail") -> EmailChannel:
        assert self.server is not None
        found = self.server.channels[name]
        assert isinstance(found, EmailChannel)
        return found

    async def read(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        def rows(tx: Snapshot) -> list[dict[str, Any]]:
            return [dict(row) for row in tx.all(sql, parameters)]

        assert self.server is not None
        return await self.server.database.read(rows)

    async def value(self, sql: str, *parameters: Any) -> Any:
        [row] = await self.read(sql, *parameters)
        return next(iter(row.values()))

    async def until(self, sql: str, wanted: Any, seconds: float = 20.0) -> None:
        """Until a question of one value has this answer."""
        found: Any = None
        try:
            async with asyncio.timeout(seconds):
                while (found := await self.value(sql)) != wanted:  # noqa: ASYNC110 - the server knows no test
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"{sql}: {found!r}, not {wanted!r}") from None

    async def connected(self, name: str = "mail") -> None:
        """Until the mailbox was read up to its end once."""
        assert self.server is not None
        async with asyncio.timeout(20):
            while self.server.running.health[name].state != "connected":  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.01)

    async def omni(self, *arguments: str) -> tuple[int, str, str]:
        """A command of `omni` against this server: exit code, stdout, stderr."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "omni_console",
            "--socket",
            str(self.folder / "run" / "omni.sock"),
            *arguments,
            cwd=ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode or 0, out.decode(), err.decode()
