"""Finding by a few letters."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_console.fuzzy import BEGINS, SCATTERED, STANDS, how_well, narrows


@pytest.mark.parametrize(
    ("typed", "fit"),
    [
        ("", BEGINS),
        ("ann", BEGINS),
        ("schm a", BEGINS),
        ("invo", BEGINS),
        ("midt", STANDS),
        ("asm", SCATTERED),
        ("shdt", SCATTERED),
        ("ANNA Sch", BEGINS),
        ("dt", None),
        ("ino", None),
        ("[", None),
    ],
)
def test_how_well_a_name_answers(typed: str, fit: int | None) -> None:
    assert how_well(typed, " anna schmidt", " invoice 2231") == fit


def test_russians_write_one_letter_in_two_ways() -> None:
    assert how_well("Семен", " семен", "") == how_well("Семён", " семен", "") == BEGINS


LETTERS = st.text(alphabet="ab c", max_size=8)


@given(LETTERS, LETTERS, LETTERS, LETTERS)
def test_whoever_types_on_is_answered_from_what_is_left(before: str, more: str, name: str, rest: str) -> None:
    typed = before + more
    if narrows(before, typed) and how_well(typed, f" {name}", f" {rest}") is not None:
        assert how_well(before, f" {name}", f" {rest}") is not None
