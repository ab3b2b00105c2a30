"""Pictures of the documentation: what is named exists, and what exists is drawn by `make pictures`."""

from __future__ import annotations

import re
from pathlib import Path

from tests.fakes.draw import PICTURES

ROOT = Path(__file__).parents[2]


def test_every_picture_that_is_named_exists() -> None:
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    named = [
        (page, page.parent / link)
        for page in pages
        for link in re.findall(r"!\[[^\]]*\]\(([^)#:]+)\)", page.read_text(encoding="utf-8"))
    ]
    assert named
    assert [(page.name, link) for page, link in named if not link.is_file()] == []


def test_every_picture_is_drawn_by_the_console_itself() -> None:
    assert {path.stem for path in (ROOT / "docs" / "pictures").iterdir()} == set(PICTURES)
