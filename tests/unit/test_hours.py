"""Business hours: ranges, nights, holidays, the days on which the clocks change, and what always holds."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.people.card_settings import SettingError
from server.queue.hours import Calendar, HoursSettings

HOUR = 3_600_000
WEEK = {day: "09:00-13:00, 14:00-18:00" for day in ("monday", "tuesday", "wednesday", "thursday", "friday")}


def office(zone: str = "Europe/Moscow", **more: object) -> Calendar:
    return Calendar(HoursSettings(time_zone=zone, **(WEEK | more)))  # type: ignore[arg-type]


def at(text: str, zone: str = "Europe/Moscow") -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()) * 1000


def nights(zone: str) -> Calendar:
    return Calendar(HoursSettings(time_zone=zone, friday="22:00-06:00", saturday="05:00-10:00"))


def round_the_clock(zone: str) -> Calendar:
    every = {day: "00:00-24:00" for day in (*WEEK, "saturday", "sunday")}
    return Calendar(HoursSettings(time_zone=zone, **every))  # type: ignore[arg-type]


def test_a_working_day() -> None:
    calendar = office()
    monday = at("2026-11-23 09:00")
    assert calendar.between(monday, at("2026-11-23 18:00")) == 8 * HOUR  # without the hour at noon
    assert calendar.after(monday, 4 * HOUR + 60_000) == at("2026-11-23 14:01")
    assert calendar.is_open(monday) and not calendar.is_open(at("2026-11-23 13:00"))
    assert calendar.next_opening(at("2026-11-23 13:00")) == at("2026-11-23 14:00")


def test_friday_evening_goes_on_on_monday() -> None:
    calendar = office()
    assert calendar.after(at("2026-11-20 17:55"), 15 * 60_000) == at("2026-11-23 09:10")
    assert calendar.between(at("2026-11-20 18:00"), at("2026-11-23 09:00")) == 0


def test_holidays_and_days_unlike_their_weekday() -> None:
    calendar = office(
        holidays=("2027-01-01", "2027-01-04"), days={"2026-12-31": "09:00-11:00", "2027-01-02": "10:00-12:00"}
    )
    assert calendar.between(at("2026-12-31 00:00"), at("2027-01-05 00:00")) == 4 * HOUR
    assert calendar.after(at("2026-12-31 10:00"), 2 * HOUR) == at("2027-01-02 11:00")


def test_a_night_runs_into_the_next_day_and_what_overlaps_counts_once() -> None:
    calendar = nights("Europe/Moscow")
    assert calendar.is_open(at("2026-11-21 03:00"))
    assert calendar.between(at("2026-11-20 00:00"), at("2026-11-22 00:00")) == 12 * HOUR


def test_the_clocks_are_set_forward_and_back() -> None:
    spring = Calendar(HoursSettings(time_zone="Europe/Berlin", sunday="01:00-05:00"))
    midnight, next_day = at("2026-03-29 00:00", "Europe/Berlin"), at("2026-03-30 00:00", "Europe/Berlin")
    assert spring.between(midnight, next_day) == 3 * HOUR
    midnight, next_day = at("2026-10-25 00:00", "Europe/Berlin"), at("2026-10-26 00:00", "Europe/Berlin")
    assert spring.between(midnight, next_day) == 5 * HOUR
    assert round_the_clock("Europe/Berlin").between(midnight, next_day) == 25 * HOUR


def test_no_hours_are_unknown_and_not_zero() -> None:
    never = Calendar(HoursSettings(time_zone="UTC"))
    assert never.between(0, HOUR) is None
    assert never.after(0, 1) is None
    assert never.next_opening(0) is None
    once = Calendar(HoursSettings(time_zone="UTC", days={"2026-01-05": "09:00-10:00"}))
    assert once.after(at("2026-01-05 09:30", "UTC"), HOUR) is None
    assert once.between(at("2026-02-01 00:00", "UTC"), at("2026-03-01 00:00", "UTC")) == 0


def test_as_customers_read_it() -> None:
    calendar = office(saturday="10:00-14:00", sunday="22:00-06:00")
    assert calendar.words("en") == "Mon-Fri 09:00-13:00, 14:00-18:00, Sat 10:00-14:00, Sun 22:00-06:00"
    assert Calendar(HoursSettings(time_zone="UTC", monday="9:00-24:00")).words("ru") == "пн 09:00-24:00"


@pytest.mark.parametrize(
    ("wrong", "key"),
    [
        ({"monday": "9-18"}, "monday"),
        ({"monday": "09:00-25:00"}, "monday"),
        ({"monday": "09:00-09:00"}, "monday"),
        ({"monday": "24:00-06:00"}, "monday"),
        ({"friday": "09:00-18:00, 17:00-19:00"}, "friday"),
        ({"holidays": ("01.01.2027",)}, "holidays"),
        ({"days": {"2027-13-01": ""}}, "days.2027-13-01"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"time_zone": "../etc/passwd"}, "time_zone"),
    ],
)
def test_what_is_refused_says_where(wrong: dict[str, object], key: str) -> None:
    with pytest.raises(SettingError) as caught:
        Calendar(HoursSettings(**({"time_zone": "UTC"} | wrong)))  # type: ignore[arg-type]
    assert caught.value.key == key
    assert caught.value.hint


ZONES = (
    "Europe/Moscow",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Sao_Paulo",
    "UTC",
)
CALENDARS = [make(zone) for zone in ZONES for make in (office, nights, round_the_clock)]
calendars = st.sampled_from(CALENDARS)
# Three years, with each change of the clocks in them; to the minute, so that borders are met.
moments = st.integers(at("2026-01-01 00:00", "UTC") // 60_000, at("2029-01-01 00:00", "UTC") // 60_000).map(
    lambda minute: minute * 60_000
)
spans = st.integers(1, 60 * 24 * 14).map(lambda minutes: minutes * 60_000)


@given(calendars, moments, spans)
def test_after_and_between_undo_each_other(calendar: Calendar, start: int, ms: int) -> None:
    end = calendar.after(start, ms)
    assert end is not None
    assert calendar.between(start, end) == ms
    assert calendar.between(start, end - 1) == ms - 1  # and no earlier moment does


@given(calendars, moments, spans, spans)
def test_time_adds_up_and_never_runs_faster_than_the_clock(
    calendar: Calendar, start: int, one: int, two: int
) -> None:
    middle, end = start + one, start + one + two
    first, second, whole = (
        calendar.between(start, middle),
        calendar.between(middle, end),
        calendar.between(start, end),
    )
    assert first is not None and second is not None and whole is not None
    assert first + second == whole
    assert 0 <= first <= one


@given(calendars, moments)
def test_the_next_opening_is_open_and_nothing_before_it_is(calendar: Calendar, at_ms: int) -> None:
    opening = calendar.next_opening(at_ms)
    assert opening is not None and opening >= at_ms
    assert calendar.is_open(opening)
    assert calendar.between(at_ms, opening) == 0


@given(st.sampled_from(ZONES), moments, spans)
def test_round_the_clock_is_the_clock(zone: str, start: int, ms: int) -> None:
    calendar = round_the_clock(zone)
    assert calendar.between(start, start + ms) == ms
    assert calendar.after(start, ms) == start + ms
