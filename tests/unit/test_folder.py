"""What lies in a folder, as one picks a file from it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from omni_console import folder as module
from omni_console.folder import Folder, place_of


@pytest.fixture
def desk(tmp_path: Path) -> Path:
    for age, name in enumerate(("newest.pdf", "Отчёт за ноябрь.pdf", "old photo.png", ".hidden")):
        (tmp_path / name).write_bytes(b"x" * age)
        os.utime(tmp_path / name, (1_000_000 - age, 1_000_000 - age))
    (tmp_path / "letters").mkdir()
    (tmp_path / "Archive").mkdir()
    (tmp_path / "leads nowhere").symlink_to(tmp_path / "gone")
    return tmp_path


def names(folder: Folder, words: str = "") -> list[str]:
    return [entry.name for entry in folder.answering(words)]


def test_files_come_newest_first_then_folders(desk: Path) -> None:
    found = names(Folder(desk))
    assert found == [
        "newest.pdf",
        "Отчёт за ноябрь.pdf",
        "old photo.png",
        "leads nowhere",
        "Archive",
        "letters",
    ]
    assert [one.size for one in Folder(desk).answering("")][:3] == [0, 1, 2]


def test_a_few_letters_of_any_alphabet_and_case_find_it(desk: Path) -> None:
    assert names(Folder(desk), "photo") == ["old photo.png"]
    assert names(Folder(desk), "отчет") == ["Отчёт за ноябрь.pdf"]
    assert names(Folder(desk), "ARCH") == ["Archive"]
    assert names(Folder(desk), ".h") == [".hidden"]
    assert names(Folder(desk), "zzz") == []


def test_of_a_big_folder_no_file_is_looked_at(desk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOKED_AT", 3)
    assert names(Folder(desk))[0] == "leads nowhere"
    assert {one.size for one in Folder(desk).answering("")} == {None}


def test_what_cannot_be_read_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Folder(tmp_path / "gone")


@pytest.mark.parametrize(
    ("typed", "folder", "letters"),
    [
        ("", "/here", ""),
        ("inv", "/here", "inv"),
        ("sub/inv", "/here/sub", "inv"),
        ("/etc/pass", "/etc", "pass"),
        ("/", "/", ""),
        ("~", "/home/olga", ""),
        ("~/in", "/home/olga", "in"),
        ("../x y", "/here/..", "x y"),
    ],
)
def test_letters_and_paths(typed: str, folder: str, letters: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/olga")
    assert place_of(typed, Path("/here")) == (Path(folder), letters)
