"""What customers write about, by the words of omni.toml: tags, and so the skills that are needed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from server.cases.urgent import UrgentWords


class Topics:
    """Words are found in every form in which people write them, as urgent words are."""

    def __init__(self, words: Mapping[str, Iterable[str]]) -> None:
        self._words = {tag: UrgentWords(entries) for tag, entries in words.items()}

    def found(self, text: str) -> list[str]:
        """The tags whose words the text holds."""
        return [tag for tag, words in self._words.items() if words.found(text)]
