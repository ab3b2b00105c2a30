"""Tab behind an @: whom a note calls."""

from __future__ import annotations

import pytest

from omni_console.calling import begun, completed
from server.protocol import OperatorInfo

PEOPLE = [
    OperatorInfo(id=1, login="rita", name="Rita Orlova", role="operator"),
    OperatorInfo(id=2, login="rita.k", name="Rita Klein", role="operator"),
    OperatorInfo(id=3, login="boris", name="Борис Берг", role="lead"),
    OperatorInfo(id=4, login="bruno", name="Bruno", role="operator", disabled=True),
]


@pytest.mark.parametrize(
    ("line", "login"),
    [
        ("@", ""),
        ("ask @ri", "ri"),
        ("(@ri", "ri"),
        ("@бо", "бо"),
        ("ri", None),
        ("a@ri", None),
        ("@ri ", None),
    ],
)
def test_a_call_begins_with_an_at_sign_of_its_own(line: str, login: str | None) -> None:
    assert begun(line) == login


@pytest.mark.parametrize(
    ("line", "put", "candidates"),
    [
        ("@b", "boris ", []),  # Bruno is gone
        ("ask @ri", "rita", ["rita", "rita.k"]),
        ("@rita", "rita", ["rita", "rita.k"]),
        ("@rita.", "rita.k ", []),
        ("@RITA.K", "rita.k ", []),
        ("@Бор", "boris ", []),  # by the name
        ("@klein", "rita.k ", []),
        ("@nobody", "nobody", []),
    ],
)
def test_tab_puts_in_as_much_as_is_certain(line: str, put: str, candidates: list[str]) -> None:
    called = completed(line, PEOPLE)
    assert called is not None
    assert (called.login, [one.login for one in called.candidates]) == (put, candidates)
    assert line[: called.start].endswith("@")


def test_where_nobody_is_called_tab_stays_what_it_is() -> None:
    assert completed("me@rita", PEOPLE) is None
