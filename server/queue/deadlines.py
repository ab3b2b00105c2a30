"""When a reply or a resolution is due, computed from the states that a conversation went through. Pure.

first reply: from the customer's first message to our first answer. next reply: from each later time at which
the ball came to us to our answer. resolution: the business time in which the conversation was open; while it
waits for the customer or is put away, that clock stands. Who closes without an answer ends what was owed, and
neither keeps it nor misses it. An answer that did not arrive was none.

Nothing here asks what time it is: the same states give the same figures whenever they are computed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Literal

import msgspec

from server.people.card_settings import SettingError
from server.protocol import DeadlineKind, Priority, State
from server.queue.hours import Calendar, HoursSettings

MINUTE_MS = 60_000
WARN_SHARE = 0.75
TARGET_MAX_MS = 366 * 24 * 60 * MINUTE_MS

_LENGTH = re.compile(r"(?:(\d{1,4})h)?(?:(\d{1,5})m)?")

# failed: the answer that had moved it did not arrive. apart: set apart as spam. undone: what had moved it was
# taken back.
Cause = Literal["", "failed", "apart", "undone"]


class DeadlineSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`[[deadlines]]`: what is due when. The first that fits counts; what it does not name fits always."""

    channel: str = ""
    team: str = ""  # which serves the channel
    priority: Priority | Literal[""] = ""
    first_reply: str = ""  # business time: "5m", "8h", "1h30m"; "" none
    next_reply: str = ""
    resolution: str = ""
    hours: str = ""  # a calendar; "" the channel's own, and the clock where it has none


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """`DeadlineSettings`, read. Lengths in business ms."""

    channels: frozenset[str] | None  # None: whichever
    priority: str
    targets: dict[DeadlineKind, int]
    hours: str


class Change(msgspec.Struct, frozen=True):
    """The conversation is in this state from `at` on."""

    at: int
    state: State
    cause: Cause = ""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A deadline. `due_at` and `warn_at` only while its clock runs; None then: nobody knows, for lack of
    hours. `spent_ms`: business time until it ended or was stopped; None: it runs, or there are no hours."""

    kind: DeadlineKind
    since: int
    target_ms: int
    status: Literal["running", "paused", "done", "dropped"]
    due_at: int | None = None
    warn_at: int | None = None
    ended_at: int | None = None
    spent_ms: int | None = None


class RoundTheClock:
    """Where no hours are configured, time is time."""

    def between(self, start: int, end: int) -> int | None:
        return max(0, end - start)

    def after(self, start: int, ms: int) -> int | None:
        return start + ms


Hours = Calendar | RoundTheClock


def read_rule(settings: DeadlineSettings, teams: Mapping[str, Iterable[str]]) -> Rule:
    """`teams`: by name the channels that each serves. Raises SettingError."""
    targets: dict[DeadlineKind, int] = {}
    kinds: tuple[DeadlineKind, ...] = ("first_reply", "next_reply", "resolution")
    for kind in kinds:
        text: str = getattr(settings, kind)
        if text:
            targets[kind] = _length(text, kind)
    if not targets:
        raise SettingError("nothing is due by it", hint='write first_reply = "15m", or leave it out')
    channels = channels_of(settings.channel, settings.team, teams)
    return Rule(channels=channels, priority=settings.priority, targets=targets, hours=settings.hours)


def channels_of(channel: str, team: str, teams: Mapping[str, Iterable[str]]) -> frozenset[str] | None:
    """The channels of a rule that names one, a team, or neither (None: all). Raises SettingError."""
    if team and team not in teams:
        raise SettingError(f"there is no team {team!r}", key="team", hint="write [teams.NAME]")
    if not team and not channel:
        return None
    served = frozenset(teams[team]) if team else frozenset({channel})
    return served & {channel} if channel else served


def _length(text: str, key: str) -> int:
    match = _LENGTH.fullmatch(text.strip())
    hours, minutes = match.groups("0") if match else ("0", "0")
    ms = (int(hours) * 60 + int(minutes)) * MINUTE_MS
    if not 0 < ms <= TARGET_MAX_MS:
        raise SettingError(f"{text!r} is no length of time", key=key, hint='write "15m", "8h" or "1h30m"')
    return ms


def read_calendars(hours: Mapping[str, HoursSettings]) -> dict[str, Calendar]:
    """Raises SettingError."""
    found: dict[str, Calendar] = {}
    for name, settings in hours.items():
        try:
            found[name] = Calendar(settings)
        except SettingError as error:
            raise SettingError(str(error), key=f"hours.{name}.{error.key}", hint=error.hint) from error
    return found


def read_rules(
    deadlines: Sequence[DeadlineSettings],
    hours: Mapping[str, HoursSettings],
    channel_hours: Mapping[str, str],
    teams: Mapping[str, Iterable[str]],
) -> Rules:
    """What is configured, ready to be asked. `channel_hours`: as each channel says them, by name or in words;
    `teams`: by name the channels that each serves. Raises SettingError."""
    calendars = read_calendars(hours)
    named = {channel: name for channel, name in channel_hours.items() if name in calendars}
    rules: list[Rule] = []
    for number, settings in enumerate(deadlines):
        try:
            if settings.channel and settings.channel not in channel_hours:
                raise SettingError(f"there is no channel {settings.channel!r}", key="channel")
            if settings.hours and settings.hours not in calendars:
                hint = f"write [hours.{settings.hours}]"
                raise SettingError(f"there are no hours {settings.hours!r}", key="hours", hint=hint)
            rules.append(read_rule(settings, teams))
        except SettingError as error:
            place = f"deadlines[{number}]"
            key = f"{place}.{error.key}" if error.key else place
            raise SettingError(str(error), key=key, hint=error.hint) from error
    return Rules(rules, calendars, named, repr((rules, sorted(hours.items()), sorted(named.items()))))


class Rules:
    """All rules of the site, with their calendars."""

    def __init__(
        self,
        rules: Sequence[Rule] = (),
        calendars: Mapping[str, Calendar] = MappingProxyType({}),
        channel_hours: Mapping[str, str] = MappingProxyType({}),
        text: str = "",
    ) -> None:
        """`channel_hours`: by channel the name of its calendar. `text`: another one where anything is."""
        self._rules = rules
        self._calendars = calendars
        self._channel_hours = channel_hours
        self.text = text

    def __bool__(self) -> bool:
        return bool(self._rules)

    def rule_for(self, channel: str, priority: Priority) -> Rule | None:
        for rule in self._rules:
            if (rule.channels is None or channel in rule.channels) and rule.priority in ("", priority):
                return rule
        return None

    def calendar_of(self, channel: str) -> Calendar | None:
        """The channel's own, where it names one."""
        return self._calendars.get(self._channel_hours.get(channel, ""))

    def hours_of(self, rule: Rule, channel: str) -> Hours:
        name = rule.hours or self._channel_hours.get(channel, "")
        return self._calendars[name] if name else RoundTheClock()

    def measure(self, changes: Sequence[Change], channel: str, priority: Priority) -> list[Measured]:
        """Every deadline of a conversation, oldest first; none where no rule fits."""
        rule = self.rule_for(channel, priority)
        return [] if rule is None else measure(changes, rule.targets, self.hours_of(rule, channel))


