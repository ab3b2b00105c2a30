"""Business hours: when somebody is there to answer, and how much of that time lies between two moments. Pure.

Moments are UTC milliseconds. A range belongs to the day on which it begins, so what begins before midnight
runs on into a holiday. Where the clocks are set back an hour, hours that the clock shows twice count twice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from server.people.card_settings import SettingError

DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
SOUGHT_DAYS = 366  # so far ahead an opening is sought
DAY_MINUTES = 24 * 60

_RANGE = re.compile(r"(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})")
_SHORT = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "ru": ("пн", "вт", "ср", "чт", "пт", "сб", "вс"),
}

Range = tuple[int, int]  # minutes of the day; the end lies behind 24:00 where it is on the next day
Span = tuple[int, int]  # UTC ms, the end excluded
_LAST_DAY = date(9990, 1, 1)


class HoursSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`[hours.NAME]`. A day: "09:00-13:00, 14:00-18:00", "22:00-06:00" into the next day, "" closed."""

    time_zone: str  # IANA: "Europe/Moscow"
    monday: str = ""
    tuesday: str = ""
    wednesday: str = ""
    thursday: str = ""
    friday: str = ""
    saturday: str = ""
    sunday: str = ""
    holidays: tuple[str, ...] = ()  # "2027-01-01"
    days: dict[str, str] = {}  # days that are unlike their weekday: "2027-12-31" = "09:00-14:00"


class Calendar:
    """Business hours, ready to be asked."""

    def __init__(self, settings: HoursSettings) -> None:
        """Raises SettingError."""
        try:
            self._zone = ZoneInfo(settings.time_zone)
        except (ZoneInfoNotFoundError, ValueError, OSError) as error:
            raise SettingError(
                f"{settings.time_zone!r} is no time zone that this system knows",
                key="time_zone",
                hint='write one such as "Europe/Moscow"',
            ) from error
        self.week = tuple(_ranges(getattr(settings, day), day) for day in DAYS)
        self._days = {
            _date(day, f"days.{day}"): _ranges(text, f"days.{day}") for day, text in settings.days.items()
        }
        self._days |= {_date(day, "holidays"): () for day in settings.holidays}
        self._known: dict[date, tuple[Span, ...]] = {}

    @property
    def zone(self) -> ZoneInfo:
        return self._zone

    @cached_property
    def is_empty(self) -> bool:
        """Nobody ever said when somebody is there."""
        return not any(self.week) and not any(self._days.values())

    def between(self, start: int, end: int) -> int | None:
        """Business ms of [start, end); None where there are no hours at all."""
        if self.is_empty:
            return None
        total = 0
        for opens, closes in self._spans(start):
            if opens >= end:
                break
            total += min(closes, end) - opens
        return total

    def after(self, start: int, ms: int) -> int | None:
        """The first moment at which so many business ms have passed; None where that takes a year without
        any hours."""
        left = ms
        for opens, closes in self._spans(start):
            if closes - opens >= left:
                return opens + left
            left -= closes - opens
        return None

    def is_open(self, at: int) -> bool:
        return self.next_opening(at) == at

    def next_opening(self, at: int) -> int | None:
        """`at` itself where it is open; None where it is not for a year."""
        return next((opens for opens, _ in self._spans(at)), None)

    def words(self, language: str) -> str:
        """The week as customers read it: "Mon-Fri 09:00-18:00, Sat 10:00-14:00"."""
        names = _SHORT[language]
        parts: list[str] = []
        first = 0
        for day in range(1, len(DAYS) + 1):
            if day < len(DAYS) and self.week[day] == self.week[first]:
                continue
            if self.week[first]:
                which = names[first] if day - first == 1 else f"{names[first]}-{names[day - 1]}"
                parts.append(f"{which} {', '.join(_shown(one) for one in self.week[first])}")
            first = day
        return ", ".join(parts)

    def _spans(self, start: int) -> Iterator[Span]:
        """Open times from `start` on, rising and apart, as long as no year passes without any."""
        edge, idle = start, 0
        day = self._day_of(start) - timedelta(days=1)  # what began yesterday may go on
        while idle <= SOUGHT_DAYS and day < _LAST_DAY:
            for opens, closes in self._of(day):
                if closes > edge:
                    yield max(opens, edge), closes
                    edge, idle = closes, 0
            idle += 1
            day += timedelta(days=1)

    def _of(self, day: date) -> tuple[Span, ...]:
        known = self._known.get(day)
        if known is None:
            ranges = self._days.get(day, self.week[day.weekday()])
            spans = (
                (self._moment(day, opens, fold=0), self._moment(day, closes, fold=1))
                for opens, closes in ranges
            )
            known = self._known[day] = tuple(sorted(span for span in spans if span[0] < span[1]))
        return known

    def _moment(self, day: date, minutes: int, *, fold: int) -> int:
        day += timedelta(days=minutes // DAY_MINUTES)
        at = time(minutes % DAY_MINUTES // 60, minutes % 60, fold=fold, tzinfo=self._zone)
        return int(datetime.combine(day, at).timestamp()) * 1000

    def _day_of(self, at: int) -> date:
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(self._zone).date()


def _ranges(text: str, key: str) -> tuple[Range, ...]:
    """ "09:00-13:00, 14:00-18:00". Raises SettingError."""
    found: list[Range] = []
    for part in filter(None, (part.strip() for part in text.split(","))):
        match = _RANGE.fullmatch(part)
        hours = [int(number) for number in match.groups()] if match else []
        if not hours or max(hours[0::2]) > 24 or max(hours[1::2]) > 59:
            raise SettingError(f"{part!r} is no range of hours", key=key, hint='write "09:00-18:00"')
        opens, closes = hours[0] * 60 + hours[1], hours[2] * 60 + hours[3]
        if opens >= DAY_MINUTES or closes > DAY_MINUTES or opens == closes:
            raise SettingError(
                f"{part!r} is no range of hours", key=key, hint='the whole day is written "00:00-24:00"'
            )
        found.append((opens, closes if closes > opens else closes + DAY_MINUTES))
    found.sort()
    for (_, closes), (opens, _) in pairwise(found):
        if opens < closes:
            raise SettingError(
                "two ranges of one day overlap", key=key, hint="write them one after the other"
            )
    return tuple(found)


def _shown(one: Range) -> str:
    opens, closes = one
    end = closes if closes <= DAY_MINUTES else closes - DAY_MINUTES
    return f"{opens // 60:02}:{opens % 60:02}-{end // 60:02}:{end % 60:02}"


def _date(text: str, key: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise SettingError(f"{text!r} is no day", key=key, hint='write "2027-01-01"') from error
