"""Files named by their SHA-256: once, private, and never half."""

from __future__ import annotations

import hashlib
import os
import stat
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from server.store.blobs import BlobStore


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    store = BlobStore(tmp_path / "files")
    store.prepare()
    store.prepare()
    return store


@given(data=st.binary(max_size=100))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
def test_what_is_put_is_read(blobs: BlobStore, data: bytes) -> None:
    name = blobs.put(data)
    assert name == hashlib.sha256(data).hexdigest()
    assert blobs.read(name) == data
    assert blobs.put(data) == name
    assert blobs.path(name).is_relative_to(blobs.root)


def test_only_its_owner_reads_it(blobs: BlobStore) -> None:
    before = os.umask(0)
    try:
        path = blobs.path(blobs.put(b"passport"))
    finally:
        os.umask(before)
    modes = [stat.S_IMODE(one.stat().st_mode) for one in (path, path.parent, blobs.root)]
    assert modes == [0o600, 0o700, 0o700]


def test_a_write_that_fails_leaves_nothing(blobs: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        with pytest.raises(OSError, match="No space"):
            blobs.put(b"data")
    assert [found for found in blobs.root.rglob("*") if found.is_file()] == []
    assert blobs.read(blobs.put(b"data")) == b"data"


def test_it_is_durable_before_it_has_its_name(blobs: BlobStore, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    fsync, rename = os.fsync, os.rename

    def synced(descriptor: int) -> None:
        order.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def renamed(source: str | Path, target: str | Path) -> None:
        order.append("rename")
        rename(source, target)

    monkeypatch.setattr(os, "fsync", synced)
    monkeypatch.setattr(os, "rename", renamed)
    blobs.put(b"data")
    assert order == ["file", "rename", "folder", "folder"]
    blobs.put(b"data")
    assert len(order) == 4
