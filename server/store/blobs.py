"""Files named by their SHA-256, written and fsynced before the row that names them."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from pathlib import Path

WANTED_S = 60.0  # from storing bytes to committing the row that names them, at the very most


class BlobStore:
    """Blocking; call it on a thread."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def prepare(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        return self.root / sha256[:2] / sha256

    def put(self, data: bytes) -> str:
        """Store bytes; the name under which they lie, durable when this returns. Raises OSError."""
        sha256 = hashlib.sha256(data).hexdigest()
        target = self.path(sha256)
        try:
            os.utime(target)  # whoever removes files must see that this one is wanted again
        except FileNotFoundError:
            pass
        else:
            return sha256
        folder = target.parent
        fresh = not folder.exists()
        folder.mkdir(mode=0o700, exist_ok=True)
        temporary = folder / f".{secrets.token_hex(8)}"
        try:
            with open(temporary, "xb", opener=_private) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.rename(temporary, target)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        _sync_folder(folder)
        if fresh:
            _sync_folder(self.root)
        return sha256

    def remove(self, sha256: str) -> bool:
        """Remove a file that no row names. False, and nothing is done, while somebody may just be storing the
        same bytes: his row comes a moment after them."""
        target = self.path(sha256)
        try:
            if time.time() - target.stat().st_mtime < WANTED_S:
                return False
            target.unlink()
        except FileNotFoundError:
            return True
        _sync_folder(target.parent)
        return True

    def read(self, sha256: str) -> bytes:
        return self.path(sha256).read_bytes()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
