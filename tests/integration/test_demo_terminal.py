"""`omni demo` in a terminal that is closed: nothing of it stays behind."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import sys
import termios
import time
from pathlib import Path

from tests.fakes.processes import alive, children, written_until

PATIENCE_S = 60.0


def test_a_closed_terminal_ends_the_demo_and_its_server(tmp_path: Path) -> None:
    pid, master = pty.fork()
    if pid == 0:
        os.environ["TMPDIR"] = str(tmp_path)
        os.environ["TERM"] = "xterm-256color"
        program = [sys.executable, "-m", "omni_console", "demo", "--lang", "en"]
        os.execv(sys.executable, program)  # noqa: S606 - a terminal of its own is what is tested
    fcntl.ioctl(master, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    deadline = time.monotonic() + PATIENCE_S
    try:
        written_until(master, b"queue", deadline)
        (server,) = children(pid)
    finally:
        os.close(master)  # the terminal is gone
    while alive(server) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not alive(server)
    os.waitpid(pid, 0)
