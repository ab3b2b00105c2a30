"""Who should have which of the work that nobody has begun. Pure; nothing is done here.

From whoever has most for his room, or is not there, to whoever has least and has room for it. What waits
longest moves first, so that the customer gains by it. Nobody ever gets more than he can hold, and nothing is
moved that would only turn the difference round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from server.routing import Choice, Operator, Queued, Round

MOST = 50  # moves of one proposal: more nobody reads before he says yes


class Holder(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody who has work. `there` False: he takes none now, and what he has not begun waits for nobody.
    `room` of all kinds together."""

    id: int
    held: int
    room: int
    there: bool


class Untouched(msgspec.Struct, frozen=True):
    holder_id: int
    item: Queued


def propose(
    receivers: Iterable[Operator],
    holders: Iterable[Holder],
    work: Sequence[Untouched],
    now: int,
    only: int | None = None,
) -> list[Choice]:
    """`receivers`: who takes new work. `work`: in the order in which it is served.
    `only`: this operator's work, as much of it as others have room for; None: until the load is even."""
    taking = Round(receivers, now)
    held = {holder.id: holder.held for holder in holders}
    room = {holder.id: holder.room for holder in holders}
    away = {holder.id for holder in holders if not holder.there}
    left = [one for one in work if only is None or one.holder_id == only]
    choices: list[Choice] = []

    def load(holder_id: int, less: int = 0) -> float:
        return (held[holder_id] - less) / max(1, room[holder_id])

    while left and len(choices) < MOST:
        # Each time from whoever is loaded most now; what cannot go anywhere stays where it is.
        one = max(left, key=lambda one: (one.holder_id in away, load(one.holder_id)))
        everything = only is not None or one.holder_id in away
        below = None if everything else load(one.holder_id, less=1)
        choice = taking.offer(one.item, but=one.holder_id, below=below)
        left.remove(one)
        if choice is None:
            continue
        choices.append(choice)
        held[one.holder_id] -= 1
        taking.gave(one.holder_id, one.item.medium)
        if choice.operator_id in held:
            held[choice.operator_id] += 1
    return choices
