"""Disks that fill up and are freed again."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

MIB = 1024 * 1024


@contextmanager
def tmpfs(folder: Path, size_mib: int) -> Iterator[None]:
    """A file system of its own at `folder`. Raises CalledProcessError where that is not allowed."""
    subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m,mode=0700", "tmpfs", str(folder)],
        check=True,
        capture_output=True,
    )
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True, capture_output=True)


@cache
def can_mount() -> bool:
    with tempfile.TemporaryDirectory() as folder:
        try:
            with tmpfs(Path(folder), 1):
                return True
        except (subprocess.CalledProcessError, FileNotFoundError):
            return False


def fill(folder: Path, leave: int = 0) -> Path:
    """Take all the space of the file system but `leave` bytes; remove the file to give it back."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        piece = 64 * 1024
        while piece and _free(folder) > leave:
            try:
                file.write(b"\0" * min(piece, _free(folder) - leave))
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise
                piece //= 2
    return ballast


def _free(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize


def forbid_growth(pid: int) -> None:
    """Let no file of this process grow, as a quota would: needs no rights, hits database, files and log."""
    hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))


def allow_growth(pid: int) -> None:
    hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)[1]
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (hard, hard))
