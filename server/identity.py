"""Who is this person: the decision, without the database. Pure.

An exact match on a verified address links by itself; anything weaker only suggests. Two people who share
a phone stay two: a phone joins a person who has no card yet to the one who has, but never two cards. So do
two people who share a mailbox: where a channel knows two accounts, or the two names contradict each other, an
e-mail address joins nobody.
"""

from __future__ import annotations

from collections.abc import Sequence, Set
from typing import Literal

import msgspec

from channels.base import Contact
from server.people.naming import likeness

# Addresses that exist beyond one channel or site, and that several people may have together.
SHARED_SCHEMES = frozenset({"email", "phone"})

# joins: two cards become one. adopts: only somebody who has no card yet comes to the one who has.
# hints: neither; somebody may look at it.
Strength = Literal["joins", "adopts", "hints"]


class Proof(msgspec.Struct, frozen=True):
    """A verified contact, the customer who already owns it, and what it may do."""

    contact: Contact
    owner: int | None
    strength: Strength = "joins"


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of two who may be one person. `signed`: a site says who he is; then no telephone needs to."""

    name: str = ""
    accounts: frozenset[str] = frozenset()
    signed: bool = False


def strength(scheme: str, vouched: bool, writer: Side, owner: Side) -> Strength:
    """What proof of an address says of `writer` while the card `owner` has it.

    `vouched`: only a colleague says that it is the owner's.
    """
    if scheme not in SHARED_SCHEMES:
        return "joins"
    if are_rivals(writer.accounts, owner.accounts):
        return "hints"
    names = likeness(writer.name, owner.name)
    if names == "other":
        return "hints"
    if scheme == "phone":
        return "hints" if names == "unsaid" and (writer.signed or owner.signed) else "adopts"
    return "adopts" if vouched else "joins"


def are_rivals(one: Set[str], other: Set[str]) -> bool:
    """Different accounts ("CHANNEL:ID") on one channel: whoever has two of them must say so himself."""
    sites = {account.partition(":")[0] for account in one} & {account.partition(":")[0] for account in other}
    return bool(sites) and not one & other


class Merge(msgspec.Struct, frozen=True):
    source: int
    target: int
    evidence: str


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """`customer` None: a new card. `merges` end in `customer`. `attach`: verified, and nobody's yet.
    `claim`: proven, but of a card that this person is not; kept as a hint."""

    customer: int | None
    merges: tuple[Merge, ...] = ()
    attach: tuple[Contact, ...] = ()
    claim: tuple[Contact, ...] = ()


def decide(own: int | None, proofs: Sequence[Proof]) -> Identity:
    """Who wrote, given the owner of the address he wrote from and what his other contacts prove.

    The oldest card survives a merge: colleagues know it longest.
    """
    owners: dict[int, str] = {}
    # What may join two cards speaks first: in whatever order the channel lists what it knows.
    for wanted in ("joins", "adopts"):
        for proof in proofs:
            if proof.strength != wanted or proof.owner is None or proof.owner == own:
                continue
            if wanted == "joins" or (own is None and not owners):
                owners.setdefault(proof.owner, f"{proof.contact.scheme} {proof.contact.evidence}".strip())
    cards = sorted({*owners, *([own] if own is not None else [])})
    target = cards[0] if cards else None
    merges = tuple(Merge(card, cards[0], owners.get(card) or owners.get(cards[0], "")) for card in cards[1:])
    attach = tuple(proof.contact for proof in proofs if proof.owner is None)
    claim = tuple(proof.contact for proof in proofs if proof.owner is not None and proof.owner not in cards)
    return Identity(customer=target, merges=merges, attach=attach, claim=claim)
