"""Reading a backup: everything is checked before anything takes a place. Blocking.

An archive is input like any other: it may be cut off, damaged, or made by somebody with other ideas. Only the
names that our own backups use are taken, and no member becomes a path.
"""

from __future__ import annotations

import contextlib
import hashlib
import re
import secrets
import shutil
import tarfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import msgspec

from server import fates
from server.backup import FORMAT, MANIFEST, MIB, Manifest, Part
from server.cases import leaving
from server.clock import SystemClock
from server.people import erasing
from server.store import backup, offline, switch
from server.store.errors import StoreError
from server.store.migrations import migrate
from server.store.transaction import Transaction

MANIFEST_MAX = 512 * MIB
_BLOB = re.compile(rf"{offline.BLOBS}/([0-9a-f]{{2}})/([0-9a-f]{{64}})")


class ArchiveError(Exception):
    """This is no whole backup of ours; nothing was put in place. `hint` says what to do."""

    def __init__(self, message: str, hint: str = "use another backup") -> None:
        super().__init__(message)
        self.hint = hint


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What a restore led to. `unknown`: replies that were not surely sent when the backup was made."""

    manifest: Manifest
    unknown: int
    aside: Path | None  # where what was there before is now


def verify(source: IO[bytes]) -> Manifest:
    """Read a whole archive and check every part against the manifest. Raises ArchiveError, OSError."""
    return _read(source, None)


def restore(source: IO[bytes], data_dir: Path, replace: bool = False) -> Restored:
    """Put a backup in place. Call it only while holding the data directory's lock.

    Raises ArchiveError and StoreError, and then nothing has changed.
    """
    switch.finish(data_dir)
    occupied = [name for name in (offline.DATABASE, offline.BLOBS) if (data_dir / name).exists()]
    if occupied and not replace:
        raise StoreError(
            f"{data_dir} holds {' and '.join(occupied)} already", "--replace puts it aside, and loses nothing"
        )
    for left in data_dir.glob(f"{switch.STAGING}*"):
        shutil.rmtree(left)
    staged = data_dir / f"{switch.STAGING}{secrets.token_hex(4)}"
    staged.mkdir(mode=0o700)
    try:
        (staged / offline.BLOBS).mkdir(mode=0o700)
        manifest = _read(source, staged)
        unknown = _ready(staged, manifest, erasing.noted(data_dir / erasing.LIST))
        aside = switch.ASIDE + datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ") + f"-{secrets.token_hex(2)}"
        switch.decide(data_dir, staged, aside)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    old = data_dir / aside
    return Restored(manifest=manifest, unknown=unknown, aside=old if old.exists() else None)


def _ready(staged: Path, manifest: Manifest, erased: list[erasing.Line]) -> int:
    """Check the staged database, bring it to this version, and let it begin anew, without those who were
    erased since; the doubtful replies."""
    path = staged / offline.DATABASE
    backup.check(path)
    found = backup.facts(path)
    if (found.schema, found.newest_seq, found.counts) != (
        manifest.schema,
        manifest.newest_seq,
        manifest.counts,
    ):
        raise ArchiveError("the database in it is not the one that its manifest tells of")
    if found.files != set(manifest.files) | set(manifest.absent):
        raise ArchiveError("the files in it are not those that its database names")
    migrate(path, str(SystemClock().now()))

    def begin_anew(tx: Transaction) -> int:
        doubtful = backup.begin_anew(tx, manifest.created_at)
        why = "restored from a backup: it may have been sent after the backup was made"
        for row in doubtful:
            fates.declare_unknown(tx, row, why)
        leaving.give_back_all(tx, leaving.RESTORED)
        return len(doubtful)

    unknown = offline.write(staged, begin_anew)
    if erased:
        for name in offline.write(staged, lambda tx: erasing.erase_again(tx, erased)):
            (staged / offline.BLOBS / name[:2] / name).unlink(missing_ok=True)
        offline.compact(staged)
    for left in staged.iterdir():
        if left.name not in (offline.DATABASE, offline.BLOBS):
            left.unlink()  # the copy that the upgrade of this copy made
    return unknown


# --- the archive --------------------------------------------------------------------------------------


def _read(source: IO[bytes], folder: Path | None) -> Manifest:
    """Check an archive; its parts are written below `folder` where there is one."""
    found: dict[str, Part] = {}
    manifest: Manifest | None = None
    try:
        with tarfile.open(fileobj=source, mode="r|", bufsize=MIB) as tar:
            for member in tar:
                name = _judge(member, found, manifest is not None)
                content = tar.extractfile(member)
                if content is None:
                    raise ArchiveError(f"{name} has no content")
                if name == MANIFEST:
                    manifest = _manifest(content, member.size)
                else:
                    found[name] = _take(content, member.size, None if folder is None else folder / name)
    except (tarfile.TarError, EOFError, ValueError, OverflowError) as error:
        raise ArchiveError(f"it is cut off, damaged, or no archive of ours: {error}") from error
    if manifest is None:
        raise ArchiveError("it is cut off: it ends without its manifest")
    _compare(manifest, found)
    return manifest


def _judge(member: tarfile.TarInfo, found: dict[str, Part], after_manifest: bool) -> str:
    """The member's name, if a backup of ours may have it here. Raises ArchiveError."""
    shown = member.name[:80].encode("unicode_escape").decode("ascii")
    blob = _BLOB.fullmatch(member.name)
    ours = member.name in (offline.DATABASE, MANIFEST) or (blob is not None and blob[2].startswith(blob[1]))
    if not ours or member.type != tarfile.REGTYPE or member.issparse() or member.size < 0:
        raise ArchiveError(f"it holds {shown!r}, which no backup of ours does", "do not use this archive")
    if member.name in found or after_manifest:
        raise ArchiveError(f"it holds {shown!r} twice or after its end", "do not use this archive")
    return member.name


def _manifest(content: IO[bytes], size: int) -> Manifest:
    if size > MANIFEST_MAX:
        raise ArchiveError(f"its manifest has {size} bytes")
    try:
        manifest = msgspec.json.decode(content.read(), type=Manifest)
    except msgspec.MsgspecError as error:
        raise ArchiveError(f"its manifest cannot be read: {error}") from error
    if manifest.format != FORMAT:
        raise ArchiveError(
            f"it is of format {manifest.format}, this version knows {FORMAT}", "install the newer version"
        )
    return manifest


def _take(content: IO[bytes], size: int, target: Path | None) -> Part:
    """Read one part to its end, and write it where there is a target."""
    digest = hashlib.sha256()
    taken = 0
    with contextlib.ExitStack() as stack:
        write: Callable[[bytes], object] = len
        if target is not None:
            target.parent.mkdir(mode=0o700, exist_ok=True)
            target.touch(mode=0o600, exist_ok=False)
            write = stack.enter_context(open(target, "wb")).write
        while piece := content.read(MIB):
            digest.update(piece)
            write(piece)
            taken += len(piece)
    if taken != size:
        raise ArchiveError("it is cut off")
    return Part(size, digest.hexdigest())


def _compare(manifest: Manifest, found: dict[str, Part]) -> None:
    expected = {offline.DATABASE: manifest.database}
    for sha256, size in manifest.files.items():
        expected[f"{offline.BLOBS}/{sha256[:2]}/{sha256}"] = Part(size, sha256)
    if found == expected:
        return
    wrong = sorted(name for name in found.keys() | expected.keys() if found.get(name) != expected.get(name))
    more = f" and {len(wrong) - 1} more" if len(wrong) > 1 else ""
    raise ArchiveError(f"{wrong[0][:80]}{more}: missing, or not what the manifest says")
