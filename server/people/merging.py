"""Two cards become one person, and two persons again. Inside `fn(tx)` only."""

from __future__ import annotations

from typing import Any

from server.cases.refused import RefusedError
from server.cases.regrouping import part_with, undo
from server.protocol import Unmerged
from server.store import conversations, customers, merges, regroupings, suggestions
from server.store.conversations import NotFoundError
from server.store.merges import Merge
from server.store.transaction import Transaction


def tell_of_change(
    tx: Transaction, customer_id: int, data: dict[str, Any], operator_id: int | None = None
) -> None:
    """Every conversation of the person shows another name or card from now on."""
    tx.emit("customer.changed", customer_id=customer_id, operator_id=operator_id, data=data)
    for conversation_id in conversations.ids_of_customer(tx, customer_id):
        seq = tx.emit(
            "customer.changed",
            customer_id=customer_id,
            conversation_id=conversation_id,
            operator_id=operator_id,
            data=data,
        )
        conversations.touch(tx, conversation_id, seq)


def merge(tx: Transaction, source: int, target: int, evidence: str, operator_id: int | None = None) -> int:
    """Make the card `source` part of `target`; the id of the journal row that can take it back.

    Either may be part of another already: then it is that one. Raises RefusedError where both are one.
    """
    source, target = _today(tx, source), _today(tx, target)
    if source == target:
        raise RefusedError("this is one card already", "look at its addresses")
    name = customers.name_of(tx, source)
    # Somebody who was only known by an address gets the first name that we learn.
    renamed = bool(name) and not customers.name_of(tx, target)
    tx.emit("customer.merged", customer_id=target, operator_id=operator_id, data={"from": source})
    merge_id = merges.write_down(
        tx, source, target, evidence=evidence, operator_id=operator_id, renamed=renamed
    )
    merges.take_into(tx, source, target)
    if renamed:
        customers.rename(tx, target, name)
    tell_of_change(tx, target, {"fields": ["merged"], "from": source}, operator_id)
    return merge_id


def merge_by_hand(tx: Transaction, one: int, other: int, reason: str, operator_id: int) -> tuple[int, int]:
    """A colleague knows that two cards are one person: (merge id, the card that stays, the older one)."""
    cards = sorted((_today(tx, one), _today(tx, other)))
    return merge(tx, cards[1], cards[0], reason.strip(), operator_id), cards[0]


def unmerge(tx: Transaction, merge_id: int, operator_id: int | None = None) -> Unmerged:
    """Take a merge back: the card has again what was its own, and what its addresses brought since.

    What was said since in a conversation of the other card becomes a conversation of its own, and where
    conversations of the two were joined, what was joined and split since then is taken back: nobody's words
    stay in somebody else's history. Raises NotFoundError, RefusedError.
    """
    found = merges.one(tx, merge_id)
    if found.undone:
        raise RefusedError("this merge was taken back already", "look at the card's merges")
    parts = merges.part_of(tx, found.source)
    for regrouping_id in regroupings.mixed_since(tx, merges.root_of(tx, found.source), parts, found.at):
        undo(tx, regrouping_id, operator_id)
    whole, part, returned = merges.take_out(tx, found, operator_id)
    suggestions.merge_undone(tx, merge_id, operator_id)
    if found.renamed:
        _give_name_back(tx, found)
    tx.emit(
        "customer.unmerged",
        customer_id=whole,
        operator_id=operator_id,
        data={"restored": part, "merge": merge_id},
    )
    made = [
        (owner, part_with(tx, conversation_id, owner, messages, operator_id))
        for conversation_id, owner, messages in merges.strays(tx, whole, part)
    ]
    for customer_id in (whole, part):
        tell_of_change(tx, customer_id, {"fields": ["unmerged"]}, operator_id)
    mine = [conversation_id for owner, conversation_id in made if owner == part]
    return Unmerged(customer_id=whole, restored_id=part, conversations=returned + mine)


def _today(tx: Transaction, customer_id: int) -> int:
    root = merges.root_of(tx, customer_id)
    if not root:
        raise NotFoundError("customer", customer_id)
    return root


def _give_name_back(tx: Transaction, found: Merge) -> None:
    """The card was called by an address before it took the other's name; unless it was renamed since."""
    if customers.full_name(tx, found.target) == customers.full_name(tx, found.source):
        address = customers.first_address(tx, found.target)
        if address:
            customers.rename(tx, found.target, address)
