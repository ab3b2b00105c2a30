"""Making a backup: a tar archive with a copy of the database, the customers' files, and what it must hold.

Members, in this order: `omni.sqlite3`, `files/AB/SHA256` for every file that a row of that database names,
and `manifest.json`, which a truncated archive does not have. Blocking; call it on a thread.
"""

from __future__ import annotations

import hashlib
import io
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol

import msgspec
import structlog

from server.store import backup, offline
from server.store.blobs import BlobStore
from server.store.errors import StoreError

log = structlog.get_logger(__name__)

FORMAT = 1
MANIFEST = "manifest.json"
COPY = "backup.partial"  # in the data directory, as long as a backup is being made
MIB = 1024 * 1024


class Part(msgspec.Struct, frozen=True):
    size: int
    sha256: str


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an archive holds. Times are UTC milliseconds."""

    format: int
    version: str  # of the product that made it
    created_at: int
    schema: int
    newest_seq: int
    counts: dict[str, int]  # rows by table
    database: Part
    files: dict[str, int]  # SHA-256 -> size in bytes
    absent: tuple[str, ...] = ()  # files that rows name and that were missing or damaged already


class Sink(Protocol):
    def write(self, data: bytes, /) -> object: ...


class Backup:
    """`prepare` copies the database and looks at the copy; `write` puts the archive out; `close` removes the
    copy. `stop` is asked again and again: once it says yes, StoppedError ends the work."""

    def __init__(self, data_dir: Path, stop: Callable[[], bool] = lambda: False) -> None:
        self._copy = data_dir / COPY
        self._database = data_dir / offline.DATABASE
        self._blobs = BlobStore(data_dir / offline.BLOBS)
        self._stop = stop
        self._facts: backup.Facts | None = None

    def prepare(self, reserve: int = 0) -> backup.Facts:
        """`reserve`: bytes that must stay free on the disk. Raises StoreError, StoppedError."""
        sweep(self._database.parent)
        needed = self._database.stat().st_size + reserve
        free = shutil.disk_usage(self._database.parent).free
        if free < needed:
            raise StoreError(
                f"a backup needs {needed // MIB} MiB free beside the database; there are {free // MIB} MiB",
                "free space on the disk of the data directory",
            )
        backup.snapshot(self._database, self._copy, self._stop)
        backup.check(self._copy, self._stop)
        self._facts = backup.facts(self._copy)
        return self._facts

    def write(self, out: Sink, version: str, now: int) -> Manifest:
        """Raises StoppedError, OSError, and whatever `out` raises."""
        if self._facts is None:
            raise RuntimeError("prepare() comes first")
        # tarfile wants a whole file object and calls only write()
        with tarfile.open(fileobj=_Writing(out), mode="w|", bufsize=MIB, format=tarfile.PAX_FORMAT) as tar:
            with open(self._copy, "rb") as file:
                hashing = _Hashing(file, self._stop)
                size = self._copy.stat().st_size
                tar.addfile(_member(offline.DATABASE, size, now), hashing)
            files, absent = self._write_files(tar, now)
            manifest = Manifest(
                format=FORMAT,
                version=version,
                created_at=now,
                schema=self._facts.schema,
                newest_seq=self._facts.newest_seq,
                counts=self._facts.counts,
                database=Part(size, hashing.hexdigest()),
                files=files,
                absent=absent,
            )
            data = msgspec.json.encode(manifest)
            tar.addfile(_member(MANIFEST, len(data), now), io.BytesIO(data))
        return manifest

    def _write_files(self, tar: tarfile.TarFile, now: int) -> tuple[dict[str, int], tuple[str, ...]]:
        files: dict[str, int] = {}
        absent = []
        for sha256 in sorted(self._facts.files if self._facts else ()):
            if self._stop():
                raise backup.StoppedError
            try:
                data = self._blobs.read(sha256)
            except OSError:
                data = b""
            if hashlib.sha256(data).hexdigest() != sha256:
                # The rest is worth a backup all the same, and those who made it are told.
                log.error("a customer's file is missing or damaged", sha256=sha256)
                absent.append(sha256)
                continue
            tar.addfile(_member(f"{offline.BLOBS}/{sha256[:2]}/{sha256}", len(data), now), io.BytesIO(data))
            files[sha256] = len(data)
        return files, tuple(absent)

    def close(self) -> None:
        sweep(self._database.parent)


def sweep(data_dir: Path) -> None:
    """Remove what a backup left that was killed. Not while one is being made."""
    for name in (COPY, f"{COPY}-journal"):
        (data_dir / name).unlink(missing_ok=True)


def _member(name: str, size: int, now: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size = size
    info.mode = 0o600
    info.mtime = now // 1000
    return info


class _Hashing(io.RawIOBase):
    """Reads a file, and knows the SHA-256 of what was read."""

    def __init__(self, file: IO[bytes], stop: Callable[[], bool]) -> None:
        self._file = file
        self._stop = stop
        self._hash = hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        if self._stop():
            raise backup.StoppedError
        data = self._file.read(size)
        self._hash.update(data)
        return data

    def hexdigest(self) -> str:
        return self._hash.hexdigest()


class _Writing(io.RawIOBase):
    """A sink, in the shape of a file."""

    def __init__(self, out: Sink) -> None:
        self._out = out

    def writable(self) -> bool:
        return True

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        self._out.write(data)
        return len(data)
