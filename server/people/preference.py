"""The channel on which a person is best reached, from what he did. Pure.

What he asked for himself always wins. Otherwise it is where he writes most; where two channels are about
equal, the one on which he answers us sooner.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping

import msgspec

from server.protocol import Preference

DAYS = 180
MESSAGES = 500  # the newest that are looked at: the cost of a card does not grow with its history
NEAR = 0.1  # shares that differ by less are about equal
ANSWER_MAX_MS = 7 * 86_400_000  # what he writes later than that answers nothing


class Said(msgspec.Struct, frozen=True):
    """A message of the person (`mine` false) or of ours to him, on a channel."""

    channel_id: str
    at: int
    ours: bool


class Habit(msgspec.Struct, frozen=True):
    """What he did on one channel. `answers_in`: median of how soon he answers, ms; None: never asked."""

    channel_id: str
    wrote: int
    answers_in: int | None


def habits(said: Iterable[Said]) -> list[Habit]:
    """`said` in the order of time."""
    wrote: dict[str, int] = {}
    asked: dict[str, int] = {}
    answered: dict[str, list[int]] = {}
    for one in said:
        if one.ours:
            asked[one.channel_id] = one.at
            continue
        wrote[one.channel_id] = wrote.get(one.channel_id, 0) + 1
        since = asked.pop(one.channel_id, None)
        if since is not None and 0 <= one.at - since <= ANSWER_MAX_MS:
            answered.setdefault(one.channel_id, []).append(one.at - since)
    return [
        Habit(channel, count, int(statistics.median(answered[channel])) if channel in answered else None)
        for channel, count in wrote.items()
    ]


def preferred(
    found: Iterable[Habit], titles: Mapping[str, str], marks: Mapping[str, str], stated: str = ""
) -> Preference | None:
    """`titles` and `marks` of the channels there are now; on others nobody can be reached."""
    if stated in titles:
        return Preference(
            channel_id=stated,
            channel_title=titles[stated],
            mark=marks.get(stated, ""),
            why="asked for it",
            stated=True,
        )
    here = [habit for habit in found if habit.channel_id in titles]
    total = sum(habit.wrote for habit in here)
    if not total:
        return None
    most = max(habit.wrote for habit in here)
    near = [habit for habit in here if most - habit.wrote < NEAR * total]
    best = min(near, key=lambda one: (_speed(one), -one.wrote, one.channel_id))
    why = f"wrote {best.wrote} of {total} here in {DAYS} days"
    if best.answers_in is not None:
        why += f", answers within {span(best.answers_in)}"
    return Preference(
        channel_id=best.channel_id,
        channel_title=titles[best.channel_id],
        mark=marks.get(best.channel_id, ""),
        why=why,
    )


def _speed(habit: Habit) -> float:
    return float("inf") if habit.answers_in is None else habit.answers_in


def span(ms: int) -> str:
    """A length of time in one rounded-up number."""
    minutes = max(1, -(-ms // 60_000))
    if minutes < 90:
        return f"{minutes} min"
    hours = -(-minutes // 60)
    return f"{hours} h" if hours < 48 else f"{-(-hours // 24)} days"
