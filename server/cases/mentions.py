"""Whom a note calls by @login; pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

from server.protocol import OperatorInfo

# Not in the middle of a word: me@shop.example calls nobody.
_CALL = re.compile(r"(?<![\w@.+/-])@([A-Za-z0-9][A-Za-z0-9._-]*)(?!\w)")
_ENDS = "._-"  # may be part of a login, and may end a sentence


def mentioned(text: str, operators: Sequence[OperatorInfo]) -> list[OperatorInfo]:
    """Each once, in the order of the text. What is no login is a word: customers have handles too."""
    by_login = {one.login: one for one in operators}
    found: dict[str, OperatorInfo] = {}
    for call in _CALL.finditer(text):
        name = call[1].lower()
        while name not in by_login and name[-1:] and name[-1] in _ENDS:
            name = name[:-1]
        if name in by_login:
            found.setdefault(name, by_login[name])
    return list(found.values())
