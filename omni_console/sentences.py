"""Sentences that come in English, found in a table and said in the operator's language."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cached_property

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


class Sentences:
    """`whole` as they are; `holed` with {names} of what stands in them."""

    def __init__(self, whole: Iterable[str], holed: Iterable[str]) -> None:
        self.whole = frozenset(whole)
        self._holed = tuple(holed)

    @cached_property
    def holed(self) -> tuple[tuple[re.Pattern[str], str], ...]:
        """Made when the first sentence comes that is not whole: a console that starts waits for none."""
        return tuple((_pattern(text), text) for text in self._holed)

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
