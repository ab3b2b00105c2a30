"""What holds a message to somebody who did not just write to us."""

from __future__ import annotations

import pytest

from server.cases.obstacles import ColleagueWrote, holds, obstacles, refusal
from server.protocol import Consent, Conversation, Obstacle, Record

DAY = 86_400_000


def consent(scheme: str, granted: bool, at: int, purpose: str = "marketing") -> Consent:
    return Consent(purpose=purpose, scheme=scheme, granted=granted, source="operator", at=at)


@pytest.mark.parametrize(
    ("given", "refused"),
    [
        ([], False),
        ([consent("email", False, 1)], True),
        ([consent("*", False, 1)], True),
        ([consent("phone", False, 1)], False),
        ([consent("email", False, 1, "service")], False),
        ([consent("email", True, 1), consent("*", False, 2)], True),
        ([consent("email", True, 2), consent("*", False, 1)], False),
        ([consent("email", False, 1), consent("*", True, 2)], True),  # who refused this one says so himself
    ],
)
def test_refusals(given: list[Consent], refused: bool) -> None:
    assert (refusal(given, "marketing", "email") is not None) == refused


def all_of_them() -> list[Obstacle]:
    return obstacles(
        conversations=[
            Conversation(
                id=7,
                seq=1,
                customer_id=1,
                customer="Anna",
                state="waiting",
                assignee="Ivan",
                subject="Winter",
            )
        ],
        colleagues=[ColleagueWrote("Ivan", 10 * DAY, "mail", 7), ColleagueWrote("", 9 * DAY, "chat", 7)],
        records=[
            Record(
                id=1, kind="payment", external_id="P-1", state="paid", amount="100", currency="RUB", at=DAY
            )
        ],
        consents=[consent("email", False, 3 * DAY)],
        purpose="marketing",
        scheme="email",
        barred=["a@b.c"],
    )


def test_each_says_who_what_and_when() -> None:
    assert [(one.kind, one.blocks) for one in all_of_them()] == [
        ("barred", True),
        ("consent", True),
        ("open_conversation", False),
        ("colleague_wrote", False),
        ("colleague_wrote", False),
        ("order", False),
    ]
    assert [one.text for one in all_of_them()] == [
        "a@b.c is barred as spam",
        "refused marketing by email on 1970-01-04",
        "#7 is waiting, with Ivan, last word 1970-01-01: Winter",
        "Ivan wrote on 1970-01-11 by mail",
        "a colleague wrote on 1970-01-10 by chat",
        "payment P-1, paid, 100 RUB, 1970-01-02",
    ]


def test_nobody_goes_past_what_blocks() -> None:
    found = all_of_them()
    assert holds(found, ["barred", "consent", "open_conversation", "colleague_wrote", "order"])
    passable = [one for one in found if not one.blocks]
    assert holds(passable, ["open_conversation", "order"])
    assert not holds(passable, ["open_conversation", "colleague_wrote", "order"])
    assert not holds([], [])
