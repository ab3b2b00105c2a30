"""Where the console keeps what is its operator's: configuration and state, by the XDG directories."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

FOLDER = "omni-console"


def configuration(name: str) -> Path:
    """keys.toml, console.toml."""
    home = Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return home / FOLDER / name


def state(name: str) -> Path:
    """What the console remembers by itself."""
    home = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
    return home / FOLDER / name


def write_private(path: Path, text: str) -> None:
    """Replace the file with this text, for its owner alone: after a power cut it is the old or the new one.

    Raises OSError.
    """
    _folder(path)
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.unlink(missing_ok=True)
    with _opened(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL) as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    _keep_names(path.parent)


@contextlib.contextmanager
def alone(path: Path) -> Iterator[None]:
    """Nobody else changes the file meanwhile: no other thread, and no other console. Raises OSError."""
    _folder(path)
    with _opened(path.with_name(f"{path.name}.lock"), os.O_WRONLY | os.O_CREAT) as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def append_private(path: Path, text: str) -> None:
    """Raises OSError."""
    _folder(path)
    with _opened(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND) as file:
        file.write(text)


def _keep_names(folder: Path) -> None:
    """The new name is on the disk, too."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _folder(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)


def _opened(path: Path, flags: int) -> TextIO:
    handle = os.open(path, flags | os.O_NOFOLLOW, 0o600)
    os.fchmod(handle, 0o600)
    return os.fdopen(handle, "w", encoding="utf-8")
