"""Accounts, and the one question whether somebody may."""

from __future__ import annotations

from typing import Literal

from server.protocol import OperatorInfo, Scope
from server.store.transaction import Event

Action = Literal["read", "write", "curate", "administer"]  # curate: what everybody works with

# Events that concern only the operator whom they name: who caused them, or was called.
PRIVATE_KINDS = frozenset({"conversation.seen", "draft.saved", "mention.added", "mention.seen"})

_ALLOWED: dict[str, frozenset[Action]] = {
    "admin": frozenset({"read", "write", "curate", "administer"}),
    "lead": frozenset({"read", "write", "curate"}),
    "operator": frozenset({"read", "write"}),
    "reader": frozenset({"read"}),
}


# What a token may do at most. Whoever comes without one, by the socket, is limited by the role alone.
_WITHIN: dict[Scope, frozenset[Action]] = {
    "admin": frozenset({"read", "write", "curate", "administer"}),
    "write": frozenset({"read", "write", "curate"}),
    "read": frozenset({"read"}),
}


def authorise(
    operator: OperatorInfo, action: Action, event: Event | None = None, *, scope: Scope = "admin"
) -> bool:
    """Decides for lists, search, commands and the event stream alike. A scope never widens a role."""
    if operator.disabled or action not in _ALLOWED[operator.role] & _WITHIN[scope]:
        return False
    return event is None or event.kind not in PRIVATE_KINDS or event.operator_id == operator.id
