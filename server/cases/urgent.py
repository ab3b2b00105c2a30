"""Words that make a conversation urgent, in whatever form a customer writes them. Pure.

Russian and English word forms are compared by the stems that search uses, so ё or е, case and endings do
not matter. An entry of several words is found where they stand one after another.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from server.store.search import folded, stem_of

LOOKED_AT = 4000  # characters of a text: somebody in need says so early, and intake must stay cheap

_WORD = re.compile(r"\w+")


def _words(text: str) -> list[str]:
    return _WORD.findall(folded(text.lower()))


class UrgentWords:
    def __init__(self, entries: Iterable[str]) -> None:
        self._phrases: dict[str, list[tuple[tuple[str, ...], str]]] = {}  # by the first stem
        self._beginnings: set[str] = set()
        for entry in entries:
            words = _words(entry)
            if not words:
                continue
            stems = tuple(stem_of(word) for word in words)
            self._phrases.setdefault(stems[0], []).append((stems, entry))
            # Most words are let go by their first two letters, without asking for their stem.
            self._beginnings |= {stems[0][:2], words[0][:2]}

    def found(self, text: str) -> str:
        """The entry that the text holds first, as it was configured; "" where it holds none."""
        if not self._phrases:
            return ""
        words = _words(text[:LOOKED_AT])
        for place, word in enumerate(words):
            if word[:2] not in self._beginnings:
                continue
            for stems, entry in self._phrases.get(stem_of(word), ()):
                following = words[place + 1 : place + len(stems)]
                if len(following) == len(stems) - 1 and all(
                    stem_of(one) == stem for one, stem in zip(following, stems[1:], strict=True)
                ):
                    return entry
        return ""
