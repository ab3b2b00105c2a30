"""May two cards be one person? From facts to reasons and a score. Pure.

Whatever is weaker than proof only makes a suggestion, which an operator accepts or refuses. A name alone
counts where it is a full one and nearly nobody else has it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from server.people.naming import Likeness
from server.protocol import ReasonKind

ASKED_FROM = 20  # a lower score is nobody's time worth
SCORE_MAX = 100
HOLDERS_MAX = 5  # an address that more people have says nothing: a switchboard, "info@"
NAMESAKES_MAX = 3

_NUMBER = re.compile(r"[^\W_](?:[^\W_]|[-/](?=[^\W_])){3,39}")
NUMBERS_MAX = 20

# By kind: with the other side verified, and where both only say so.
_ADDRESS: dict[str, tuple[int, int]] = {
    "email": (60, 35),
    "phone": (45, 30),
    "caller": (40, 30),
    "unverified": (30, 20),
}
_SHARED_BY_MORE = 15
_NAME = {2: 25, 3: 15}
_ORDER = 40
_OTHER_NAME = -30
_OTHER_ACCOUNT = -15


class SharedAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Both cards have the same address. `holders`: how many cards have it in all."""

    scheme: Literal["email", "phone"]
    mine: int  # address ids
    theirs: int
    proven: bool  # one of the two has it verified
    called: bool = False  # known from a call
    doubted: bool = False  # a mail in its name that failed authentication
    holders: int = 2


class SharedName(msgspec.Struct, frozen=True):
    """Both have the same full name. `holders`: how many cards have it in all."""

    card: int
    holders: int


class ForeignOrder(msgspec.Struct, frozen=True):
    """One wrote the number of a record that is the other's."""

    record: int
    message: int


Fact = SharedAddress | SharedName | ForeignOrder


class Why(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A reason as it is stored: kinds and row ids, never words."""

    kind: ReasonKind
    weight: int
    address: int = 0
    theirs: int = 0
    card: int = 0
    record: int = 0
    message: int = 0


class Judged(msgspec.Struct, frozen=True):
    """`score` 0..100; to be asked about from ASKED_FROM on."""

    reasons: tuple[Why, ...]
    score: int


def weigh(fact: Fact) -> Why | None:
    """What one fact counts; None: nothing."""
    if isinstance(fact, SharedAddress):
        if fact.holders > HOLDERS_MAX:
            return None
        kind: ReasonKind = "unverified" if fact.doubted else "caller" if fact.called else fact.scheme
        weight = _ADDRESS[kind][0 if fact.proven else 1] - _SHARED_BY_MORE * (fact.holders > 2)
        return Why(kind=kind, weight=weight, address=fact.mine, theirs=fact.theirs)
    if isinstance(fact, SharedName):
        weight = _NAME.get(fact.holders, 0)
        return Why(kind="name", weight=weight, card=fact.card) if weight else None
    return Why(kind="order", weight=_ORDER, record=fact.record, message=fact.message)


def judge(facts: Iterable[Fact], names: Likeness, rival_accounts: bool) -> Judged:
    """All facts about two cards. One reason a kind and address; the weightiest first."""
    found: dict[tuple[str, int], Why] = {}
    for fact in facts:
        why = weigh(fact)
        if why is None:
            continue
        key = (why.kind, why.record)
        if key not in found or found[key].weight < why.weight:
            found[key] = why
    reasons = tuple(sorted(found.values(), key=lambda why: (-why.weight, why.kind, why.record)))
    score = sum(why.weight for why in reasons)
    if names == "other":
        score += _OTHER_NAME
    if rival_accounts:
        score += _OTHER_ACCOUNT
    return Judged(reasons, max(0, min(SCORE_MAX, score)))


def numbers_in(text: str) -> Sequence[str]:
    """What may be an order's number: words of at least four characters, three of them digits."""
    found = dict.fromkeys(word for word in _NUMBER.findall(text[:8000]) if sum(map(str.isdigit, word)) >= 3)
    return list(found)[:NUMBERS_MAX]
