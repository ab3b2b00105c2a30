"""What of a line is left when there is no room for all of it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from omni_console.widgets.paint import Line, width_of


class Part(msgspec.Struct, frozen=True):
    """`forms`: the same said ever shorter; an empty one at the end: it may go. What weighs least gives way
    first: all of its forms before anything that weighs more loses one."""

    name: str
    weight: int
    forms: Sequence[Line]


def fitted(parts: Sequence[Part], width: int) -> list[Line]:
    """One form of each part, in their order: the longest ones that fit together into `width` cells, or the
    shortest of all when nothing else does."""
    chosen = [0] * len(parts)

    def total() -> int:
        return sum(width_of(part.forms[at]) for part, at in zip(parts, chosen, strict=True))

    while total() > width:
        shrinkable = [at for at, part in enumerate(parts) if chosen[at] + 1 < len(part.forms)]
        if not shrinkable:
            break
        least = min(shrinkable, key=lambda at: (parts[at].weight, -at))
        chosen[least] += 1
    return [part.forms[at] for part, at in zip(parts, chosen, strict=True)]
