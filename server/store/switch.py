"""Putting a restored database and its files in the place of others: a kill leaves the one or the other.

A restore is decided by one rename, to `restore.ready`; everything after it is carried out by `finish`, which
can be broken off anywhere and goes on where it was. It runs under the data lock, before the database is
opened.
"""

from __future__ import annotations

import os
from pathlib import Path

READY = "restore.ready"
STAGING = ".restoring-"  # a restore that is not decided yet; worth nothing
ASIDE = "before-restore-"
ASIDE_NAME = "aside"  # a file in READY: where the old database goes

DATABASE = "omni.sqlite3"
BLOBS = "files"
# The log of the old database first: it must never stand beside the new one.
_OLD_ONLY = (f"{DATABASE}-wal", f"{DATABASE}-shm")
_ITEMS = (BLOBS, DATABASE)


def decide(data_dir: Path, staged: Path, aside: str) -> None:
    """From here on the restore takes place, whatever happens. `staged` holds the new items, on the disk."""
    (staged / ASIDE_NAME).write_text(aside, encoding="ascii")
    os.sync()
    staged.rename(data_dir / READY)
    sync(data_dir)
    finish(data_dir)


def finish(data_dir: Path) -> bool:
    """Carry out a restore that was decided; False where there is none."""
    ready = data_dir / READY
    if not ready.is_dir():
        return False
    if (ready / DATABASE).exists():
        aside = data_dir / (ready / ASIDE_NAME).read_text(encoding="ascii")
        aside.mkdir(mode=0o700, exist_ok=True)
        for name in _OLD_ONLY:
            _move(data_dir / name, aside / name)
        for name in _ITEMS:
            if (ready / name).exists():
                _move(data_dir / name, aside / name)
                (ready / name).rename(data_dir / name)
        sync(aside)
        sync(data_dir)
        if not any(aside.iterdir()):
            aside.rmdir()
    (ready / ASIDE_NAME).unlink(missing_ok=True)
    ready.rmdir()
    sync(data_dir)
    return True


def _move(source: Path, target: Path) -> None:
    if source.exists():
        source.rename(target)


def sync(folder: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
