"""Times as operators type them: "2h", "14:00", "tomorrow 14:00", "fri 9:30", "25.11 10:00", "3 nov".

For what was promised, and for what was. Pure; words in English and Russian, whatever the console speaks.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

from omni_console.timing import Clock, parse_delay

END_OF_DAY = (18, 0)  # "tomorrow" alone
YEAR_DAYS = 366

_DAYS: Mapping[str, int] = {
    "today": 0, "сегодня": 0, "tomorrow": 1, "tmr": 1, "завтра": 1, "послезавтра": 2,
}  # fmt: skip
_WEEKDAYS: Mapping[str, int] = {
    "mon": 0, "tue": 1, "wed": 2, "thu": 3, "fri": 4, "sat": 5, "sun": 6,
    "пн": 0, "вт": 1, "ср": 2, "чт": 3, "пт": 4, "сб": 5, "вс": 6,
    "monday": 0, "tuesday": 1, "wednesday": 2, "thursday": 3, "friday": 4, "saturday": 5, "sunday": 6,
    "понедельник": 0, "вторник": 1, "среда": 2, "среду": 2, "четверг": 3, "пятница": 4, "пятницу": 4,
    "суббота": 5, "субботу": 5, "воскресенье": 6,
}  # fmt: skip
_MONTHS = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    "янв", "фев", "мар", "апр", "мая", "июн", "июл", "авг", "сен", "окт", "ноя", "дек",
)  # fmt: skip
_HOUR = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DATE = re.compile(r"(\d{1,2})\.(\d{1,2})(?:\.(\d{4}))?")
_SMALL_WORDS = {"by", "at", "until", "till", "on", "до", "в", "к", "во"}


def parse_due(text: str, clock: Clock) -> int | None:
    """UTC ms, or None when it is no time. An hour that is over today means tomorrow's."""
    words = [word for word in text.strip().lower().split() if word not in _SMALL_WORDS]
    if not words:
        return None
    delay = parse_delay("".join(words))
    if delay is not None:
        return clock.now() + delay
    hour = _hour(words[-1])
    day_words = words if hour is None else words[:-1]
    here = clock.local(clock.now())
    if len(day_words) == 2 and day_words[1][:3] in _MONTHS:
        day_words = [f"{day_words[0]}.{_MONTHS.index(day_words[1][:3]) % 12 + 1}"]
    if len(day_words) > 1:
        return None
    if not day_words:
        there = _at(here, hour or END_OF_DAY)
        return clock.utc(there if there > here else there + timedelta(days=1))
    day = _day(day_words[0], here)
    if day is None:
        return None
    return clock.utc(_at(day, hour or END_OF_DAY))


def _hour(word: str) -> tuple[int, int] | None:
    found = _HOUR.fullmatch(word)
    return (int(found[1]), int(found[2])) if found else None


def _day(word: str, here: datetime) -> datetime | None:
    if word in _DAYS:
        return here + timedelta(days=_DAYS[word])
    if word in _WEEKDAYS:
        return here + timedelta(days=(_WEEKDAYS[word] - here.weekday() - 1) % 7 + 1)
    found = _DATE.fullmatch(word)
    if found is None:
        return None
    year = int(found[3]) if found[3] else here.year
    try:
        there = here.replace(year=year, month=int(found[2]), day=int(found[1]))
        if not found[3] and there.date() < here.date():
            there = there.replace(year=year + 1)
    except ValueError:
        return None
    return there if there - here <= timedelta(days=YEAR_DAYS) else None


def _at(day: datetime, hour: tuple[int, int]) -> datetime:
    return day.replace(hour=hour[0], minute=hour[1], second=0, microsecond=0)


_PAST_DAYS: Mapping[str, int] = {
    "today": 0, "сегодня": 0, "yesterday": 1, "вчера": 1, "позавчера": 2,
}  # fmt: skip


def parse_past(text: str, clock: Clock) -> int | None:
    """When something was: "10m" ago, "14:00", "yesterday 14:00", "25.11 10:00"; None when it is no such time.

    An hour that is still to come today was yesterday's.
    """
    words = [word for word in text.strip().lower().split() if word not in _SMALL_WORDS | {"ago", "назад"}]
    if not words:
        return None
    delay = parse_delay("".join(words))
    if delay is not None:
        return clock.now() - delay
    hour = _hour(words[-1])
    day_words = words if hour is None else words[:-1]
    here = clock.local(clock.now())
    if len(day_words) > 1:
        return None
    if not day_words:
        there = _at(here, hour or END_OF_DAY)
        return clock.utc(there if there <= here else there - timedelta(days=1))
    if day_words[0] in _PAST_DAYS:
        day = here - timedelta(days=_PAST_DAYS[day_words[0]])
    else:
        found = _DATE.fullmatch(day_words[0])
        if found is None:
            return None
        try:
            day = here.replace(
                year=int(found[3]) if found[3] else here.year, month=int(found[2]), day=int(found[1])
            )
            if not found[3] and day.date() > here.date():
                day = day.replace(year=day.year - 1)
        except ValueError:
            return None
    there = _at(day, hour or (12, 0))
    return clock.utc(there) if there <= here else None
