"""Sentences that come in English, found in a table and said in the operator's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from omni_console.i18n import _

_HOLE = re.compile(r"\\\{(\w+)\\\}")
# What stands in a hole of this name; in any other words do.
_PARTS = {
    "n": r"\d+",
    "most": r"\d+",
    "status": r"\d+",
    "day": r"\d{4}-\d\d-\d\d",
    "purpose": r"\S+",
    "state": r"\w+",
    "whom": r"[^;]+",  # there may be more of them, behind a semicolon
    "more": r".*",
}


@dataclass(frozen=True)
class Sentences:
    """`whole` as they are; `holed` with {names} of what stands in them."""

    whole: frozenset[str]
    holed: tuple[tuple[re.Pattern[str], str], ...]

    @classmethod
    def of(cls, whole: Iterable[str], holed: Iterable[str]) -> Sentences:
        return cls(frozenset(whole), tuple((_pattern(text), text) for text in holed))

    def said(self, sentence: str, part: Callable[[str, str], str]) -> str | None:
        """None where it is not here. `part` says what stands in a hole, given its name and the words."""
        if sentence in self.whole:
            return _(sentence)
        for pattern, text in self.holed:
            found = pattern.fullmatch(sentence)
            if found is not None:
                parts = {name: part(name, words) for name, words in found.groupdict().items()}
                return _(text).format(**parts)
        return None


def _pattern(text: str) -> re.Pattern[str]:
    def hole(found: re.Match[str]) -> str:
        return f"(?P<{found[1]}>{_PARTS.get(found[1], '.+?')})"

    return re.compile(_HOLE.sub(hole, re.escape(text)), re.DOTALL)
