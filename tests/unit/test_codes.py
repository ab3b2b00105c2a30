"""One-time codes: what they are made from, what is stored of them, and what is taken for one."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.people.codes import MASK, digest, digits_told, is_right, masked, secret
from server.wording import _PHRASES, say

KEY = b"k" * 32
nonces = st.binary(min_size=16, max_size=16)


@given(nonces)
def test_digits_are_six_and_a_link_has_128_bits(nonce: bytes) -> None:
    digits, token = secret(KEY, "digits", nonce), secret(KEY, "link", nonce)
    assert re.fullmatch(r"[0-9]{6}", digits) and re.fullmatch(r"[\w-]{22}", token)
    assert (digits, token) == (secret(KEY, "digits", nonce), secret(KEY, "link", nonce))
    assert secret(b"x" * 32, "link", nonce) != token


@given(nonces, nonces)
def test_only_the_right_code_is_right(one: bytes, other: bytes) -> None:
    digits = secret(KEY, "digits", one)
    stored = digest(KEY, "digits", one, digits)
    assert is_right(stored, KEY, "digits", one, digits)
    assert not is_right(stored, KEY, "digits", one, f"{(int(digits) + 1) % 10**6:06}")
    assert not is_right(stored, b"x" * 32, "digits", one, digits)
    if one != other:
        # The same digits of another code are stored as something else: nobody compares two rows.
        assert digest(KEY, "digits", other, digits) != stored
        # A link is sought by what it carries alone.
        token = secret(KEY, "link", one)
        assert digest(KEY, "link", one, token) == digest(KEY, "link", other, token)


def test_codes_are_spread_evenly() -> None:
    made = {secret(KEY, "digits", number.to_bytes(16, "big")) for number in range(2000)}
    assert len(made) > 1990
    assert {digits[0] for digits in made} == set("0123456789")


@pytest.mark.parametrize("text", ["123456", " 123 456 ", "12-34-56", "1 2 3 4 5 6", "\n123456\n"])
def test_what_is_told(text: str) -> None:
    assert digits_told(text) == "123456"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "12345",
        "1234567",
        "123456?",
        "it is 123456",
        "\u0661\u0662\u0663\u0664\u0665\u0666",
        "1" * 4000,
        "123456 " + " " * 40,
        "+123456",
    ],
)
def test_what_is_not_told(text: str) -> None:
    assert digits_told(text) is None


@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    told = digits_told(text)
    assert told is None or re.fullmatch(r"[0-9]{6}", told)


def test_a_mask_hides_the_code_and_nothing_else() -> None:
    assert masked("https://t.me/b?start=TOKEN now", "TOKEN") == f"https://t.me/b?start={MASK} now"


def test_every_phrase_is_there_in_every_language() -> None:
    first, *others = _PHRASES.values()
    for other in others:
        assert set(other) == set(first)
        for phrase, text in other.items():
            # The same values go into each.
            assert sorted(re.findall(r"\{(\w+)\}", text)) == sorted(re.findall(r"\{(\w+)\}", first[phrase]))
    assert say("ru", "page_button") != say("en", "page_button") == say("xx", "page_button")


def test_what_a_site_calls_itself_is_only_a_name() -> None:
    assert "{code}" not in say("en", "code", code="1", site="{minutes} {0} %s", minutes=10)
    assert "{0} %s" in say("en", "code", code="1", site="{0} %s", minutes=10)
