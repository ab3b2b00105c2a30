"""Where an inbound message goes. Pure; the reason is stored with the message and shown."""

from __future__ import annotations

import msgspec

from server.protocol import State


class Candidate(msgspec.Struct, frozen=True):
    conversation_id: int
    state: State
    closed_at: int | None
    why: str


class Placement(msgspec.Struct, frozen=True):
    """`conversation_id` None: a new conversation."""

    conversation_id: int | None
    reason: str


Found = Candidate | None


def place(
    *,
    by_reference: Found,
    by_thread: Found,
    active: Found,
    lately_closed: Found,
    reopen_after: int,
    automatic: bool,
) -> Placement:
    """Its thread's conversation, the customer's active one, one closed after `reopen_after`, a new one.

    A message that answers one of ours by reference belongs there however old that is. Automatic mail
    follows a reference and otherwise gets a conversation of its own: it must not ride along with, or
    reopen, what the customer and we are talking about.
    """
    if by_reference is not None:
        return Placement(by_reference.conversation_id, by_reference.why)
    if automatic:
        return Placement(None, "automatic message")
    if by_thread is not None and (by_thread.state != "closed" or _recent(by_thread, reopen_after)):
        return Placement(by_thread.conversation_id, by_thread.why)
    if active is not None:
        return Placement(active.conversation_id, active.why)
    if lately_closed is not None and _recent(lately_closed, reopen_after):
        return Placement(lately_closed.conversation_id, lately_closed.why)
    return Placement(None, "new conversation")


def _recent(candidate: Candidate, reopen_after: int) -> bool:
    return candidate.closed_at is not None and candidate.closed_at >= reopen_after
