"""Who wrote: the customer found, made, or brought together by proof. Inside `fn(tx)` only."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from channels.base import Contact, InboundEvent
from server import identity, merging
from server.store import customers
from server.store.transaction import Transaction


class ChannelFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What intake needs to know of a channel; `account` is '' where the address scheme is shared."""

    id: str
    scheme: str
    account: str
    begins_anew: bool = False


class Author(msgspec.Struct, frozen=True):
    customer_id: int
    address_id: int
    name: str


def _account(channel: ChannelFacts, scheme: str) -> str:
    """Addresses of the channel's own scheme live in its account; all other schemes are shared."""
    return channel.account if scheme == channel.scheme else ""


def recognise(tx: Transaction, channel: ChannelFacts, event: InboundEvent) -> Author:
    """The author of the event: found, made, or brought together by proof."""
    sender = event.sender
    own = customers.owner_of(tx, channel.scheme, channel.account, sender.external_id)
    proofs = []
    for contact in sender.contacts:
        if contact.verified:
            owner = customers.owner_of(
                tx, contact.scheme, _account(channel, contact.scheme), contact.external_id
            )
            proofs.append(identity.Proof(contact, owner.customer_id if owner else None))
    decision = identity.decide(own.customer_id if own else None, proofs)

    name = (sender.name or sender.username or "").strip()
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
    if own is None:
        address_id = customers.add_address(
            tx,
            customer_id,
            scheme=channel.scheme,
            account=channel.account,
            external_id=sender.external_id,
            name=name,
            verified=sender.reachable,
            evidence="writes from it" if sender.reachable else "unreadable",
        )
    else:
        address_id = own.address_id
    if news:
        customers.heard_from(tx, address_id, name)
    learned = [
        *decision.attach,
        *(msgspec.structs.replace(contact, verified=False) for contact in decision.claim),
        *(contact for contact in sender.contacts if not contact.verified),
    ]
    for contact in learned:
        customers.add_address(
            tx,
            customer_id,
            scheme=contact.scheme,
            account=_account(channel, contact.scheme),
            external_id=contact.external_id,
            name=name,
            verified=contact.verified,
            evidence=contact.evidence,
        )
    return Author(customer_id, address_id, name)


def _name_from(external_id: str, contacts: Sequence[Contact]) -> str:
    for contact in contacts:
        return contact.external_id
    return external_id
