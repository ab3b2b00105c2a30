"""Who wrote: the customer found, made, or brought together by proof. Inside `fn(tx)` only."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from channels.base import Contact, InboundEvent, Sender
from server import identity
from server.people import cards, merging
from server.store import customers, merges
from server.store.customers import Owner
from server.store.transaction import Transaction


class ChannelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What intake needs to know of a channel; `account` is '' where the address scheme is shared."""

    id: str
    scheme: str
    account: str
    begins_anew: bool = False
    title: str = ""


class Author(msgspec.Struct, frozen=True):
    customer_id: int
    address_id: int
    name: str


DOUBTED = "mail in its name fails authentication"
CALLED = "called from it"


def _account(channel: ChannelFacts, scheme: str) -> str:
    """Addresses of the channel's own scheme live in its account; all other schemes are shared."""
    return channel.account if scheme == channel.scheme else ""


def recognise(tx: Transaction, channel: ChannelFacts, event: InboundEvent) -> Author:
    """The author of the event: found, made, or brought together by proof."""
    sender = event.sender
    own = customers.owner_of(tx, channel.scheme, channel.account, sender.external_id)
    if own is None and event.kind == "call" and not sender.reachable:
        # Who calls from a number is the same caller each time, and nobody is proven by it.
        own = customers.claimant(tx, channel.scheme, channel.account, sender.external_id, CALLED)
    # Whoever has the answer to a message of ours was given it, whatever mail servers say of him.
    proven = sender.proven or any(reference.trusted for reference in event.references)
    if own is not None and not proven and own.evidence != DOUBTED:
        return _doubted(tx, channel, event)
    name = (sender.name or sender.username or "").strip()
    known = _owners(tx, channel, sender)
    decision = _decide(tx, channel, sender, own, name, known)
    customer_id = decision.customer
    if customer_id is None:
        customer_id = customers.create(tx, name or _name_from(sender.external_id, sender.contacts))
    for merge in decision.merges:
        merging.merge(tx, merge.source, merge.target, merge.evidence)
    news = own is None or customers.is_news(own, name, tx.now)
    # Somebody who was only known by an address gets the first name that we learn.
    if (news or decision.merges) and name and not customers.name_of(tx, customer_id):
        customers.rename(tx, customer_id, name)
        merging.tell_of_change(tx, customer_id, {"fields": ["name"]})
    # An address that exists beyond the channel is proven by each message, a visit or an account only by more.
    shows_who = proven and (not channel.account or any(contact.verified for contact in sender.contacts))
    unreachable = CALLED if event.kind == "call" else "unreadable"
    evidence = unreachable if not sender.reachable else "writes from it" if proven else DOUBTED
    if own is None:
        address_id = customers.add_address(
            tx,
            customer_id,
            scheme=channel.scheme,
            account=channel.account,
            external_id=sender.external_id,
            name=name,
            verified=sender.reachable,
            evidence=evidence,
            is_account=sender.is_account,
        )
    else:
        address_id = own.address_id
        if own.proof == "colleague" or (proven and own.evidence == DOUBTED):
            customers.prove(tx, address_id, "channel", evidence)
    if news:
        customers.heard_from(tx, address_id, name, shows_who)
        cards.learn(tx, customer_id, sender)
    for contact in sender.contacts:
        owner = known.get(contact)
        if owner is not None and owner.customer_id == customer_id:
            if news:
                customers.proven_now(tx, owner.address_id)
            continue
        _learn(tx, channel, event, customer_id, name, contact, owner)
    return Author(customer_id, address_id, name)


def _owners(tx: Transaction, channel: ChannelFacts, sender: Sender) -> dict[Contact, Owner | None]:
    """Who has each address that the sender proved."""
    return {
        contact: customers.owner_of(
            tx, contact.scheme, _account(channel, contact.scheme), contact.external_id
        )
        for contact in sender.contacts
        if contact.verified
    }


