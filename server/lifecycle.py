"""The states of a conversation and every legal move between them. Pure.

open: the ball is with us (unassigned: queued). waiting: the ball is with the customer. snoozed: until a
time, or until the customer writes. closed: with topic and result. The customer's silence moves nothing, until
a term is over that was announced to him.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from msgspec.structs import replace

from server.protocol import State

ARCHIVED = "imported"  # topic and result of what was brought in from an archive


class Lifecycle(msgspec.Struct, frozen=True, kw_only=True):
    state: State
    assignee_id: int | None = None
    waiting_since: int | None = None  # since when the customer waits for us
    sort_at: int = 0  # open: since when it waits for us; otherwise: since when it is as it is
    snooze_until: int | None = None
    closed_at: int | None = None
    topic: str = ""
    result: str = ""
    closed_why: str = ""  # "silence": nobody closed it


SILENCE = "silence"
UNDONE = "undone"  # why an event says that a conversation moved: whoever had moved it took that back


class IllegalMoveError(Exception):
    """The conversation's state does not allow this; `hint` says what does."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class TakenError(Exception):
    """Somebody else holds the conversation."""

    def __init__(self, holder_id: int | None) -> None:
        super().__init__("the conversation is held by somebody else")
        self.holder_id = holder_id


def opened(at: int) -> Lifecycle:
    """A conversation that begins with a customer's message at `at`."""
    return Lifecycle(state="open", waiting_since=at, sort_at=at)


def customer_wrote(now: Lifecycle, at: int, is_online: Callable[[int], bool]) -> Lifecycle:
    """Whatever it was, it is open again, and waits since the first unanswered message.

    Who had it keeps it; a closed one goes back to its operator only while he is there to see it.
    """
    assignee = now.assignee_id
    if now.state == "closed" and assignee is not None and not is_online(assignee):
        assignee = None
    since = now.waiting_since if now.state != "closed" and now.waiting_since is not None else at
    return Lifecycle(state="open", assignee_id=assignee, waiting_since=since, sort_at=since)


def replied(now: Lifecycle, operator_id: int, at: int) -> Lifecycle:
    """The ball is with the customer; an unassigned conversation becomes the replier's."""
    return Lifecycle(state="waiting", assignee_id=now.assignee_id or operator_id, sort_at=at)


def answered_elsewhere(now: Lifecycle, at: int) -> Lifecycle:
    """Our side answered outside of the console: the ball is with the customer, whoever holds it."""
    if now.state in ("closed", "waiting"):
        return now
    return Lifecycle(state="waiting", assignee_id=now.assignee_id, sort_at=at)


def begun_by_us(at: int, operator_id: int | None = None) -> Lifecycle:
    """A conversation that begins with a word of ours (of nobody: outside of the console)."""
    return Lifecycle(state="waiting", assignee_id=operator_id, sort_at=at)


def archived(at: int) -> Lifecycle:
    """A conversation of the past, which ended before it was brought here."""
    return Lifecycle(state="closed", sort_at=at, closed_at=at, topic=ARCHIVED, result=ARCHIVED)


def reply_failed(now: Lifecycle, at: int) -> Lifecycle:
    """The customer did not get (or may not have got) our answer: the ball is with us again.

    What was closed on the strength of it is nobody's then: whoever closed it may look there no more. What was
    put away while the ball was with the customer is awake.
    """
    if now.state == "closed":
        return Lifecycle(state="open", waiting_since=at, sort_at=at)
    if now.state == "open" or now.waiting_since is not None:
        return now
    return replace(now, state="open", waiting_since=at, sort_at=at, snooze_until=None)


def reply_withdrawn(now: Lifecycle, before: Lifecycle, after: Lifecycle, at: int) -> Lifecycle:
    """Our answer, which made `after` of `before`, was taken back and never left: as it would be without it.

    Whoever was given it since keeps it, and what was put away sleeps on. What was closed since is open: it
    was closed on the strength of that answer. What the answer itself had opened again stays open: its ending
    is in the history already.
    """
    if now.state in ("open", "snoozed"):
        if before.state == "closed" or before.waiting_since is None:
            return now
        since = min(before.waiting_since, now.waiting_since or before.waiting_since)
        return replace(now, waiting_since=since, sort_at=since if now.state == "open" else now.sort_at)
    if now.state == "closed" and before.state == "waiting":
        return now  # nothing was owed
    if before.state == "closed":
        return Lifecycle(state="open", assignee_id=now.assignee_id, waiting_since=at, sort_at=at)
    moved = now.assignee_id != after.assignee_id
    return replace(before, assignee_id=now.assignee_id if moved else before.assignee_id)


