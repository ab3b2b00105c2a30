"""What is typed to find something: read, written back, refused with a word of advice."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.protocol import days
from server.protocol.query import DATES, NAMES, VALUES, Query, QueryError, Term, dated, parse, written

HERE = datetime(2026, 11, 30, 15, 30, tzinfo=timezone(timedelta(hours=3)))  # a Monday

PIECES = st.one_of(
    st.sampled_from([*(f"{name}:" for name in NAMES), "-", '"', " ", ":", "//", "is:open", "@1..2", "от:"]),
    st.text(max_size=12),
)


@given(st.lists(PIECES, max_size=12).map("".join))
def test_everything_typed_is_a_query_or_refused_with_a_reason(text: str) -> None:
    try:
        query = parse(text)
        dated(query, HERE)
    except QueryError as error:
        assert error.message and isinstance(error.hint, str)
        return
    assert parse(written(query)) == query


VALUE = st.text(st.characters(exclude_characters='"', exclude_categories=["Cs"]), min_size=1, max_size=20)
TERMS = st.one_of(
    st.builds(
        Term,
        name=st.sampled_from([name for name in NAMES if name not in VALUES]),
        value=VALUE.map(lambda text: " ".join(text.split())).filter(bool),
        excluded=st.booleans(),
    ),
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda name: st.builds(
            Term, name=st.just(name), value=st.sampled_from(VALUES[name]), excluded=st.booleans()
        )
    ),
    st.builds(
        Term,
        name=st.just("text"),
        value=VALUE.map(lambda text: " ".join(f"w{text}".split())),
        excluded=st.booleans(),
        exact=st.just(True),
    ),
)


@given(st.lists(TERMS, max_size=8, unique=True))
def test_what_is_written_is_read_as_it_was_meant(terms: list[Term]) -> None:
    query = Query(tuple(terms))
    assert parse(written(query)) == query


def test_words_phrases_and_qualifiers() -> None:
    assert parse('refund "blue  kettle" from:anna -tag:vip -cheap is:Open') == Query(
        (
            Term(name="text", value="refund"),
            Term(name="text", value="blue kettle", exact=True),
            Term(name="from", value="anna"),
            Term(name="tag", value="vip", excluded=True),
            Term(name="text", value="cheap", excluded=True),
            Term(name="is", value="open"),
        )
    )


def test_russian_qualifiers_are_the_same_ones() -> None:
    russian = parse('от:"Анна Шмидт" канал:mail после:вчера есть:файл это:закрыто')
    assert written(russian) == 'from:"Анна Шмидт" channel:mail after:вчера has:attachment is:closed'


@pytest.mark.parametrize("text", ["https://shop.example/a", "12:30", "Re:", "a@b.example", "C++", "#12"])
def test_what_only_looks_like_a_qualifier_is_text(text: str) -> None:
    assert parse(text).terms == (Term(name="text", value=text),)


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("form:anna", "there is no qualifier form:", "did you mean from:?"),
        ("is:opened", "is: knows no 'opened'", "did you mean is:open?"),
        ("has:", "has: says nothing", "such as has:anna"),
        ("has:dog", "has: knows no 'dog'", "known: attachment"),
        ("qqq:1", "there is no qualifier qqq:", "known: from, to"),
    ],
)
def test_what_cannot_be_meant_is_refused(text: str, message: str, hint: str) -> None:
    with pytest.raises(QueryError) as caught:
        parse(text)
    assert caught.value.message == message and caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("text", "first", "length"),
    [
        ("today", "2026-11-30", 1),
        ("yesterday", "2026-11-29", 1),
        ("позавчера", "2026-11-28", 1),
        ("3d", "2026-11-27", 1),
        ("2w", "2026-11-16", 1),
        ("3д", "2026-11-27", 1),
        ("mon", "2026-11-30", 1),
        ("tuesday", "2026-11-24", 1),
        ("пт", "2026-11-27", 1),
        ("2026-11-03", "2026-11-03", 1),
        ("2026-2", "2026-02-01", 28),
        ("3.11", "2026-11-03", 1),
        ("24.12", "2025-12-24", 1),
        ("24.12.2024", "2024-12-24", 1),
        ("3nov", "2026-11-03", 1),
        ("3 november 2025", "2025-11-03", 1),
        ("5 мая", "2026-05-05", 1),
        ("dec", "2025-12-01", 31),
        ("ноября", "2026-11-01", 30),
    ],
)
def test_days_as_people_type_them(text: str, first: str, length: int) -> None:
    begin = datetime.fromisoformat(first).replace(tzinfo=HERE.tzinfo)
    end = begin + timedelta(days=length)
    assert days.span(text, HERE) == (int(begin.timestamp()) * 1000, int(end.timestamp()) * 1000)


@pytest.mark.parametrize("text", ["31.2", "31 feb", "foo", "2026-13-01", "", "99999d", "0000-01-01", "5x"])
def test_what_is_no_day(text: str) -> None:
    assert days.span(text, HERE) is None


def test_hours_ago_are_counted_from_now() -> None:
    now = int(HERE.timestamp()) * 1000
    assert days.span("5h", HERE) == (now - 5 * 3_600_000, now - 4 * 3_600_000)


@pytest.mark.parametrize("text", ["yesterday", "nov", "3d", "30m"])
def test_a_date_sent_to_the_server_means_the_senders_day(text: str) -> None:
    for name in DATES:
        [term] = dated(parse(f"{name}:{text}"), HERE).terms
        elsewhere = HERE.astimezone(UTC) + timedelta(days=2)
        assert days.span(term.value, elsewhere) == days.span(text, HERE)
