"""Do two names call one person? Pure.

Names are compared as people write them: in either alphabet, in either order, with initials, with ё or е.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

_WORD = re.compile(r"[^\W\d_]+")
_LATIN = str.maketrans(
    {
        "а": "a",
        "б": "b",
        "в": "v",
        "г": "g",
        "д": "d",
        "е": "e",
        "ж": "zh",
        "з": "z",
        "и": "i",
        "й": "i",
        "к": "k",
        "л": "l",
        "м": "m",
        "н": "n",
        "о": "o",
        "п": "p",
        "р": "r",
        "с": "s",
        "т": "t",
        "у": "u",
        "ф": "f",
        "х": "h",
        "ц": "c",
        "ч": "ch",
        "ш": "sh",
        "щ": "sh",
        "ъ": "",
        "ы": "i",
        "ь": "",
        "э": "e",
        "ю": "iu",
        "я": "ia",
        "і": "i",
        "ї": "i",
        "є": "e",
        "ґ": "g",
    }
)
# Spellings of one sound in Latin letters; the longer ones first.
_SPELLINGS = (
    ("shch", "sh"),
    ("sch", "sh"),
    ("kh", "h"),
    ("ts", "c"),
    ("tz", "c"),
    ("yo", "e"),
    ("jo", "e"),
    ("ye", "e"),
    ("je", "e"),
    ("ks", "x"),
    ("y", "i"),
    ("j", "i"),
    ("ii", "i"),
)

Likeness = Literal["same", "other", "unsaid"]


def _sound(word: str) -> str:
    marks_off = "".join(
        letter for letter in unicodedata.normalize("NFKD", word) if not unicodedata.combining(letter)
    )
    sound = marks_off.translate(_LATIN)
    for written, heard in _SPELLINGS:
        sound = sound.replace(written, heard)
    return sound


def words(name: str) -> tuple[str, ...]:
    """The words of a name in a form in which they can be compared, sorted; each once."""
    return tuple(sorted({_sound(word) for word in _WORD.findall(name.casefold()[:200])} - {""}))


def is_full(name: str) -> bool:
    """A name and a surname at least; an initial is no word."""
    return sum(len(word) > 1 for word in words(name)) >= 2


def full_mark(name: str) -> str:
    """Equal for full names that are written alike; "" for what is no full name."""
    return " ".join(words(name)) if is_full(name) else ""


def likeness(one: str, other: str) -> Likeness:
    """`same` where one name says no more than the other, initials included; `other` where each says
    something that the other does not; `unsaid` where one is missing."""
    left, right = list(words(one)), list(words(other))
    if not left or not right:
        return "unsaid"
    for word in tuple(left):
        if word in right:
            left.remove(word)
            right.remove(word)
    for word in tuple(left):
        match = next((found for found in right if _initial(word, found)), None)
        if match is not None:
            left.remove(word)
            right.remove(match)
    return "other" if left and right else "same"


def _initial(one: str, other: str) -> bool:
    short, long = sorted((one, other), key=len)
    return len(short) <= 2 and long.startswith(short)
