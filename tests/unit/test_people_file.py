"""Files of people: what is read, and what is said of a line that cannot be."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omni_console.people_file import UnreadableError, read

CSV = """\ufeffid;name;email;phone;tags;plan;consent.marketing:email
7;Иван Петров;i@example.org|ivan@work.example;8 916 123-45-67;vip|old;gold;да

8;"Анна ""Аня""
Иванова";;;;;
"""


def test_csv_with_a_head() -> None:
    content = read(CSV.encode(), "people.CSV")
    assert content.problems == []
    ivan, anna = [line.person for line in content.lines]
    assert ivan is not None and anna is not None
    assert (ivan.id, ivan.name, ivan.emails) == ("7", "Иван Петров", ["i@example.org", "ivan@work.example"])
    assert (ivan.phones, ivan.tags, ivan.fields) == (["8 916 123-45-67"], ["vip", "old"], {"plan": "gold"})
    assert ivan.consents == {"marketing:email": True}
    assert anna.name == 'Анна "Аня"\nИванова'
    assert [line.line for line in content.lines] == [2, 4]


def test_jsonl_with_people_and_what_they_said() -> None:
    lines = [
        {"person": {"id": "7", "name": "Иван"}},
        {"message": {"person": "7", "id": "m1", "at": "2026-01-02T03:04:05+03:00", "text": "hello"}},
        {"message": {"person": "7", "id": "m2", "at": 1767312245000, "text": "hi", "who": "us"}},
    ]
    content = read("\n".join(json.dumps(line) for line in lines).encode(), "history.jsonl")
    assert content.problems == []
    said = [line.message for line in content.lines if line.message is not None]
    assert [(one.at, one.who) for one in said] == [(1767312245000, "customer"), (1767312245000, "us")]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "truncated"),
        ("[]", "no JSON object"),
        ("{}", "neither"),
        ('{"person": {}}', "id"),
        ('{"person": {"id": "1", "nam": "x"}}', "nam"),
        ('{"person": {"id": "1", "tags": ["two words"]}}', "person.tags"),
        ('{"person": {"id": "1"}, "message": {"person": "1", "id": "2", "at": 1, "text": ""}}', "neither"),
        ('{"message": {"person": "1", "id": "2", "at": "yesterday", "text": "x"}}', "message.at"),
        ('{"message": {"person": "1", "id": "2", "at": -1, "text": "x"}}', "message.at"),
        ('{"message": {"person": "1", "id": "2", "at": 1, "text": "x", "who": "them"}}', "message.who"),
        ('{"somebody": {}}', "somebody"),
    ],
)
def test_a_bad_line_has_its_number_and_hides_no_other(line: str, problem: str) -> None:
    good = '{"person": {"id": "good"}}'
    content = read(f"\n{line}\n\n{good}\n".encode(), "x.jsonl")
    [told] = content.problems
    assert told.line == 2 and problem in told.problem
    assert [one.line for one in content.lines] == [4]


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        ("7,Ivan,x,y", "4 cells"),
        ("7,Ivan", "2 cells"),
        (",,", ""),
        (" , ,no", "neither an id"),
        ("7,Ivan,perhaps", "neither yes nor no"),
        ('"7 7",Ivan,', ""),
    ],
)
def test_a_bad_row(row: str, problem: str) -> None:
    content = read(f"id,name,consent.news\n{row}\n8,Anna,\n".encode(), "x.csv")
    assert [told.line for told in content.problems] == ([2] if problem else [])
    assert all(problem in told.problem for told in content.problems)
    assert content.lines[-1].line == 3


@pytest.mark.parametrize("data", [b"", b"\xff\xfe", b"id,,name\n", b"id,id\n1,2\n", b'id,name\n1,"open\n'])
def test_a_file_that_makes_no_sense_as_a_whole(data: bytes) -> None:
    with pytest.raises(UnreadableError):
        read(data, "x.csv")


def test_what_is_there_twice_is_said() -> None:
    content = read(b"id,name\n1,A\n2,B\n1,C\n", "x.csv")
    assert [(told.line, told.problem) for told in content.problems] == [(4, "it repeats line 2")]


def test_who_has_no_number_there_is_known_by_all_that_is_said_of_him() -> None:
    def ids(text: str) -> list[str]:
        return [line.person.id for line in read(text.encode(), "x.csv").lines if line.person is not None]

    family = "name,email\nИван,home@example.org\nАнна,home@example.org\n"
    assert ids(family) == ids(family) and len(set(ids(family))) == 2
    assert ids("name,email\nИван,other@example.org\n") != ids(family)[:1]


@given(st.binary(max_size=300), st.sampled_from(["x.csv", "x.jsonl"]))
def test_whatever_it_is_it_is_told(data: bytes, name: str) -> None:
    try:
        content = read(data, name)
    except UnreadableError:
        return
    assert all(problem.line >= 1 for problem in content.problems)
