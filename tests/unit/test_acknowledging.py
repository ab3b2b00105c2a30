"""How often the server may answer by itself. Pure."""

from __future__ import annotations

import pytest

from server.acknowledging import too_much
from server.store.auto_answers import Said


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (Said(0, 0, 0, 1), ""),
        (Said(0, 2, 29, 5), ""),
        (Said(1, 0, 0, 1), "this address had one today"),
        (Said(0, 3, 0, 1), "this conversation had its share"),
        (Said(0, 0, 30, 1), "there were too many in this hour"),
        (Said(0, 0, 0, 6), "this address writes too fast for a person"),
    ],
)
def test_the_caps(said: Said, why: str) -> None:
    assert too_much(said) == why
