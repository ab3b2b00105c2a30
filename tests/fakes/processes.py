"""Other processes of this machine: as /proc tells of them, and what they write to a terminal."""

from __future__ import annotations

import os
import select
import time
from pathlib import Path


def children(pid: int) -> list[int]:
    """Direct children of a process, by any of its threads."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def alive(pid: int) -> bool:
    """Whether it still does something: what only waits to be buried does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def written_until(master: int, word: bytes, deadline: float) -> None:
    """Read what comes to a terminal until `word` came; fails at `deadline`, a time of the monotonic clock."""
    seen = b""
    while word not in seen and time.monotonic() < deadline:
        if select.select([master], [], [], 0.2)[0]:
            seen += os.read(master, 65_536)
    assert word in seen, seen[-2000:]
