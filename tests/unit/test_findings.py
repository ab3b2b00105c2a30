"""Telephone numbers and e-mail addresses in what people write."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.people.findings import Found, find

IVAN = "+79161234567"


@pytest.mark.parametrize(
    "text",
    [
        "8 (916) 123-45-67",
        "мой номер +7 916 1234567, звоните",
        "79161234567",
        "89161234567.",
        "916 123-45-67",
        "тел.: 8-916-123-45-67",
        "8.916.123.45.67",
        "Позвоните на 8 916 123 45 67 после шести",
        "+7(916)123-45-67",
    ],
)
def test_russian_numbers_as_people_write_them(text: str) -> None:
    assert [(one.scheme, one.external_id) for one in find(text, "RU")] == [("phone", IVAN)]


@pytest.mark.parametrize(
    ("text", "country", "number"),
    [
        ("call +49 30 901820 please", "RU", "+4930901820"),
        ("030 901820", "DE", "+4930901820"),
        ("(212) 555-2368", "US", "+12125552368"),
        ("+44 20 7946 0958", "", "+442079460958"),
        ("8-800-555-35-35", "RU", "+78005553535"),
    ],
)
def test_numbers_of_other_countries(text: str, country: str, number: str) -> None:
    assert [one.external_id for one in find(text, country)] == [number]


@pytest.mark.parametrize(
    "text",
    [
        "заказ 1187 от 12.03.2026 на 12 500 000",
        "карта 4276 3800 1234 5678",
        "счёт 40817810099910004312",
        "заказ №89161234567",
        "ИНН 7707083893",
        "версия 1.2.3.4",
        "просто текст",
        "",
    ],
)
def test_what_is_no_number(text: str) -> None:
    assert find(text, "RU") == []


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("пишите на Ivan.Petrov@Example.ORG.", "ivan.petrov@example.org"),
        ("почта: иван@почта.рф", "иван@почта.рф"),
        ("hans@müller.de", "hans@müller.de"),
        ("(i+shop@example.co.uk)", "i+shop@example.co.uk"),
        ("ivan (собака) mail.ru", "ivan@mail.ru"),
    ],
)
def test_addresses_in_sentences(text: str, address: str) -> None:
    assert [(one.scheme, one.external_id) for one in find(text, "RU")] == [("email", address)]


@pytest.mark.parametrize("text", ["@ivan", "ivan@localhost", "a@b", "see user@", "ivan @ work"])
def test_what_is_no_address(text: str) -> None:
    assert find(text, "RU") == []


def test_each_once_in_the_order_of_the_text_and_as_it_was_written() -> None:
    text = "8 (916) 123-45-67, i@example.org, ещё раз 79161234567 и I@EXAMPLE.org"
    assert find(text, "RU") == [
        Found("phone", IVAN, "8 (916) 123-45-67"),
        Found("email", "i@example.org", "i@example.org"),
    ]


@given(st.text(alphabet="0123456789 +-()@.aя\n", max_size=400))
def test_whatever_is_written_nothing_is_raised(text: str) -> None:
    for one in find(text, "RU"):
        assert one.scheme in ("email", "phone") and one.shown in text


def test_a_hostile_text_is_read_in_part() -> None:
    assert find("1 " * 100_000, "RU") == []
    assert find("@." * 100_000 + " 89161234567", "RU") == []
    assert find("x" * 3900 + " 89161234567", "RU") != []
