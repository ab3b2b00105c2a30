from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from textual.content import Content

from omni_console.cleaning import LINE_MAX, MARKS_MAX, TEXT_MAX, clean, clean_line, typed
from omni_console.text import fit, safe_line, safe_text, short_name

ANYTHING = st.text(alphabet=st.characters(), max_size=200)
NASTY = st.text(
    alphabet=st.sampled_from(
        "\x00\x07\x1b\x7f\x80\x9b\u202e\u2066\u200b\u0301\ufe0f[]/@\\\n\t\r a👍🏽\u200d\U000e0041"
    ),
    max_size=80,
)


def paintable(char: str) -> bool:
    if char == "\n":
        return True
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


@settings(max_examples=300, deadline=None)
@given(st.one_of(ANYTHING, NASTY))
def test_nothing_but_paintable_characters_comes_out(text: str) -> None:
    for char in clean(text):
        assert paintable(char), hex(ord(char))
    line = clean_line(text)
    assert "\n" not in line
    assert line == line.strip()


@settings(max_examples=300, deadline=None)
@given(st.one_of(ANYTHING, NASTY))
def test_content_is_the_cleaned_text_and_nothing_is_markup(text: str) -> None:
    assert safe_text(text).plain == clean(text)
    assert safe_text(text).spans == []


@settings(max_examples=200, deadline=None)
@given(st.one_of(ANYTHING, NASTY), st.integers(min_value=0, max_value=40))
def test_fit_is_exactly_as_wide_as_asked(text: str, width: int) -> None:
    assert cell_len(fit(safe_line(text), width).plain) == width


@pytest.mark.parametrize(
    ("raw", "painted"),
    [
        ("\x1b]0;x\x07", "\u241b]0;x\u2407"),
        ("a\x7f\x9bb", "a\u2421\ufffdb"),
        ("evil\u202etxt.exe", "evil\u21c4txt.exe"),
        ("a\u200bb", "a\u237db"),
        ("x\U000e0041\U000e0042", "x\ufffd\ufffd"),
        ("a\tb", "a    b"),
        ("a\r\nb\rc", "a\nb\u240dc"),
        ("a\u2028b", "a\nb"),
        ("❤\ufe0f", "❤"),
        ("👍🏽", "👍"),
        ("👨\u200d👩", "👨👩"),
        ("🇷🇺", "RU"),
        ("\u3164", "\u237d"),
        ("[@click=app.quit]x[/]", "[@click=app.quit]x[/]"),
        ("نام\u200cها", "نامها"),
    ],
)
def test_what_stands_for_what(raw: str, painted: str) -> None:
    assert clean(raw) == painted


def test_hidden_characters_in_a_row_are_one_sign() -> None:
    assert clean("a" + "\u200b\u034f" * 300 + "b") == "a\u237db"


def test_marks_are_capped_and_never_stand_on_our_frame() -> None:
    text = clean("Z" + "\u0301" * 500)
    assert text == "Z" + "\u0301" * MARKS_MAX
    assert clean("\u0301x") == "\u25cc\u0301x"


def test_long_texts_and_lines_are_cut_with_a_sign() -> None:
    assert clean("a" * (LINE_MAX + 1)) == "a" * LINE_MAX + "…"
    many = clean("ab\n" * TEXT_MAX)
    assert many.endswith("…")
    assert len(many) <= TEXT_MAX + 1


def test_ordinary_text_is_left_alone() -> None:
    text = "Здравствуйте, “Иван” — 5 € №7\nnaïve Müller 山田太郎"
    assert clean(text) == text


def test_what_is_ours_around_a_line_stays() -> None:
    assert safe_line("  Иван \n Петров ", before=" → ", after=" ").plain == " → Иван Петров "


def test_an_editor_keeps_every_character_apart_from_controls() -> None:
    assert typed("a\x1bb\r\nc\u202ed\tи👍🏽") == "a\u241bb\nc\u21c4d\tи👍🏽"
    assert typed("a\u200bb\U000e0041") == "a\u237db\ufffd", "nobody sends what he does not see"
    assert typed("می\u200cخواهم 👩\u200d🚀 so\u00adft") == "می\u200cخواهم 👩\u200d🚀 so\u00adft"


def test_a_name_that_does_not_fit_is_its_first_word_unless_it_is_a_number() -> None:
    assert short_name("Анна Мария", 6).plain == "Анна"
    assert short_name("+7 916 000", 6).plain == "+7 91…"
    assert isinstance(short_name("", 6), Content)
