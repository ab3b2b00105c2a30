"""Calling a colleague by @login while a note is written; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from server.protocol import OperatorInfo

_BEFORE = re.compile(r"(?<![\w@.+/-])@([\w.-]*)$")


class Called(msgspec.Struct, frozen=True):
    """`start`: where in the line the login begins. `login`: what to put there; it may be only its beginning.
    `candidates`: whom it may be, where that is not one."""

    start: int
    login: str
    candidates: tuple[OperatorInfo, ...] = ()


def begun(line: str) -> str | None:
    """What stands behind the @ before the cursor (the end of `line`); None where no colleague is called."""
    found = _BEFORE.search(line)
    return None if found is None else found[1]


def completed(line: str, colleagues: Sequence[OperatorInfo]) -> Called | None:
    """What tab makes of it: by the beginning of a login, or else of a name. None where nobody is called
    before the cursor."""
    start = begun(line)
    if start is None:
        return None
    at, words = len(line) - len(start), start.casefold()
    active = [one for one in colleagues if not one.disabled]
    by_login = [one for one in active if one.login.startswith(words)]
    exact = [one for one in by_login if one.login == words]
    found = by_login or [
        one for one in active if any(part.casefold().startswith(words) for part in one.name.split())
    ]
    if len(found) == 1 or (exact and start != words):
        return Called(at, (exact or found)[0].login + " ")
    if not by_login:
        return Called(at, start, tuple(found))
    return Called(at, _common_beginning([one.login for one in by_login]), tuple(found))


def _common_beginning(texts: Sequence[str]) -> str:
    first, last = min(texts), max(texts)
    same = next((at for at, letter in enumerate(first) if last[at] != letter), len(first))
    return first[:same]