def reply_arrived(now: Lifecycle, at: int) -> Lifecycle:
    """A doubtful reply is settled and the customer has not written since: the ball is with him."""
    if now.state != "open":
        return now
    return replace(now, state="waiting", waiting_since=None, sort_at=at)


def claim(now: Lifecycle, operator_id: int, expect: int | None) -> Lifecycle:
    """Take the conversation, if it is held by whom the caller saw. Raises TakenError, IllegalMoveError."""
    if now.state == "closed":
        raise IllegalMoveError("the conversation is closed", "reopen it first")
    if now.assignee_id == operator_id:
        return now
    if now.assignee_id != expect:
        raise TakenError(now.assignee_id)
    return replace(now, assignee_id=operator_id)


def assign(now: Lifecycle, operator_id: int) -> Lifecycle:
    if now.state == "closed":
        raise IllegalMoveError("the conversation is closed", "reopen it first")
    return replace(now, assignee_id=operator_id)


def release(now: Lifecycle) -> Lifecycle:
    if now.state == "closed":
        raise IllegalMoveError("the conversation is closed", "reopen it first")
    return replace(now, assignee_id=None)


def close(now: Lifecycle, topic: str, result: str, at: int) -> Lifecycle:
    """Raises IllegalMoveError without a topic and a result: later readers live on them."""
    if now.state == "closed":
        raise IllegalMoveError("the conversation is already closed", "reopen it to change topic or result")
    if not topic.strip() or not result.strip():
        raise IllegalMoveError("closing needs a topic and a result", "say in a few words what it was about")
    return Lifecycle(
        state="closed",
        assignee_id=now.assignee_id,
        sort_at=at,
        closed_at=at,
        topic=topic.strip(),
        result=result.strip(),
    )


def fall_silent(now: Lifecycle, topic: str, result: str, at: int) -> Lifecycle:
    """The customer did not come back within the term that he was told. Raises IllegalMoveError."""
    if now.state != "waiting":
        raise IllegalMoveError("the customer is not who is waited for", "answer first")
    return replace(close(now, topic, result, at), closed_why=SILENCE)


def reopen(now: Lifecycle, operator_id: int, at: int) -> Lifecycle:
    if now.state == "snoozed":
        raise IllegalMoveError("the conversation is not closed", "wake it")
    if now.state != "closed":
        raise IllegalMoveError("the conversation is not closed", "it can be answered as it is")
    return Lifecycle(state="open", assignee_id=operator_id, waiting_since=at, sort_at=at)


def snooze(now: Lifecycle, operator_id: int, until: int, at: int) -> Lifecycle:
    if now.state == "closed":
        raise IllegalMoveError("the conversation is closed", "reopen it first")
    if until <= at:
        raise IllegalMoveError("the time to wake is in the past", "give a later time")
    return replace(
        now,
        state="snoozed",
        assignee_id=now.assignee_id or operator_id,
        snooze_until=until,
        sort_at=until,
    )


def wake(now: Lifecycle, at: int) -> Lifecycle:
    """The snooze is over."""
    since = now.waiting_since if now.waiting_since is not None else at
    return replace(now, state="open", snooze_until=None, waiting_since=since, sort_at=since)


def wake_early(now: Lifecycle, at: int) -> Lifecycle:
    """Somebody ends the snooze before its time: whoever had the ball has it again."""
    if now.state == "closed":
        raise IllegalMoveError("the conversation is not snoozed", "reopen it first")
    if now.state != "snoozed":
        raise IllegalMoveError("the conversation is not snoozed", "it can be answered as it is")
    if now.waiting_since is not None:
        return wake(now, at)
    return replace(now, state="waiting", snooze_until=None, sort_at=at)
