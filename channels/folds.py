"""Ranges of a text that say nothing new, and the text without them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from channels.base import Fold


def sound(folds: Iterable[Fold], text: str) -> tuple[Fold, ...]:
    """Sorted, disjoint and inside of the text, whatever an adapter gave; what is not is left out."""
    kept: list[Fold] = []
    position = 0
    for one in sorted(folds, key=lambda fold: (fold.start, fold.end)):
        if position <= one.start < one.end <= len(text):
            kept.append(one)
            position = one.end
    return tuple(kept)


def unfolded(text: str, folds: Sequence[Fold]) -> str:
    """The text with the folds left out. `folds` must be sound."""
    pieces = []
    position = 0
    for one in folds:
        pieces.append(text[position : one.start])
        position = one.end
    pieces.append(text[position:])
    return "".join(pieces)
