"""What becomes of a customer's silence, and when: another channel is proposed, a closing is announced, and
when nobody answers the announcement, the conversation is closed. Pure.

Terms run by the clock, from our last answer or whatever else gave the customer more time. An announcement
waits for the business hours of its channel. Nothing is closed that was not announced, and no announcement
counts that may not have arrived.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Annotated, Literal

import msgspec
from msgspec.structs import replace

from server import wording
from server.people.card_settings import SettingError
from server.protocol import Status
from server.queue.deadlines import channels_of
from server.queue.hours import Calendar

MINUTE_MS = 60_000
TERM_MAX_MS = 366 * 24 * 60 * MINUTE_MS
SENT: frozenset[Status] = frozenset({"sent", "delivered", "read"})

NOT_DELIVERED = "the announcement could not be delivered"
NOT_KNOWN = "nobody knows whether the announcement arrived"
NO_WAY = "the customer cannot be reached where he wrote last"
WINDOW = "the channel takes no more messages until the customer writes"
BARRED = "the customer's address is barred"

_LENGTH = re.compile(r"(?:(\d{1,3})d)?(?:(\d{1,4})h)?(?:(\d{1,5})m)?")

StepKind = Literal["", "propose", "announce", "close"]
Words = Annotated[str, msgspec.Meta(max_length=200)]


class SilenceSettings(msgspec.Struct, kw_only=True, frozen=True, forbid_unknown_fields=True):
    """`[[silence]]`: after how long a customer's silence closes a conversation. The first that fits counts;
    what it does not name fits always."""

    channel: str = ""
    team: str = ""  # which serves the channel
    announce_after: str  # by the clock: "72h", "7d"; how long he was silent when he is told
    close_after: str = "24h"  # how long after that it is closed
    text: str = ""  # {site}, {term}; "": the built-in one in the customer's language
    text_by_language: dict[str, str] = {}
    topic: Words = ""  # with which it is closed; "": "silence" and "no answer", in the site's language
    result: Words = ""


class Term(msgspec.Struct, frozen=True, kw_only=True):
    """`SilenceSettings`, read."""

    channels: frozenset[str] | None  # None: whichever
    announce_ms: int
    close_ms: int
    text: str = ""
    text_by_language: Mapping[str, str] = {}
    topic: str
    result: str

    def words(self, language: str, site: str) -> str:
        text = self.text_by_language.get(language, self.text)
        if not text:
            return wording.say(language, "closing", term=wording.span(language, self.close_ms), site=site)
        return wording.fill(text, term=wording.span(language, self.close_ms), site=site)


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """What is written down of a silence."""

    since: int  # its terms run from here
    proposed: bool = False
    announced_id: int | None = None  # message
    announced_at: int | None = None  # when it was sent
    obstacle: str = ""
    step: StepKind = ""
    next_at: int | None = None


class Silent(msgspec.Struct, frozen=True, kw_only=True):
    """A conversation, as far as its silence matters."""

    id: int
    customer_id: int
    channel_id: str  # of the customer's latest message
    waits: bool  # the ball is with the customer, and it is a conversation that lives
    since: int  # in its state
    due_at: int | None = None  # until when something was promised to him
    announced: Status | None = None  # what became of the announcement
    kept: Kept | None = None


def read_terms(
    settings: Sequence[SilenceSettings],
    channels: Iterable[str],
    teams: Mapping[str, Iterable[str]],
    language: str,
) -> list[Term]:
    """`channels`: that are configured; `teams`: the channels that each serves. Raises SettingError."""
    known = frozenset(channels)
    terms: list[Term] = []
    for number, one in enumerate(settings):
        try:
            if one.channel and one.channel not in known:
                raise SettingError(f"there is no channel {one.channel!r}", key="channel")
            terms.append(
                Term(
                    channels=channels_of(one.channel, one.team, teams),
                    announce_ms=_length(one.announce_after, "announce_after"),
                    close_ms=_length(one.close_after, "close_after"),
                    text=one.text.strip(),
                    text_by_language=one.text_by_language,
                    topic=one.topic.strip() or wording.say(language, "silence"),
                    result=one.result.strip() or wording.say(language, "no_answer"),
                )
            )
        except SettingError as error:
            raise SettingError(str(error), key=f"silence[{number}].{error.key}", hint=error.hint) from error
    return terms


def _length(text: str, key: str) -> int:
    match = _LENGTH.fullmatch(text.strip())
    days, hours, minutes = (int(part) for part in (match.groups("0") if match else ("0", "0", "0")))
    ms = ((days * 24 + hours) * 60 + minutes) * MINUTE_MS
    if not 0 < ms <= TERM_MAX_MS:
        raise SettingError(f"{text!r} is no length of time", key=key, hint='write "72h", "7d" or "90m"')
    return ms


class Terms:
    """All terms of the site, ready to be asked."""

    def __init__(
        self,
        terms: Sequence[Term] = (),
        calendars: Mapping[str, Calendar] = MappingProxyType({}),
        chats: frozenset[str] = frozenset(),
        propose_ms: int = 0,
        text: str = "",
    ) -> None:
        """`calendars`: by channel. `chats`: channels that people leave without a word, where another one is
        proposed after `propose_ms` (0: never). `text`: another one where anything is."""
        self._terms = terms
        self._calendars = calendars
        self._chats = chats
        self._propose_ms = propose_ms
        self.text = text

    def __bool__(self) -> bool:
        return bool(self._terms) or bool(self._chats and self._propose_ms)

    def of(self, channel_id: str) -> Term | None:
        """None: nothing closes by itself there."""
        if not channel_id:
            return None  # the customer never wrote
        return next((one for one in self._terms if one.channels is None or channel_id in one.channels), None)

    def opening(self, channel_id: str, at: int) -> int | None:
        """The first moment from `at` on in which something may be said by itself."""
        calendar = self._calendars.get(channel_id)
        return at if calendar is None else calendar.next_opening(at)

    def kept(self, silent: Silent, at: int, *, anew: bool = False) -> Kept | None:
        """What is to be written down of it by what happened at `at`; None: nothing. `anew`: all terms begin
        again at `at`, and what was announced does not hold any more."""
        if not silent.waits:
            return None
        before = silent.kept
        since = max(silent.since, before.since if before else 0, at if anew else 0)
        known = before if before is not None and before.since == since else Kept(since=since)
        if known.announced_id is not None:
            return self._announced(known, silent, at)
        known = self._scheduled(known, silent)
        nothing = Kept(since=silent.since)
        return None if known == nothing else known

    def _announced(self, known: Kept, silent: Silent, at: int) -> Kept:
        term = self.of(silent.channel_id)
        if silent.announced in SENT:
            announced_at = at if known.announced_at is None else known.announced_at
            if term is None:
                return replace(known, announced_at=announced_at, obstacle="", step="", next_at=None)
            closes_at = announced_at + term.close_ms
            return replace(known, announced_at=announced_at, obstacle="", step="close", next_at=closes_at)
        obstacle = {"failed": NOT_DELIVERED, "unknown": NOT_KNOWN}.get(silent.announced or "failed", "")
        return replace(known, announced_at=None, obstacle=obstacle, step="", next_at=None)

    def _scheduled(self, known: Kept, silent: Silent) -> Kept:
        steps: list[tuple[int, StepKind]] = []
        if not known.proposed and self._propose_ms and silent.channel_id in self._chats:
            steps.append((known.since + self._propose_ms, "propose"))
        term = self.of(silent.channel_id)
        if term is not None and not known.obstacle:
            # While something is promised to him, it is not he who is waited for.
            wanted = max(known.since, silent.due_at or 0) + term.announce_ms
            opening = self.opening(silent.channel_id, wanted)
            if opening is not None:
                steps.append((opening, "announce"))
        next_at, step = min(steps, default=(None, ""))
        return replace(known, step=step, next_at=next_at)
