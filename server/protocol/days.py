"""Days as people type them: "2026-11-03", "3.11", "3nov", "nov", "yesterday", "mon", "3d", "2w", "5h".

Each is a span of time that lies in the past where it can: "mon" is the last Monday, "nov" the last November.
Pure; words in English and Russian.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime, timedelta

Span = tuple[int, int]  # UTC ms: from here on, and not this one any more

_BACK: Mapping[str, int] = {
    "today": 0, "сегодня": 0, "yesterday": 1, "вчера": 1, "позавчера": 2,
}  # fmt: skip
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun", "пн", "вт", "ср", "чт", "пт", "сб", "вс")
_MONTHS = (
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    "янв", "фев", "мар", "апр", "май", "июн", "июл", "авг", "сен", "окт", "ноя", "дек",
)  # fmt: skip
_UNITS: Mapping[str, str] = {
    "m": "m", "м": "m", "min": "m", "мин": "m", "h": "h", "ч": "h",
    "d": "d", "д": "d", "w": "w", "н": "w", "нед": "w",
}  # fmt: skip
_AGO = re.compile(r"(\d{1,4})([^\W\d_]{1,3})")
_ISO_DAY = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})")
_ISO_MONTH = re.compile(r"(\d{4})-(\d{1,2})")
_DOTTED = re.compile(r"(\d{1,2})\.(\d{1,2})(?:\.(\d{4}))?")
_NAMED = re.compile(r"(\d{1,2})[ -]?([^\W\d_]{3,8})[ -]?(\d{4})?")
_EXACT = re.compile(r"@(\d{1,15})(?:\.\.(\d{1,15}))?")


def span(text: str, here: datetime) -> Span | None:
    """The span that `text` names for somebody at whose place it is `here` (with its zone); None: no day.

    "@1790000000000" and "@1790000000000..1790086400000" are UTC ms, for programs and for `exact`.
    """
    text = " ".join(text.lower().split())
    found = _EXACT.fullmatch(text)
    if found is not None:
        begin = int(found[1])
        return begin, int(found[2] or begin)
    try:
        named = _named(text, here)
        return None if named is None else (_ms(named[0]), _ms(named[1]))
    except (ValueError, OverflowError):
        return None  # 31 February, or the year 0


def exact(found: Span) -> str:
    """The same span for a reader in any zone, at any time."""
    return f"@{found[0]}..{found[1]}"


def _ms(there: datetime) -> int:
    return round(there.timestamp() * 1000)


def _named(text: str, here: datetime) -> tuple[datetime, datetime] | None:
    ago = _AGO.fullmatch(text)
    if ago is not None and ago[2] in _UNITS:
        return _ago(int(ago[1]), _UNITS[ago[2]], here)
    if text in _BACK:
        return _day(here - timedelta(days=_BACK[text]))
    weekday = _beginning(text, _WEEKDAYS)
    if weekday is not None and text.isalpha():
        return _day(here - timedelta(days=(here.weekday() - weekday % 7) % 7))
    month = _beginning(text, _MONTHS)
    if month is not None and text.isalpha():
        number = month % 12 + 1
        return _month(here, here.year - (number > here.month), number)
    iso = _ISO_DAY.fullmatch(text)
    if iso is not None:
        return _day(here.replace(year=int(iso[1]), month=int(iso[2]), day=int(iso[3])))
    iso = _ISO_MONTH.fullmatch(text)
    if iso is not None:
        return _month(here, int(iso[1]), int(iso[2]))
    dotted = _DOTTED.fullmatch(text)
    if dotted is not None:
        return _of_year(here, int(dotted[1]), int(dotted[2]), dotted[3])
    named = _NAMED.fullmatch(text)
    if named is not None:
        month = _beginning("май" if named[2] == "мая" else named[2], _MONTHS)
        if month is not None:
            return _of_year(here, int(named[1]), month % 12 + 1, named[3])
    return None


def _beginning(word: str, names: tuple[str, ...]) -> int | None:
    """Which of the names this word is, or begins with: "november" is "nov"."""
    if word in names:
        return names.index(word)
    long = {name: index for index, name in enumerate(names) if len(name) > 2}
    return long.get(word[:3]) if len(word) >= 3 else None


def _ago(count: int, unit: str, here: datetime) -> tuple[datetime, datetime]:
    if unit in ("d", "w"):
        return _day(here - timedelta(days=count * (7 if unit == "w" else 1)))
    length = timedelta(hours=1) if unit == "h" else timedelta(minutes=1)
    begin = here - count * length
    return begin, begin + length


def _day(there: datetime) -> tuple[datetime, datetime]:
    begin = there.replace(hour=0, minute=0, second=0, microsecond=0)
    return begin, begin + timedelta(days=1)


def _month(here: datetime, year: int, month: int) -> tuple[datetime, datetime]:
    begin, _end = _day(here.replace(year=year, month=month, day=1))
    following = (year + 1, 1) if month == 12 else (year, month + 1)
    return begin, begin.replace(year=following[0], month=following[1])


def _of_year(here: datetime, day: int, month: int, year: str | None) -> tuple[datetime, datetime]:
    if year:
        return _day(here.replace(year=int(year), month=month, day=day))
    begin, end = _day(here.replace(month=month, day=day))
    if begin > here:
        begin, end = _day(here.replace(year=here.year - 1, month=month, day=day))
    return begin, end
