"""Which conversation an operator does best to take next: a sum of points that everybody can add up. Pure.

deadline  100 when it is due, 50 an hour before, 20 four hours before; late: 1 more a minute for an hour, then
          1 more an hour
waiting   4 an hour of the customer's waiting for a day, then 1 an hour
window    120 when the channel is about to close for us, 60 an hour before; nothing where it is closed
priority  300 urgent, 50 high, -30 low
own       40 what is mine already; 20 where I was the last of us to do something
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from server.protocol import Conversation, Priority, Urgency, UrgencyPart

MINUTE_MS = 60_000
DEADLINE, LATE_MINUTES = 100, 60
WAITING_AN_HOUR, FAST_HOURS = 4, 24
WINDOW = 120
PRIORITY: dict[Priority, int] = {"urgent": 300, "high": 50, "normal": 0, "low": -30}
MINE, KNOWN = 40, 20


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    conversation: Conversation
    window_until: int | None = None  # until when we may write on its channel
    acted_last: bool = False  # who asks was the last of us to do something in it


def urgency(candidate: Candidate, me: int, now: int) -> Urgency:
    row = candidate.conversation
    parts: list[UrgencyPart] = []
    if row.deadline is not None:
        parts.append(
            UrgencyPart(name="deadline", points=_deadline(row.deadline.due_at - now), at=row.deadline.due_at)
        )
    if row.waiting_since is not None:
        parts.append(
            UrgencyPart(name="waiting", points=_waiting(now - row.waiting_since), at=row.waiting_since)
        )
    until = candidate.window_until
    if until is not None and until > now:
        parts.append(UrgencyPart(name="window", points=_near(WINDOW, until - now), at=until))
    parts.append(UrgencyPart(name="priority", points=PRIORITY[row.priority]))
    own = MINE if row.assignee_id == me else KNOWN if candidate.acted_last else 0
    parts.append(UrgencyPart(name="own", points=own))
    parts = sorted((part for part in parts if part.points), key=lambda part: -part.points)
    return Urgency(conversation=row, points=sum(part.points for part in parts), parts=parts)


def ranked(candidates: Iterable[Candidate], me: int, now: int) -> list[Urgency]:
    """The most urgent first; among equals the longest-waiting, then the oldest."""
    found = [(candidate.conversation, urgency(candidate, me, now)) for candidate in candidates]
    found.sort(key=lambda one: (-one[1].points, one[0].sort_at, one[0].id))
    return [one for _, one in found]


def _near(most: int, left_ms: int) -> int:
    """`most` now, half of it in an hour, a third in two."""
    return most * 60 * MINUTE_MS // (60 * MINUTE_MS + max(0, left_ms))


def _deadline(left_ms: int) -> int:
    if left_ms > 0:
        return _near(DEADLINE, left_ms)
    return DEADLINE + _slowing(-left_ms // MINUTE_MS, LATE_MINUTES, 60)


def _waiting(ms: int) -> int:
    quarters = max(0, ms) * WAITING_AN_HOUR // (60 * MINUTE_MS)
    return _slowing(quarters, FAST_HOURS * WAITING_AN_HOUR, WAITING_AN_HOUR)


def _slowing(steps: int, fast: int, slower: int) -> int:
    """A point a step for `fast` steps, then one every `slower` steps: without end, so that nobody starves."""
    return steps if steps <= fast else fast + (steps - fast) // slower
