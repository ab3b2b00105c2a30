"""A console in a pty of its own, in a process of its own: the nearest to a terminal that a test can read."""

from __future__ import annotations

import asyncio
import fcntl
import os
import pty
import signal
import struct
import sys
import termios
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_S = 20.0
ESCAPE_S = 0.1  # more than the console waits
PROGRAM = (
    "import sys; from omni_console.app import run_console; sys.exit(run_console(sys.argv[1], language='en'))"
)


class Terminal:
    """A pty with a console (`program`) in it, which answers nothing and remembers every byte."""

    program = PROGRAM

    def __init__(self) -> None:
        self.bytes = bytearray()
        self.pid = 0
        self.fd = -1

    async def start(self, socket_path: str, columns: int, rows: int, home: Path, *more: str) -> None:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "TERM": "xterm-256color",
            "COLORTERM": "truecolor",
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(ROOT),
        }
        self.fd, child = pty.openpty()
        fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            self.program,
            socket_path,
            *more,
            stdin=child,
            stdout=child,
            stderr=child,
            env=environment,
            cwd=ROOT,
            start_new_session=True,
        )
        os.close(child)
        os.set_blocking(self.fd, False)
        asyncio.get_running_loop().add_reader(self.fd, self._read)

    def _read(self) -> None:
        try:
            data = os.read(self.fd, 65536)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            asyncio.get_running_loop().remove_reader(self.fd)
        self.bytes += data

    async def press(self, keys: str) -> None:
        """Keys, and then quiet: nothing more is painted."""
        os.write(self.fd, keys.encode())
        quiet, seen = 0, -1
        async with asyncio.timeout(PATIENCE_S):
            while quiet < 3:
                await asyncio.sleep(0.02)
                quiet = quiet + 1 if len(self.bytes) == seen else 0
                seen = len(self.bytes)

    async def escape(self) -> None:
        """The escape key, and as long as Textual waits for what would make it the beginning of another."""
        os.write(self.fd, b"\x1b")
        await asyncio.sleep(2 * ESCAPE_S)
        await self.press("")

    async def sees(self, words: bytes) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while words not in self.bytes:
                assert self.process.returncode is None, self.bytes[-3000:].decode(errors="replace")
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        """As a machine that loses its power does it."""
        self.process.kill()
        await self.process.wait()
        await self.end()

    async def end(self) -> int:
        if self.process.returncode is None:
            try:
                async with asyncio.timeout(PATIENCE_S):
                    # On a slow machine an escape just before it makes ctrl+q an alt key: press again.
                    while not await self._left_by(b"\x11"):
                        pass
            except TimeoutError:
                self.process.send_signal(signal.SIGKILL)
                await self.process.wait()
        asyncio.get_running_loop().remove_reader(self.fd)
        self._drain()
        os.close(self.fd)
        return self.process.returncode or 0

    async def _left_by(self, key: bytes) -> bool:
        os.write(self.fd, key)
        try:
            async with asyncio.timeout(3):
                await self.process.wait()
        except TimeoutError:
            return False
        return True

    def _drain(self) -> None:
        while True:
            try:
                data = os.read(self.fd, 65536)
            except (BlockingIOError, OSError):
                return
            if not data:
                return
            self.bytes += data
