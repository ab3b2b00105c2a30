"""Urgent words are found in every form in which people write them."""

from __future__ import annotations

import pytest

from server.cases.urgent import LOOKED_AT, UrgentWords

WORDS = UrgentWords(["заблокирована", "украли карту", "blocked", "emergency", "ёлка", "SOS"])


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("Мою карту ЗАБЛОКИРОВАЛИ за границей!", "заблокирована"),
        ("карта заблокирована", "заблокирована"),
        ("карты заблокированы, помогите", "заблокирована"),
        ("у меня украли карты", "украли карту"),
        ("украли вчера карту", ""),  # not one after another
        ("My cards were blocked.", "blocked"),
        ("Two emergencies at once", "emergency"),
        ("елки горят", "ёлка"),
        ("sos", "SOS"),
        ("a sosage", ""),
        ("unblocked", ""),
        ("", ""),
    ],
)
def test_forms(text: str, entry: str) -> None:
    assert WORDS.found(text) == entry


def test_no_words_find_nothing() -> None:
    assert UrgentWords([]).found("blocked") == ""


def test_only_the_beginning_is_looked_at() -> None:
    assert WORDS.found("x " * LOOKED_AT + "blocked") == ""
