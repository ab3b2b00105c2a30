"""Accounts, and the one question whether somebody may."""

from __future__ import annotations

from collections.abc import Set
from typing import TYPE_CHECKING, Literal

from server.protocol import OperatorInfo, Role, Scope

if TYPE_CHECKING:
    from server.store.transaction import Event

# look: see what one is shown, which may be only what was shared with one. remark: write notes there.
# read: see everything. curate: change what everybody works with.
Action = Literal["look", "remark", "read", "write", "curate", "administer"]

# Events that concern only the operator whom they name: who caused them, or was called.
PRIVATE_KINDS = frozenset(
    {"conversation.seen", "draft.saved", "mention.added", "mention.seen", "share.ended"}
)

_LOOK: frozenset[Action] = frozenset({"look"})
_READ: frozenset[Action] = _LOOK | {"read"}
_WRITE: frozenset[Action] = _READ | {"remark", "write"}

_ALLOWED: dict[Role, frozenset[Action]] = {
    "admin": _WRITE | {"curate", "administer"},
    "lead": _WRITE | {"curate"},
    "operator": _WRITE,
    "reader": _READ,
    "collaborator": _LOOK | {"remark"},
}


# What a token may do at most. Whoever comes without one, by the socket, is limited by the role alone.
_WITHIN: dict[Scope, frozenset[Action]] = {
    "admin": _WRITE | {"curate", "administer"},
    "write": _WRITE | {"curate"},
    "read": _READ,
}

# What is said and done in conversations: of these alone does somebody hear who sees only what was shared.
_IN_CONVERSATIONS = ("conversation.", "message.", "note.", "contact.", "mention.", "draft.")


def sees_everything(operator: OperatorInfo) -> bool:
    return "read" in _ALLOWED[operator.role]


def limited_to(operator: OperatorInfo) -> int | None:
    """None: everything may be shown to him. Else his number: only what was shared with it."""
    return None if sees_everything(operator) else operator.id


def authorise(
    operator: OperatorInfo,
    action: Action,
    event: Event | None = None,
    *,
    scope: Scope = "admin",
    shared_with: Set[int] = frozenset(),
) -> bool:
    """Decides for lists, search, commands and the event stream alike. A scope never widens a role.

    `shared_with`: the operators with whom the event's conversation was shared.
    """
    if operator.disabled or action not in _ALLOWED[operator.role] & _WITHIN[scope]:
        return False
    if event is None:
        return True
    if event.kind in PRIVATE_KINDS and event.operator_id != operator.id:
        return False
    if sees_everything(operator) or event.kind == "share.ended":
        return True
    return operator.id in shared_with and event.kind.startswith(_IN_CONVERSATIONS)
