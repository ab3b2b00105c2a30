"""Finding by a few letters: how well a text answers what was typed. Pure."""

from __future__ import annotations

import re
from functools import lru_cache

from server.protocol.filtering import folded

BEGINS, STANDS, SCATTERED = 0, 1, 2  # how well: the lower, the better


@lru_cache(maxsize=64)
def _patterns(typed: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Each word, and its letters with anything between them, the first one at the beginning of a word."""
    return tuple(
        (word, re.compile(r"\b" + ".*?".join(re.escape(letter) for letter in word)))
        for word in folded(typed).split()
    )


def how_well(typed: str, name: str, more: str = "") -> int | None:
    """`name` and `more` are folded, each with a space before it. None: not at all.

    Every word typed begins a word of either; or stands in one of them; or its letters stand in this order in
    the name.
    """
    worst = BEGINS
    for word, scattered in _patterns(typed):
        if f" {word}" in name or f" {word}" in more:
            continue
        if len(word) > 2 and (word in name or word in more):
            worst = max(worst, STANDS)
        elif len(word) > 1 and scattered.search(name):
            worst = SCATTERED
        else:
            return None
    return worst


def narrows(before: str, typed: str) -> bool:
    """Does everything that answers `typed` answer `before` too? Shorter words are looked for otherwise."""
    words = before.split()
    return bool(words) and typed.startswith(before) and len(words[-1]) > 2
