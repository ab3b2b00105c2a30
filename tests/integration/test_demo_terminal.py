"""`omni demo` in a terminal that is closed: nothing of it stays behind."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import sys
import termios
import time
from pathlib import Path

PATIENCE_S = 60.0


def children(pid: int) -> list[int]:
    """Direct children of a process, by any of its threads."""
    found: list[int] = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_a_closed_terminal_ends_the_demo_and_its_server(tmp_path: Path) -> None:
    pid, master = pty.fork()
    if pid == 0:
        os.environ["TMPDIR"] = str(tmp_path)
        os.environ["TERM"] = "xterm-256color"
        program = [sys.executable, "-m", "omni_console", "demo", "--lang", "en"]
        os.execv(sys.executable, program)  # noqa: S606 - a terminal of its own is what is tested
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    deadline, seen = time.monotonic() + PATIENCE_S, b""
    try:
        while b"queue" not in seen and time.monotonic() < deadline:
            if select.select([master], [], [], 0.2)[0]:
                seen += os.read(master, 65_536)
        assert b"queue" in seen, seen[-2000:]
        (server,) = children(pid)
    finally:
        os.close(master)  # the terminal is gone
    while alive(server) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(server)
    os.waitpid(pid, 0)
