"""The operator's own speller: what it is given, and what is believed of what it says."""

from __future__ import annotations

import sys

import pytest

from omni_console.own_programs import OwnProgramError
from omni_console.spelling import own_words, unknown

# Knows no word that ends in z; and says more than it was asked.
SPELLER = (
    sys.executable,
    "-c",
    "import sys,re; text=sys.stdin.read()\n"
    "print('\\n'.join(w for w in re.findall(r'\\w+', text) if w.endswith('z')))\n"
    "print('\\x1b[31mneverz')",
)


def test_only_the_operators_own_words_are_looked_at() -> None:
    text = "> their wordz\nHello {namez}, see https://shop.example/az or a@bz.example: myz"
    assert "their" not in own_words(text)
    assert unknown(text, SPELLER) == ("myz",)


def test_each_word_once_in_the_order_of_the_text() -> None:
    assert unknown("bz az bz Курьерz", SPELLER) == ("bz", "az", "Курьерz")


def test_what_is_not_in_the_text_is_not_shown() -> None:
    assert unknown("all is well", SPELLER) == ()


def test_a_speller_that_fails_is_told_of() -> None:
    with pytest.raises(OwnProgramError, match="ended with 3: no dictionary"):
        unknown(
            "x", (sys.executable, "-c", "import sys; print('no dictionary', file=sys.stderr); sys.exit(3)")
        )
    with pytest.raises(OSError, match="nosuchspeller"):
        unknown("x", ("nosuchspeller",))
