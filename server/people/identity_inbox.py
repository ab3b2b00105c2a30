"""The identity inbox: an operator says whether two cards are one person. Inside `fn(tx)` only."""

from __future__ import annotations

from server.cases.refused import RefusedError
from server.people import merging
from server.protocol import Merged, OperatorInfo
from server.store import suggestions
from server.store.suggestions import Pair
from server.store.transaction import Transaction


def accept(tx: Transaction, suggestion_id: int, operator: OperatorInfo) -> Merged:
    """The two are one: the older card stays. Raises NotFoundError, RefusedError."""
    pair = _open(tx, suggestion_id)
    kinds = ", ".join(dict.fromkeys(why.kind for why in pair.reasons))
    merge_id = merging.merge(tx, pair.other, pair.one, f"suggested by {kinds}", operator.id)
    suggestions.accepted(tx, pair, merge_id, operator.id)
    return Merged(merge_id=merge_id, customer_id=pair.one)


def refuse(tx: Transaction, suggestion_id: int, operator: OperatorInfo) -> Pair:
    """The two are two, and nobody is asked again. Raises NotFoundError, RefusedError."""
    pair = suggestions.one(tx, suggestion_id)
    if pair.state == "refused":
        return pair
    suggestions.refused(tx, _open(tx, suggestion_id), operator.id)
    return suggestions.one(tx, suggestion_id)


def reopen(tx: Transaction, suggestion_id: int, operator: OperatorInfo) -> Pair:
    """Take a refusal back. Raises NotFoundError, RefusedError."""
    pair = suggestions.one(tx, suggestion_id)
    if pair.state == "accepted" or pair.one == pair.other:
        raise RefusedError("the two are one card", "take the merge back instead")
    if pair.state == "refused":
        suggestions.reopened(tx, pair, operator.id)
    return suggestions.one(tx, suggestion_id)


def _open(tx: Transaction, suggestion_id: int) -> Pair:
    pair = suggestions.one(tx, suggestion_id)
    if pair.state != "open":
        raise RefusedError(f"this was {pair.state} already", "look at the inbox again")
    if pair.one == pair.other:
        raise RefusedError("the two have become one card meanwhile", "look at the inbox again")
    return pair
