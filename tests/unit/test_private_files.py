"""Files of the operator's own: what was kept is on the disk before it takes the old one's place."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from omni_console.own_files import append_private, write_private


def test_a_file_is_on_the_disk_before_it_has_its_name_and_its_name_is_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def on_disk(handle: int) -> None:
        done.append(
            "folder" if stat.S_ISDIR(os.fstat(handle).st_mode) else f"{os.fstat(handle).st_size} bytes"
        )
        fsync(handle)

    def renamed(path: Path, target: Path) -> Path:
        done.append("renamed")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", on_disk)
    monkeypatch.setattr(Path, "replace", renamed)
    path = tmp_path / "new" / "layouts.json"
    write_private(path, "привет")
    assert done == ["12 bytes", "renamed", "folder"]
    assert path.read_text(encoding="utf-8") == "привет"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["layouts.json"]


def test_what_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "kept"
    write_private(path, "old")

    def full(handle: int) -> None:
        raise OSError("no space")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        write_private(path, "new")
    assert path.read_text(encoding="utf-8") == "old"
    monkeypatch.undo()
    append_private(path, "er")
    assert path.read_text(encoding="utf-8") == "older"