def measure(changes: Sequence[Change], targets: Mapping[DeadlineKind, int], hours: Hours) -> list[Measured]:
    """`changes` rise in time; two in a row may name the same state."""
    changes = _that_stand(changes)
    found: list[Measured] = []
    turns = _turns(changes)
    for number, turn in enumerate(turns):
        kind: DeadlineKind = "next_reply"
        if number == 0 and "first_reply" in targets:
            kind = "first_reply"
        if kind in targets:
            found.append(_reply(kind, targets[kind], turn, hours))
    resolution = targets.get("resolution")
    if resolution is not None and turns:
        found.append(_resolution(resolution, changes, turns[0].since, hours))
    return found


def _that_stand(changes: Sequence[Change]) -> list[Change]:
    """Without those that were taken back: they never were."""
    found: list[Change] = []
    for change in changes:
        if change.cause == "undone" and len(found) > 1:
            found.pop()
            if found[-1].state == change.state:
                continue
        found.append(change)
    return found


class _Turn(msgspec.Struct):
    """The ball is with us from `since`, until it was answered or nothing was owed any more."""

    since: int
    ended_at: int | None = None
    answered: bool = False


def _turns(changes: Sequence[Change]) -> list[_Turn]:
    turns: list[_Turn] = []
    running = False
    for change in changes:
        if change.state == "open" and not running:
            if change.cause == "failed" and turns and turns[-1].answered:
                turns[-1].ended_at, turns[-1].answered = None, False
            else:
                turns.append(_Turn(change.at))
            running = True
        elif change.state in ("waiting", "closed") and running:
            turns[-1].ended_at, turns[-1].answered = change.at, change.state == "waiting"
            running = False
    return turns


def _reply(kind: DeadlineKind, target: int, turn: _Turn, hours: Hours) -> Measured:
    if turn.ended_at is None:
        return _running(kind, turn.since, target, turn.since, 0, hours)
    return Measured(
        kind=kind,
        since=turn.since,
        target_ms=target,
        status="done" if turn.answered else "dropped",
        ended_at=turn.ended_at,
        spent_ms=hours.between(turn.since, turn.ended_at),
    )


def _running(kind: DeadlineKind, since: int, target: int, start: int, spent: int, hours: Hours) -> Measured:
    """`spent` of the target were spent before `start`, from which it runs."""
    warn_after = int(target * WARN_SHARE)
    return Measured(
        kind=kind,
        since=since,
        target_ms=target,
        status="running",
        due_at=hours.after(start, max(0, target - spent)),
        warn_at=hours.after(start, max(0, warn_after - spent)),
    )


def _resolution(target: int, changes: Sequence[Change], since: int, hours: Hours) -> Measured:
    opened_at: int | None = None
    spent: int | None = 0
    last = changes[-1]
    for change in changes:
        if change.state == "open" and opened_at is None:
            opened_at = change.at
        elif change.state != "open" and opened_at is not None:
            part = hours.between(opened_at, change.at)
            spent = None if spent is None or part is None else spent + part
            opened_at = None
    if opened_at is not None:
        return _running("resolution", since, target, opened_at, spent or 0, hours)
    if last.state != "closed":
        return Measured(kind="resolution", since=since, target_ms=target, status="paused", spent_ms=spent)
    return Measured(
        kind="resolution",
        since=since,
        target_ms=target,
        status="dropped" if last.cause == "apart" else "done",
        ended_at=last.at,
        spent_ms=spent,
    )
