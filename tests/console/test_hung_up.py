"""A terminal that goes away takes its console with it, whatever started it thinks of hang-ups."""

from __future__ import annotations

import os
import pty
import sys
import time
from pathlib import Path

import pytest

from tests.fakes.processes import alive, children, written_until

PATIENCE_S = 60.0
# The leader of the session stays: then the system sends nobody else a hang-up.
STAYS = 'trap {} HUP; "$@"; sleep 600'


@pytest.mark.parametrize("minds", [":", "''"], ids=["a shell that hears it", "nohup"])
def test_it_ends_although_no_hang_up_reaches_it(minds: str, tmp_path: Path) -> None:
    console = [sys.executable, "-m", "omni_console", "console", "--socket", str(tmp_path / "nobody.sock")]
    leader, master = pty.fork()
    if leader == 0:
        os.environ |= {"TERM": "xterm-256color", "HOME": str(tmp_path)}
        os.execv("/bin/sh", ["/bin/sh", "-c", STAYS.format(minds), "sh", *console])  # noqa: S606 - see above
    deadline = time.monotonic() + PATIENCE_S
    try:
        try:
            written_until(master, b"offline", deadline)
            (pid,) = children(leader)
        finally:
            os.close(master)  # the terminal is gone
        while alive(pid) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert not alive(pid)
    finally:
        os.killpg(leader, 9)
        os.waitpid(leader, 0)
