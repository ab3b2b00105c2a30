"""Where an inbound message goes. Pure; the reason is stored with the message and shown."""

from __future__ import annotations

import re

import msgspec

from server.protocol import State

# What mail programs put before a subject, in whatever language: "Re:", "AW:", "Fwd:", "Отв:", "Re[2]:".
_PREFIX = re.compile(
    r"^\s*(?:re|aw|sv|vs|antw|odp|ynt|rif|res|отв|ответ|на|fwd?|wg|tr|rv|enc|пересл|fyi)\s*"
    r"(?:\[\d+\]|\(\d+\))?\s*[::]\s*",
    re.IGNORECASE,
)
_TOKEN = re.compile(r"\[#\d+-[a-z2-7]+\]", re.IGNORECASE)


class Candidate(msgspec.Struct, frozen=True):
    conversation_id: int
    state: State
    closed_at: int | None
    why: str


class Suggestion(msgspec.Struct, frozen=True):
    """A conversation to which the message may belong; joined by an operator or not at all."""

    conversation_id: int
    why: str


class Placement(msgspec.Struct, frozen=True):
    """`conversation_id` None: a new conversation, which `suggestion` may be part of."""

    conversation_id: int | None
    reason: str
    suggestion: Suggestion | None = None


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


def plain_subject(subject: str | None) -> str:
    """The subject as it is compared, without prefixes and our own tokens: "RE: Fwd: Order" → "order"."""
    text = _TOKEN.sub(" ", subject or "")[:500]
    while (match := _PREFIX.match(text)) is not None:
        text = text[match.end() :]
    return " ".join(text.casefold().split())