def _decide(
    tx: Transaction,
    channel: ChannelFacts,
    sender: Sender,
    own: Owner | None,
    name: str,
    known: dict[Contact, Owner | None],
) -> identity.Identity:
    own_id = own.customer_id if own is not None else None
    foreign = any(owner is not None and owner.customer_id != own_id for owner in known.values())
    if not foreign:
        return identity.decide(own_id, [_proof(contact, owner, "joins") for contact, owner in known.items()])
    signed = frozenset(one.external_id for one in known if one.scheme not in identity.SHARED_SCHEMES)
    accounts = signed | ({f"{channel.account}:{sender.external_id}"} if sender.is_account else set())
    writer = identity.Side(name=name, accounts=accounts, signed=bool(signed))
    if own_id is not None:
        mine = _side(tx, own_id)
        writer = identity.Side(
            name=mine.name or name, accounts=accounts | mine.accounts, signed=bool(signed) or mine.signed
        )
    proofs = []
    for contact, owner in known.items():
        strength: identity.Strength = "joins"
        if owner is not None and owner.customer_id != own_id:
            side = _side(tx, owner.customer_id)
            strength = identity.strength(contact.scheme, owner.proof == "colleague", writer, side)
            if owner.evidence == DOUBTED and strength == "joins":
                strength = "hints"
        proofs.append(_proof(contact, owner, strength))
    decision = identity.decide(own_id, proofs)
    if any(merges.were_parted(tx, merge.source, merge.target) for merge in decision.merges):
        # An operator took these two apart: only he puts them together again.
        decision = identity.decide(own_id, _without_joining(proofs))
    return decision


def _side(tx: Transaction, customer_id: int) -> identity.Side:
    return identity.Side(
        name=customers.name_of(tx, customer_id),
        accounts=customers.accounts(tx, customer_id),
        signed=customers.is_signed(tx, customer_id),
    )


def _proof(contact: Contact, owner: Owner | None, strength: identity.Strength) -> identity.Proof:
    return identity.Proof(contact, owner.customer_id if owner is not None else None, strength)


def _without_joining(proofs: list[identity.Proof]) -> list[identity.Proof]:
    """The account of a site still finds its own card, and nothing brings two together."""
    accounts = [proof for proof in proofs if proof.contact.scheme not in identity.SHARED_SCHEMES]
    first = next((proof for proof in accounts if proof.owner is not None), None)
    return [
        msgspec.structs.replace(proof, strength="adopts" if proof is first else "hints") for proof in proofs
    ]


def _learn(
    tx: Transaction,
    channel: ChannelFacts,
    event: InboundEvent,
    customer_id: int,
    name: str,
    contact: Contact,
    owner: Owner | None,
) -> None:
    """Note an address that he gave or proved."""
    account = _account(channel, contact.scheme)
    verified = contact.verified and owner is None
    if owner is not None and owner.proof == "colleague" and contact.verified:
        # A colleague only said so; this one has shown it.
        customers.doubt(tx, owner.address_id, "a colleague said so, and somebody else has shown it")
        verified = True
    mine = customers.address_of(tx, customer_id, contact.scheme, account, contact.external_id)
    if mine is not None and (mine.verified or not verified):
        return
    called = event.kind == "call" and contact.scheme == "phone" and not contact.verified
    customers.add_address(
        tx,
        customer_id,
        scheme=contact.scheme,
        account=account,
        external_id=contact.external_id,
        name=name,
        verified=verified,
        proof=contact.proof if verified else None,
        evidence=CALLED if called else contact.evidence,
        is_account=verified and contact.scheme not in identity.SHARED_SCHEMES,
    )


def _doubted(tx: Transaction, channel: ChannelFacts, event: InboundEvent) -> Author:
    """Somebody writes under an address that is another person's, and the channel itself does not believe
    it: he gets a card of his own, which nobody can answer until an operator says who he is."""
    sender = event.sender
    name = (sender.name or "").strip()
    claimant = customers.claimant(tx, channel.scheme, channel.account, sender.external_id, DOUBTED)
    if claimant is not None:
        customers.heard_from(tx, claimant.address_id, name)
        return Author(claimant.customer_id, claimant.address_id, name)
    customer_id = customers.create(tx, name or sender.external_id)
    address_id = customers.add_address(
        tx,
        customer_id,
        scheme=channel.scheme,
        account=channel.account,
        external_id=sender.external_id,
        name=name,
        verified=False,
        evidence=DOUBTED,
    )
    return Author(customer_id, address_id, name)


def _name_from(external_id: str, contacts: Sequence[Contact]) -> str:
    for contact in contacts:
        return contact.external_id
    return external_id
