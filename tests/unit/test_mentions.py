"""Whom a note calls."""

from __future__ import annotations

import pytest

from server.cases.mentions import mentioned
from server.protocol import OperatorInfo

PEOPLE = [
    OperatorInfo(id=number, login=login, name=login.title(), role="operator")
    for number, login in enumerate(["rita", "boris.k", "anna-", "rita2"], 1)
]


@pytest.mark.parametrize(
    ("text", "logins"),
    [
        ("@rita, look at this", ["rita"]),
        ("ask @rita.", ["rita"]),
        ("(@rita) and @boris.k...", ["rita", "boris.k"]),
        ("@boris.k", ["boris.k"]),
        ("@Rita and @RITA", ["rita"]),
        ("@rita2 and nobody else", ["rita2"]),
        ("@anna- @anna", ["anna-"]),
        ("@boris.k @rita", ["boris.k", "rita"]),
        ("спроси @rita", ["rita"]),
        ("@ritaи", []),
        ("mail me@rita or x.@rita or a/@rita", []),
        ("@@rita", []),
        ("@nobody @ivanov_shop @", []),
        ("rita", []),
        ("@" + "r" * 100_000, []),
        ("@." * 50_000, []),
    ],
)
def test_logins_behind_an_at_sign_are_called_once_each(text: str, logins: list[str]) -> None:
    assert [one.login for one in mentioned(text, PEOPLE)] == logins
