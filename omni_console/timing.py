"""Times as operators read them: how long, where something waits; when, where something was said."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from omni_console.i18n import N_, _

MINUTE = 60_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR

_MONTHS = (
    N_("Jan"), N_("Feb"), N_("Mar"), N_("Apr"), N_("May"), N_("Jun"),
    N_("Jul"), N_("Aug"), N_("Sep"), N_("Oct"), N_("Nov"), N_("Dec"),
)  # fmt: skip


def system_ms() -> int:
    return time.time_ns() // 1_000_000


class Clock:
    """Now, by the server's clock: waiting times must not depend on a laptop that is ten minutes late.

    `zone` None is the zone of this machine.
    """

    def __init__(self, now: Callable[[], int] = system_ms, zone: tzinfo | None = None) -> None:
        self._now = now
        self._zone = zone
        self._ahead = 0

    def set_by(self, server_now: int) -> None:
        self._ahead = server_now - self._now()

    def now(self) -> int:
        """UTC ms."""
        return self._now() + self._ahead

    def local(self, at: int) -> datetime:
        return datetime.fromtimestamp(at / 1000, UTC).astimezone(self._zone)

    def age(self, since: int) -> str:
        """At most five cells: "<1m", "42m", "2h05", "3d"."""
        return duration(self.now() - since)

    def hour(self, at: int) -> str:
        return self.local(at).strftime("%H:%M")

    def day(self, at: int) -> str:
        """ "today", "yesterday", "3 Nov", "3 Nov 2025"."""
        there, here = self.local(at).date(), self.local(self.now()).date()
        if there == here:
            return _("today")
        if there == here - timedelta(days=1):
            return _("yesterday")
        text = f"{there.day} {_(_MONTHS[there.month - 1])}"
        return text if there.year == here.year else f"{text} {there.year}"

    def moment(self, at: int) -> str:
        """ "14:02" today, "tomorrow 09:00", "3 Nov 14:02"."""
        there, here = self.local(at).date(), self.local(self.now()).date()
        if there == here:
            return self.hour(at)
        day = _("tomorrow") if there == here + timedelta(days=1) else self.day(at)
        return f"{day} {self.hour(at)}"

    def tomorrow_at(self, hour: int) -> int:
        here = self.local(self.now())
        return self.utc((here + timedelta(days=1)).replace(hour=hour, minute=0, second=0, microsecond=0))

    def utc(self, there: datetime) -> int:
        """UTC ms of what the clock on the wall shows then, whatever summer time does until then."""
        if self._zone is None:
            there = there.replace(tzinfo=None).astimezone()
        return int(there.timestamp() * 1000)

    def elsewhere(self, zone: str) -> str:
        """What the clock shows now in an IANA zone: "14:40"; "" where nobody knows that zone."""
        try:
            there = datetime.fromtimestamp(self.now() / 1000, ZoneInfo(zone))
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return ""
        return there.strftime("%H:%M")


def iso_day(text: str) -> str:
    """ "2026-11-03" as operators read it: "3 Nov 2026"; anything else as it is."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return text
    return f"{day.day} {_(_MONTHS[day.month - 1])} {day.year}"


def duration(ms: int) -> str:
    if ms < MINUTE:
        return _("<1m")
    if ms < HOUR:
        return _("{minutes}m").format(minutes=ms // MINUTE)
    if ms < DAY:
        return _("{hours}h{minutes:02}").format(hours=ms // HOUR, minutes=ms % HOUR // MINUTE)
    return _("{days}d").format(days=ms // DAY)


def parse_delay(text: str) -> int | None:
    """ "45m", "3h", "2d", "1h30", and the same with Russian letters, in ms; None when it is none of these."""
    total, number = 0, ""
    units = {"m": MINUTE, "м": MINUTE, "h": HOUR, "ч": HOUR, "d": DAY, "д": DAY}
    last = 0
    for char in text.strip().lower().replace(" ", ""):
        if char.isdecimal():
            number += char
        elif char in units and number:
            last = units[char]
            total += int(number) * last
            number = ""
        else:
            return None
    if number:
        if last != HOUR:
            return None
        total += int(number) * MINUTE
    return total or None
