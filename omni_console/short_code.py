"""A template's short code in what is being written: `;thanks`, or `/thanks`, before the cursor."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from server.protocol import FilledTemplate

_CODE = re.compile(r"(?:^|(?<=\s))[;/](\w[\w.-]{0,31})$")
MANY = 200


class ShortCode(msgspec.Struct, frozen=True):
    row: int
    start: int  # column of the sign before it
    end: int
    text: str  # with the sign

    @property
    def code(self) -> str:
        return self.text[1:].casefold()


def before(line: str, row: int, column: int) -> ShortCode | None:
    """The code that ends at this column, where one stands there: at the beginning, or after a space."""
    found = _CODE.search(line[:column])
    return None if found is None else ShortCode(row, found.start(), column, found.group())


def meant(code: str, found: Sequence[FilledTemplate]) -> FilledTemplate | None:
    """The one that this code can only mean: its own, or the only one that begins so."""
    for template in found:
        if template.code == code:
            return template
    return found[0] if len(found) == 1 else None


def find(templates: Sequence[FilledTemplate], words: str) -> list[FilledTemplate]:
    """Those that hold every word in code, title or text, or its letters in this order in code or title; those
    whose code begins so come first."""
    wanted = words.casefold().split()

    def rank(template: FilledTemplate) -> int | None:
        name = f"{template.code} {template.title}".casefold()
        worst = 0
        for word in wanted:
            if template.code.startswith(word):
                place = 0
            elif word in name:
                place = 1
            elif _in_order(word, name):
                place = 2
            elif word in template.text.casefold():
                place = 3
            else:
                return None
            worst = max(worst, place)
        return worst

    ranked = [(place, template) for template in templates if (place := rank(template)) is not None]
    ranked.sort(key=lambda one: (one[0], one[1].code))
    return [template for _, template in ranked[:MANY]]


def _in_order(letters: str, text: str) -> bool:
    rest = iter(text)
    return all(letter in rest for letter in letters)
