"""What makes two cards look like one person, and what does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.people.naming import full_mark, is_full, likeness
from server.people.suggester import step_of
from server.people.suggesting import (
    ASKED_FROM,
    Fact,
    ForeignOrder,
    SharedAddress,
    SharedName,
    Why,
    judge,
    numbers_in,
)
from server.store.transaction import Event


def mail(proven: bool = True, **more: object) -> SharedAddress:
    return SharedAddress(scheme="email", mine=1, theirs=2, proven=proven, **more)  # type: ignore[arg-type]


def phone(proven: bool = False, **more: object) -> SharedAddress:
    return SharedAddress(scheme="phone", mine=3, theirs=4, proven=proven, **more)  # type: ignore[arg-type]


def asked(*facts: Fact, names: str = "unsaid", rivals: bool = False) -> bool:
    return judge(facts, names, rivals).score >= ASKED_FROM  # type: ignore[arg-type]


def test_what_is_asked_about() -> None:
    assert asked(mail()) and asked(mail(proven=False))
    assert asked(phone()) and asked(phone(called=True))
    assert asked(mail(doubted=True))
    assert asked(ForeignOrder(1, 2))
    assert asked(SharedName(1, 2))
    assert not asked()


def test_a_name_that_several_have_counts_only_with_something_else() -> None:
    assert not asked(SharedName(1, 3))
    assert judge([SharedName(1, 4)], "same", False).reasons == ()
    alone = judge([phone()], "same", False).score
    assert judge([phone(), SharedName(1, 3)], "same", False).score > alone


def test_a_switchboard_says_nothing() -> None:
    assert not asked(phone(holders=6))
    assert judge([phone(holders=3)], "unsaid", False).score < judge([phone()], "unsaid", False).score


def test_a_family_on_one_phone_is_not_asked_about() -> None:
    assert not asked(phone(), names="other")
    assert asked(phone(), SharedName(1, 2), names="same")
    assert asked(mail(), names="other")  # somebody's other name; or his wife's mailbox: look at it
    assert not asked(mail(proven=False), names="other", rivals=True)


def test_reasons_are_listed_once_and_the_weightiest_first() -> None:
    judged = judge([SharedName(7, 2), mail(proven=False), mail(), phone(called=True)], "same", False)
    assert [why.kind for why in judged.reasons] == ["email", "caller", "name"]
    assert judged.score == 100
    two = judge([ForeignOrder(1, 5), ForeignOrder(2, 6)], "unsaid", False)
    assert [why.record for why in two.reasons] == [1, 2]


facts = st.lists(
    st.one_of(
        st.builds(
            SharedAddress,
            scheme=st.sampled_from(["email", "phone"]),
            mine=st.integers(1, 9),
            theirs=st.integers(1, 9),
            proven=st.booleans(),
            called=st.booleans(),
            doubted=st.booleans(),
            holders=st.integers(2, 9),
        ),
        st.builds(SharedName, st.integers(1, 9), st.integers(2, 9)),
        st.builds(ForeignOrder, st.integers(1, 9), st.integers(1, 9)),
    ),
    max_size=8,
)


@given(facts, st.sampled_from(["same", "other", "unsaid"]), st.booleans())
def test_whatever_is_known(found: list[Fact], names: str, rivals: bool) -> None:
    judged = judge(found, names, rivals)  # type: ignore[arg-type]
    assert 0 <= judged.score <= 100
    assert all(isinstance(why, Why) and why.weight > 0 for why in judged.reasons)
    assert judged == judge(list(reversed(found)), names, rivals) or len(judged.reasons) > 0  # type: ignore[arg-type]
    if not found:
        assert judged.score == 0


@pytest.mark.parametrize(
    ("one", "other", "said"),
    [
        ("Иван Петров", "Ivan Petrov", "same"),
        ("Петров Иван", "иван  петров", "same"),
        ("Пётр", "Петр", "same"),
        ("Иван П.", "Иван Петров", "same"),
        ("Юлия Щукина", "Yulia Shchukina", "same"),
        ("Алексей Жуков", "Aleksey Zhukov", "same"),
        ("Xenia Kharitonova", "Ксения Харитонова", "same"),
        ("Анна Петренко", "Пётр Петренко", "other"),
        ("Иван", "Пётр", "other"),
        ("", "Пётр", "unsaid"),
        ("+79161234567", "Пётр", "unsaid"),
        ("Zoë Müller", "Zoe Muller", "same"),
    ],
)
def test_names(one: str, other: str, said: str) -> None:
    assert likeness(one, other) == likeness(other, one) == said


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_names(one: str, other: str) -> None:
    assert likeness(one, other) == likeness(other, one)
    assert likeness(one, one) in ("same", "unsaid")
    assert bool(full_mark(one)) == is_full(one)


def test_full_names() -> None:
    assert full_mark("Иван Петров") == full_mark("PETROV, Ivan") != ""
    assert full_mark("Иван") == full_mark("И. П.") == full_mark("") == ""


def test_numbers_of_orders() -> None:
    assert list(numbers_in("where is №A-1017, please? order 4711/2 and #100500")) == [
        "A-1017",
        "4711/2",
        "100500",
    ]
    assert list(numbers_in("hello, 12 times, on abcd")) == []
    assert len(numbers_in(" ".join(f"{number:06}" for number in range(500)))) <= 20


def test_a_page_of_the_log_says_what_to_look_at() -> None:
    def event(seq: int, kind: str, **fields: object) -> Event:
        return Event(seq=seq, at=0, kind=kind, **fields)  # type: ignore[arg-type]

    page = [
        event(1, "message.received", message_id=5, customer_id=1),
        event(2, "message.status", message_id=5, customer_id=1),
        event(3, "message.imported", message_id=6, customer_id=1),
        event(4, "record.changed", data={"record": 9}),
        event(5, "conversation.state", customer_id=8),
    ]
    step = step_of(page, with_records=True)
    assert (step.up_to, step.messages, step.records) == (5, (5, 6), (9,))
    assert step_of(page, with_records=False).messages == ()
