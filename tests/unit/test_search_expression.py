"""What a person types becomes a search that finds word forms and never fails."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.store.search import WORDS_MAX, folded, match_expression

TEXTS = {
    "card": "Моя карта заблокирована",
    "refund": "Верните деньги за заказы номер 12345",
    "delivery": "Когда доставят посылку? Доставка обещана вчера",
    "english": "The payments were refused twice",
    "hedgehog": "Ёжик пишет ещё",
    "address": "Пишите на ivan.petrov@example.org",
    "short": "кот и кит",
}


@pytest.fixture(scope="module")
def index() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    connection.execute("CREATE VIRTUAL TABLE t USING fts5 (text, subject, tokenize = 'unicode61')")
    for text in TEXTS.values():
        connection.execute("INSERT INTO t (text, subject) VALUES (?, NULL)", (folded(text),))
    return connection


def found(index: sqlite3.Connection, query: str) -> set[str]:
    expression = match_expression(query)
    if expression is None:
        return set()
    rows = index.execute("SELECT text FROM t WHERE t MATCH ?", (expression,)).fetchall()
    return {name for name, text in TEXTS.items() if (folded(text),) in rows}


@pytest.mark.parametrize(
    ("query", "name"),
    [
        ("карта", "card"),
        ("карты", "card"),
        ("картой", "card"),
        ("КАРТУ заблокировали", "card"),
        ("заказ", "refund"),
        ("заказов", "refund"),
        ("деньгами", "refund"),
        ("посылка", "delivery"),
        ("доставке", "delivery"),
        ("payment", "english"),
        ("refusing", "english"),
        ("12345", "refund"),
        ("ёжику", "hedgehog"),
        ("ежик ЕЩЕ", "hedgehog"),
        ('"ещё"', "hedgehog"),
        ("ivan.petrov@example.org", "address"),
        ('"кит"', "short"),
        ('"заказы номер"', "refund"),
        ("зака", "refund"),
    ],
)
def test_it_is_found(index: sqlite3.Connection, query: str, name: str) -> None:
    assert name in found(index, query)


@pytest.mark.parametrize(
    "query", ['"заказ"', "карта деньги", "1234", "ки", "", "   ", "!!!", '"" OR ""', "* AND *"]
)
def test_it_is_not_found(index: sqlite3.Connection, query: str) -> None:
    assert found(index, query) == set()


HOSTILE = [
    '"',
    "*",
    "AND",
    "OR",
    "NOT",
    "NEAR(",
    ")",
    "^",
    ":",
    "text:",
    "-",
    "+",
    "{",
    "}",
    "\x00",
    "_",
    "'",
]


@given(st.lists(st.sampled_from(HOSTILE) | st.text(max_size=8), max_size=12).map(" ".join))
def test_no_syntax_is_hostile_enough(query: str) -> None:
    expression = match_expression(query)
    connection = sqlite3.connect(":memory:")
    try:
        connection.execute("CREATE VIRTUAL TABLE t USING fts5 (text, tokenize = 'unicode61')")
        if expression is not None:
            assert connection.execute("SELECT * FROM t WHERE t MATCH ?", (expression,)).fetchall() == []
    finally:
        connection.close()


def test_a_query_is_bounded() -> None:
    expression = match_expression("слово " * 100)
    assert expression is not None
    assert expression.count(" AND ") == WORDS_MAX - 1
