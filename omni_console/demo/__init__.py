"""Try everything now: a server, a mail server, a marketplace, and customers who write by themselves."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from pathlib import Path

import msgspec

from omni_console.commands.errors import CommandError


def run(check: bool, keep: bool, lang: str | None, tour: bool | None = None) -> int:
    """`omni demo`. Returns the exit code; raises CommandError where the demo's own parts are missing."""
    try:
        import aiosmtpd  # noqa: F401
        import pymap  # noqa: F401
    except ImportError as error:
        raise CommandError(
            f"the demo's mail server is not installed ({error.name})",
            where="the extra `demo`",
            hint="pipx inject omni-console pymap aiosmtpd (or pip install 'omni-console[demo]')",
        ) from error
    from server.logs import set_up

    set_up("warning", "text")
    folder = Path(tempfile.mkdtemp(prefix="omni-demo-"))
    good = False
    try:
        good = _check(folder) if check else _show(folder, lang, tour)
    finally:
        _tidy(folder, keep or not good)
    return 0 if good else 1


def _check(folder: Path) -> bool:
    from omni_console.demo.check import check
    from omni_console.demo.world import World

    async def in_world() -> bool:
        async with World(folder) as world:
            verdict = await check(world)
        print(msgspec.json.encode(verdict).decode())
        return verdict.good

    return asyncio.run(in_world())


def _show(folder: Path, lang: str | None, tour: bool | None) -> bool:
    from omni_console.demo.show import show

    return show(folder, lang, tour)


def _tidy(folder: Path, keep: bool) -> None:
    if keep:
        print(f"The demo's data is in {folder}", file=sys.stderr)
    else:
        shutil.rmtree(folder, ignore_errors=True)
        print(f"The demo's data was in {folder} and is gone; --keep would have kept it.", file=sys.stderr)
