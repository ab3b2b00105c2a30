"""A log that cannot be written costs lines, never work."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys, structlog
from server.logs import set_up
set_up("info", "{form}")
for number in range(1000):
    structlog.get_logger("test").error("trouble", reason="the disk is full", number=number)
sys.stdout.write("went on")
"""


@pytest.mark.parametrize("form", ["text", "json"])
def test_logging_to_a_full_disk_does_not_raise(form: str) -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(form=form)],
            stdout=subprocess.PIPE,
            stderr=full,
            check=False,
            timeout=60,
        )
    assert done.stdout == b"went on"
