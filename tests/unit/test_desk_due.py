from __future__ import annotations

from datetime import UTC, datetime

import pytest

from omni_console.due import parse_due, parse_past
from omni_console.timing import Clock
from tests.fakes.operator_api_books import NOW

CLOCK = Clock(lambda: NOW, UTC)  # Saturday, 2026-11-21 11:20


def when(at: int | None) -> str | None:
    return None if at is None else datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("2h", "2026-11-21 13:20"),
        ("1ч30", "2026-11-21 12:50"),
        ("14:00", "2026-11-21 14:00"),
        ("9:00", "2026-11-22 09:00"),
        ("today 9:00", "2026-11-21 09:00"),
        ("tomorrow", "2026-11-22 18:00"),
        ("Tomorrow 14:00", "2026-11-22 14:00"),
        ("завтра в 9:30", "2026-11-22 09:30"),
        ("by fri 9:30", "2026-11-27 09:30"),
        ("сб", "2026-11-28 18:00"),
        ("25.11", "2026-11-25 18:00"),
        ("25.11 10:00", "2026-11-25 10:00"),
        ("3 nov", "2027-11-03 18:00"),
        ("3 дек 8:00", "2026-12-03 08:00"),
        ("1.2", "2027-02-01 18:00"),
        ("31.2", None),
        ("1.2.2031", None),
        ("soon", None),
        ("", None),
        ("25:00", None),
    ],
)
def test_until_when(text: str, then: str | None) -> None:
    assert when(parse_due(text, CLOCK)) == then


@pytest.mark.parametrize(
    ("text", "then"),
    [
        ("10m", "2026-11-21 11:10"),
        ("10m ago", "2026-11-21 11:10"),
        ("9:00", "2026-11-21 09:00"),
        ("14:00", "2026-11-20 14:00"),
        ("вчера 14:00", "2026-11-20 14:00"),
        ("yesterday", "2026-11-20 12:00"),
        ("20.11 10:00", "2026-11-20 10:00"),
        ("1.12", "2025-12-01 12:00"),
        ("today 14:00", None),
        ("soon", None),
    ],
)
def test_when_it_was(text: str, then: str | None) -> None:
    assert when(parse_past(text, CLOCK)) == then
