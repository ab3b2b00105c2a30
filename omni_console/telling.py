"""What is told of what happened, and how: pure. screens/teller.py does it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import msgspec

from omni_console.cleaning import clean_line
from omni_console.happenings import Happening
from omni_console.i18n import _
from omni_console.own_settings import DAYS, Quiet, Tell, TellKind, Way

# What speaks for several at once: the first of them.
WEIGHT: tuple[TellKind, ...] = (
    "lost", "breach", "failed", "urgent", "mention", "handover", "risk", "message", "queue",
)  # fmt: skip
SAID = 3  # happenings that one telling names
NAME_MAX, WORDS_MAX = 40, 120


class Telling(msgspec.Struct, frozen=True):
    """`text` is one clean line."""

    kind: TellKind
    ways: frozenset[Way]
    text: str
    count: int


def is_quiet(quiet: Sequence[Quiet], kind: TellKind, there: datetime) -> bool:
    """Is nothing told of this kind at this hour of the wall clock?"""
    hour = there.strftime("%H:%M")
    today, yesterday = (DAYS[(there - timedelta(days=back)).weekday()] for back in (0, 1))
    for span in quiet:
        if kind in span.but:
            continue
        if span.start < span.to:
            inside = today in span.days and span.start <= hour < span.to
        else:
            inside = (today in span.days and hour >= span.start) or (
                yesterday in span.days and hour < span.to
            )
        if inside:
            return True
    return False


def decide(
    happened: Sequence[Happening],
    looked_at: Collection[int],
    settings: Tell,
    there: datetime,
    *,
    away: bool,
) -> Telling | None:
    """What is told of all this together; None: nothing. `away`: the terminal is behind another window."""
    told: list[Happening] = []
    ways: set[Way] = set()
    for one in happened:
        found = settings.ways(one.kind, away=away)
        seen = one.conversation_id in looked_at and one.conversation_id > 0
        if found and not seen and not is_quiet(settings.quiet, one.kind, there):
            told.append(one)
            ways.update(found)
    if not told:
        return None
    told.sort(key=lambda one: WEIGHT.index(one.kind))
    sentences = list(dict.fromkeys(_sentence(one, words=settings.words) for one in told))
    text = "; ".join(sentences[:SAID])
    more = len(sentences) - SAID
    if more > 0:
        text += "; " + _("and {n} more").format(n=more)
    return Telling(told[0].kind, frozenset(ways), text, len(told))


def _sentence(one: Happening, *, words: bool) -> str:
    who = clean_line(one.who, line_max=NAME_MAX)
    text = {
        "message": _("{customer} writes"),
        "queue": _("new in the queue: {customer}"),
        "mention": _("a colleague calls you: {customer}"),
        "handover": _("handed to you: {customer}"),
        "urgent": _("urgent: {customer}"),
        "risk": _("a deadline comes near: {customer}"),
        "breach": _("a deadline is over: {customer}"),
        "failed": _("not delivered: {customer}"),
        "lost": _("the server cannot be reached"),
    }[one.kind].format(customer=who)
    said = clean_line(one.words, line_max=WORDS_MAX) if words else ""
    return f"{text}: {said}" if said else text


def title(unread: int) -> str:
    """What the terminal's title says: "(3) Omni"."""
    return f"({unread}) Omni" if unread else "Omni"
