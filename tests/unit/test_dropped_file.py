"""What a terminal pastes when a file is dropped on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from omni_console.widgets.composer import dropped_file


@pytest.mark.parametrize("how", ["{0}", " {0} \n", "'{0}'", '"{0}"', "file://{0}"])
def test_the_path_of_a_file(how: str, tmp_path: Path) -> None:
    path = tmp_path / "map.png"
    path.touch()
    assert dropped_file(how.format(path)) == path


def test_blanks_come_with_backslashes_or_percent(tmp_path: Path) -> None:
    path = tmp_path / "my map.png"
    path.touch()
    assert dropped_file(str(path).replace(" ", "\\ ")) == path
    assert dropped_file(f"file://{str(path).replace(' ', '%20')}") == path


@pytest.mark.parametrize(
    "text",
    ["", "map.png", "/no/such/file", "/etc", "two\nlines", "'/unfinished", "/a\x00b", "/" + "x" * 5000],
)
def test_anything_else_is_text(text: str) -> None:
    assert dropped_file(text) is None


def test_a_path_within_words_is_text(tmp_path: Path) -> None:
    path = tmp_path / "map.png"
    path.touch()
    assert dropped_file(f"{path} please") is None
