"""Who is this person: the decision, without the database. Pure.

An exact match on a verified address links by itself; anything weaker only suggests. Two people who share
a phone stay two: a phone joins a person who has no card yet to the one who has, but never two cards.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from channels.base import Contact

# Schemes of which one address never belongs to two people, so that proof of it may join two cards.
PERSONAL_SCHEMES_EXCLUDED = frozenset({"phone"})


class Proof(msgspec.Struct, frozen=True):
    """A verified contact and the customer who already owns it."""

    contact: Contact
    owner: int | None


class Merge(msgspec.Struct, frozen=True):
    source: int
    target: int
    evidence: str


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """`customer` None: a new card. `merges` end in `customer`. `attach`: verified, and nobody's yet.
    `claim`: verified, but of a card that this person is not; kept as a hint."""

    customer: int | None
    merges: tuple[Merge, ...] = ()
    attach: tuple[Contact, ...] = ()
    claim: tuple[Contact, ...] = ()


def decide(own: int | None, proofs: Sequence[Proof]) -> Identity:
    """Who wrote, given the owner of the address he wrote from and what his other contacts prove.

    The oldest card survives a merge: colleagues know it longest.
    """
    owners: dict[int, str] = {}
    shared = [proof for proof in proofs if proof.contact.scheme in PERSONAL_SCHEMES_EXCLUDED]
    personal = [proof for proof in proofs if proof.contact.scheme not in PERSONAL_SCHEMES_EXCLUDED]
    # What may join two cards speaks first: in whatever order the channel lists what it knows.
    for proof in [*personal, *shared]:
        joins = proof.contact.scheme not in PERSONAL_SCHEMES_EXCLUDED or (own is None and not owners)
        if proof.owner is not None and proof.owner != own and joins:
            owners.setdefault(proof.owner, f"{proof.contact.scheme} {proof.contact.evidence}".strip())
    cards = sorted({*owners, *([own] if own is not None else [])})
    target = cards[0] if cards else None
    merges = tuple(Merge(card, cards[0], owners.get(card) or owners.get(cards[0], "")) for card in cards[1:])
    attach = tuple(proof.contact for proof in proofs if proof.owner is None)
    claim = tuple(proof.contact for proof in proofs if proof.owner is not None and proof.owner not in cards)
    return Identity(customer=target, merges=merges, attach=attach, claim=claim)
