"""`omni mail-worker` as a process of a test's own."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.fakes.patience import until


class MailWorker:
    """Listens at `path` while it runs."""

    def __init__(self, path: Path, environment: Mapping[str, str] | None = None) -> None:
        self.path = path
        self._environment = {**os.environ, **(environment or {})}
        self.process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        self.process = await asyncio.to_thread(
            subprocess.Popen,
            [sys.executable, "-m", "omni_console", "mail-worker", "--listen", str(self.path)],
            env=self._environment,
            stdout=subprocess.DEVNULL,
        )

        async def listens() -> bool:
            assert self.process is not None
            assert self.process.poll() is None, "the worker ended"
            try:
                _, writer = await asyncio.open_unix_connection(self.path)
            except OSError:
                return False
            writer.close()
            await writer.wait_closed()
            return True

        await until(listens, "the worker listens")

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> int:
        """Its exit code."""
        assert self.process is not None
        self.process.send_signal(how)
        code = await asyncio.to_thread(self.process.wait, 20)
        self.process = None
        return code

    async def __aenter__(self) -> MailWorker:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self.process is not None:
            await self.stop(signal.SIGKILL)
