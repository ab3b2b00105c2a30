"""What a score may be."""

from __future__ import annotations

import pytest

from channels.base.score import score_problem


@pytest.mark.parametrize(
    ("title", "amount", "details"),
    [
        ("csat", "1", {}),
        ("csat", "5", {"scale": "5", "conversation": "17"}),
        ("nps", "0", {}),
        ("ces", "7", {}),
        ("own", "87.5", {"scale": "100"}),
    ],
)
def test_what_fits_its_scale_is_taken(title: str, amount: str, details: dict[str, str]) -> None:
    assert score_problem(title, amount, details) == ""


@pytest.mark.parametrize(
    ("title", "amount", "details", "says"),
    [
        ("stars", "3", {}, "csat, nps, ces or own"),
        ("csat", "0", {}, "from 1 to 5"),
        ("csat", "6", {}, "from 1 to 5"),
        ("csat", "4", {"scale": "10"}, "ends at 5"),
        ("nps", "11", {}, "from 0 to 10"),
        ("nps", "", {}, "from 0 to 10"),
        ("nps", "nan", {}, "from 0 to 10"),
        ("own", "5", {}, "highest value"),
        ("own", "5", {"scale": "0"}, "highest value"),
        ("own", "5", {"scale": "4"}, "from 0 to 4"),
        ("nps", "9", {"conversation": "seven"}, "number of a conversation"),
    ],
)
def test_what_does_not_is_refused_in_words(
    title: str, amount: str, details: dict[str, str], says: str
) -> None:
    assert says in score_problem(title, amount, details)
