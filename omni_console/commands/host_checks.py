"""The checks of `omni doctor` that look at this host: programs, files, space and time."""

from __future__ import annotations

import importlib.util
import os
import resource
import shutil
import sqlite3
import stat
import sys
import time
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING

from omni_console.commands.finding import Finding, account

if TYPE_CHECKING:
    from server.settings import PublicSettings, ServerSettings

AIOHTTP_FLOOR = (3, 14, 5)  # holds every fix that a server facing strangers needs
SQLITE_FLOOR = (3, 40, 0)
SQLITE_SAFE = (3, 51, 3)
EARLIEST = 1_767_225_600  # 2026-01-01: a clock that says less was never set
CLOCK_SLACK_S = 300


def modules() -> Finding:
    """Are `server` and `channels`, common names as they are, ours?"""
    own = Path(__file__).parents[2]
    foreign = []
    for name in ("server", "channels"):
        spec = importlib.util.find_spec(name)
        places = [Path(place) for place in (spec.submodule_search_locations or ())] if spec else []
        if own / name not in places:
            foreign.append(f"{name} ({places[0] if places else spec.origin if spec else 'not found'})")
    if foreign:
        return Finding(
            name="modules",
            state="broken",
            detail=f"not ours: {', '.join(foreign)}",
            hint="install omni-console into an environment of its own: pipx install omni-console",
        )
    return Finding(name="modules", detail=str(own))


def platform() -> Iterator[Finding]:
    python = ".".join(map(str, sys.version_info[:3]))
    if sys.flags.optimize:
        yield Finding(
            name="python",
            state="broken",
            detail=f"{python} with -O, which removes checks that libraries rely on",
            hint="start it without -O and PYTHONOPTIMIZE",
        )
    else:
        yield Finding(name="python", detail=python)
    try:
        have = version("aiohttp")
    except PackageNotFoundError:
        have = "0"
    if _numbers(have) < AIOHTTP_FLOOR:
        floor = ".".join(map(str, AIOHTTP_FLOOR))
        yield Finding(
            name="aiohttp",
            state="broken",
            detail=f"{have} has known holes",
            hint=f"pip install 'aiohttp>={floor}'",
        )
    elif os.environ.get("AIOHTTP_NO_EXTENSIONS"):
        yield Finding(
            name="aiohttp",
            state="warning",
            detail=f"{have} with its slow parser in pure Python",
            hint="unset AIOHTTP_NO_EXTENSIONS",
        )
    else:
        yield Finding(name="aiohttp", detail=have)


def sqlite(have: str = sqlite3.sqlite_version) -> Finding:
    numbers = _numbers(have)
    if numbers < SQLITE_FLOOR:
        return Finding(
            name="sqlite", state="broken", detail=f"{have} is too old", hint="at least 3.40 is needed"
        )
    if numbers < SQLITE_SAFE:
        return Finding(
            name="sqlite",
            state="warning",
            detail=f"{have} has a rare fault: two connections that checkpoint at the same moment can reset"
            " the write-ahead log wrongly and damage the database. The server keeps one writer and read-only"
            " readers, which does not meet it; a tool that opens the file for writing beside it might",
            hint="never open omni.sqlite3 with other programs while the server runs; update to 3.51.3",
        )
    return Finding(name="sqlite", detail=have)


def data(settings: ServerSettings) -> Iterator[Finding]:
    from server.store.offline import DATABASE

    directory = settings.data_dir
    try:
        found = directory.stat()
    except FileNotFoundError:
        yield Finding(
            name="data", state="broken", detail=f"{directory} does not exist", hint="omni init makes it"
        )
        return
    except PermissionError:
        yield Finding(
            name="data",
            state="broken",
            detail=f"{directory} cannot be looked at by {account(os.geteuid())}",
            hint="run omni doctor under the server's account",
        )
        return
    if found.st_mode & 0o077:
        yield Finding(
            name="data",
            state="warning",
            detail=f"{directory} is open to others (mode {stat.S_IMODE(found.st_mode):04o})",
            hint=f"chmod 700 {directory}",
        )
    elif not os.access(directory, os.R_OK | os.W_OK | os.X_OK):
        yield Finding(
            name="data",
            state="broken",
            detail=f"{directory} may not be written by {account(os.geteuid())}",
            hint="run omni doctor under the server's account, or mend the owner",
        )
    else:
        yield Finding(name="data", detail=str(directory))
    database = directory / DATABASE
    if not database.exists():
        yield Finding(
            name="database",
            state="warning",
            detail=f"{database} does not exist",
            hint="omni serve makes an empty one; if there was one, restore it from a backup first",
        )
    elif database.stat().st_mode & 0o077:
        yield Finding(
            name="database",
            state="warning",
            detail=f"{database} is open to others",
            hint=f"chmod 600 {database}",
        )
    else:
        yield Finding(name="database", detail=f"{database} ({database.stat().st_size >> 20} MiB)")


def disk(settings: ServerSettings) -> Finding:
    directory = settings.data_dir
    while not directory.exists():
        directory = directory.parent
    free = shutil.disk_usage(directory).free >> 20
    reserve = settings.disk_reserve_mb
    if free <= reserve:
        return Finding(
            name="disk",
            state="broken",
            detail=f"{free} MiB free, and {reserve} MiB are the reserve: nothing new is accepted",
            hint=f"free space on the disk of {directory}",
        )
    low = free < reserve * 5
    return Finding(
        name="disk",
        state="warning" if low else "ok",
        detail=f"{free} MiB free",
        hint=f"intake stops at {reserve} MiB" if low else "",
    )


def clock(settings: ServerSettings, now: float | None = None) -> Finding:
    """Was it set at all, and has it not gone back behind what is already written?"""
    now = time.time() if now is None else now
    if now < EARLIEST:
        return Finding(
            name="clock",
            state="broken",
            detail=f"it says {time.strftime('%Y-%m-%d', time.gmtime(now))}",
            hint="set the clock, and keep it by NTP: timedatectl set-ntp true",
        )
    newest = max(
        (path.stat().st_mtime for path in settings.data_dir.glob("*") if path.is_file()), default=0.0
    )
    if newest > now + CLOCK_SLACK_S:
        return Finding(
            name="clock",
            state="broken",
            detail=f"it is {int(newest - now)} s behind the newest file in {settings.data_dir}",
            hint="set the clock, and keep it by NTP: timedatectl set-ntp true",
        )
    return Finding(name="clock", detail=time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now)))


def files(settings: PublicSettings) -> Finding:
    from server.public.listen import FILES_BESIDES

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = settings.limits.connections + FILES_BESIDES
    if hard != resource.RLIM_INFINITY and hard < wanted:
        return Finding(
            name="open files",
            state="warning",
            detail=f"at most {hard}, and public.limits.connections may need {wanted}",
            hint=f"LimitNOFILE={wanted} in the service, or fewer public.limits.connections",
        )
    return Finding(name="open files", detail="unlimited" if hard == resource.RLIM_INFINITY else str(hard))


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())
