from __future__ import annotations

from datetime import timedelta, timezone

import pytest

from omni_console.timing import DAY, HOUR, MINUTE, Clock, duration, parse_delay

NOW = 1_795_260_000_000  # 2026-11-21 11:20 UTC
MSK = timezone(timedelta(hours=3))


def clock() -> Clock:
    return Clock(lambda: NOW, MSK)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "<1m"),
        (-5, "<1m"),
        (59_999, "<1m"),
        (MINUTE, "1m"),
        (HOUR, "1h00"),
        (DAY - 1, "23h59"),
        (3 * DAY, "3d"),
    ],
)
def test_how_long(ms: int, text: str) -> None:
    assert duration(ms) == text


def test_when() -> None:
    it = clock()
    assert it.hour(NOW) == "14:20"
    assert [it.day(NOW - days * DAY) for days in (0, 1, 2, 365)] == [
        "today",
        "yesterday",
        "19 Nov",
        "21 Nov 2025",
    ]
    assert it.moment(NOW) == "14:20"
    assert it.moment(NOW + DAY) == "tomorrow 14:20"
    assert it.moment(NOW - 2 * DAY) == "19 Nov 14:20"


def test_tomorrow_morning_is_local() -> None:
    it = clock()
    assert it.moment(it.tomorrow_at(9)) == "tomorrow 09:00"


def test_ages_go_by_the_servers_clock() -> None:
    it = Clock(lambda: NOW - HOUR, MSK)
    it.set_by(NOW)
    assert it.age(NOW - 2 * MINUTE) == "2m"


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("45m", 45 * MINUTE),
        ("2 h", 2 * HOUR),
        ("1h30", 90 * MINUTE),
        ("3д", 3 * DAY),
        ("2ч15м", 135 * MINUTE),
        ("", None),
        ("soon", None),
        ("5", None),
        ("0m", None),
        ("-1h", None),
    ],
)
def test_delays(text: str, ms: int | None) -> None:
    assert parse_delay(text) == ms
