"""The `omni` command as a process of its own, speaking to a running server of a test."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.fakes.running_server import Running

ROOT = Path(__file__).parents[2]


async def omni(run: Running, *arguments: str, stdin: str = "") -> tuple[int, str, str]:
    """Exit code, standard output, standard error."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "omni_console",
        "--socket",
        run.socket,
        *arguments,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate(stdin.encode())
    return process.returncode or 0, out.decode(), err.decode()
