"""Generated people who share telephones and mailboxes, mistype and bear the same names: nobody is taken for
somebody else. OMNI_PROOF=1 takes the benchmark's full count, ten times."""

from __future__ import annotations

import os
from pathlib import Path
from unittest.mock import patch

import pytest

from benchmarks.identity import run
from server import identity

PROOF = bool(os.environ.get("OMNI_PROOF"))
PEOPLE = 1000 if PROOF else 250


@pytest.mark.parametrize("seed", range(1, 11 if PROOF else 4))
async def test_nobody_is_taken_for_somebody_else(seed: int, tmp_path: Path) -> None:
    result = await run(tmp_path / "town", PEOPLE, seed)
    print(result)
    assert result.wrong_merges == 0
    assert result.merges > 0
    # What is missed is mostly asked about, and mostly rightly.
    assert result.missed_and_suggested * 2 > result.missed_links > 0
    assert result.suggested_right * 3 > result.suggested * 2 > 0


async def test_the_ruler_measures(tmp_path: Path) -> None:
    """Whoever believes every shared address takes families for one person, and the corpus shows it."""
    with patch.object(identity, "strength", lambda scheme, vouched, writer, owner: "joins"):
        result = await run(tmp_path / "town", PEOPLE, 1)
    assert result.wrong_merges > 5


async def test_the_same_seed_tells_the_same_story(tmp_path: Path) -> None:
    assert await run(tmp_path / "one", 60, 7) == await run(tmp_path / "other", 60, 7)
