"""What a colleague or a rule notes of a conversation, and what it says of where the work stopped.

Inside `fn(tx)` only.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec.structs import replace

from server.cases.refused import RefusedError
from server.protocol import CaseCommand, OperatorInfo, ReplyWay, Stopped
from server.store import cases, conversations
from server.store.conversations import PRIORITIES, Held
from server.store.transaction import Snapshot, Transaction

NOTED = ("topic", "summary", "next_step", "due_at", "tags")
TAGS_MAX = 30
WANTS_MAX = 300  # characters of a first message: a line or two
URGENT = PRIORITIES.index("urgent")


def change(tx: Transaction, conversation_id: int, operator: OperatorInfo, command: CaseCommand) -> None:
    """Note what is given; what is not stays. Raises NotFoundError, RefusedError."""
    conversation = conversations.held(tx, conversation_id)
    conversation_id = conversation.id  # it may go on in another one
    before = cases.facts(tx, conversation_id)
    new = before
    if command.topic is not None:
        if conversation.life.state == "closed":
            raise RefusedError("the conversation is closed", "reopen it to change topic or result")
        new = replace(new, topic=command.topic.strip())
    if command.summary is not None:
        new = replace(new, summary=command.summary.strip())
    if command.next_step is not None:
        new = replace(new, next_step=command.next_step.strip())
    if command.due_at is not None:
        if command.due_at < 0:
            raise RefusedError("a promise has no such time", "give a time, or 0 for none")
        due_at = command.due_at or None
        new = replace(new, due_at=due_at, due=due_at is not None and due_at <= tx.now)
    if command.tags is not None:
        tags = sorted(set(command.tags))
        if len(tags) > TAGS_MAX:
            raise RefusedError(f"a conversation has at most {TAGS_MAX} tags", "leave some out")
        new = replace(new, tags=tuple(tags))
    fields = [name for name in NOTED if getattr(before, name) != getattr(new, name)]
    if command.priority is not None:
        chosen = PRIORITIES.index(command.priority)
        if chosen != conversation.priority or conversation.priority_why:
            fields.append("priority")
        # To choose what is so already makes it the operator's own choice all the same.
        if chosen != conversation.priority or conversation.priority_by is None:
            cases.save_priority(tx, conversation_id, chosen, operator_id=operator.id)
    if not fields:
        return
    cases.save_facts(tx, conversation_id, new)
    if "tags" in fields:
        cases.save_tags(tx, conversation_id, new.tags, operator.id)
    cases.acted(tx, conversation_id, "changed", operator.id)
    data: dict[str, Any] = {"fields": fields}
    if "priority" in fields:
        data["priority"] = command.priority
    _tell(tx, conversation, data, operator.id)


def raise_priority(tx: Transaction, conversation_id: int, word: str) -> None:
    """The customer wrote a word of the rules. What an operator chose stays as he chose it."""
    conversation = conversations.held(tx, conversation_id)
    if conversation.priority_by is not None or conversation.priority == URGENT:
        return
    cases.save_priority(tx, conversation.id, URGENT, why=f"urgent word: {word}")
    _tell(tx, conversation, {"fields": ["priority"], "priority": "urgent", "by": "rule"}, None)


def add_topics(tx: Transaction, conversation_id: int, tags: list[str]) -> None:
    """The customer wrote words of the rules: it is about this too. What is there already, stays."""
    conversation = conversations.held(tx, conversation_id)
    known = cases.facts(tx, conversation.id).tags
    new = [tag for tag in tags if tag not in known]
    if new and len(known) + len(new) <= TAGS_MAX:
        cases.add_tags(tx, conversation.id, new)
        _tell(tx, conversation, {"fields": ["tags"], "by": "rule"}, None)


def tell_due(tx: Transaction) -> int:
    """Tell everybody of promises whose time has come; how many. Nothing else moves by it."""
    found = cases.come_due(tx, tx.now)
    for promised in found:
        seq = tx.emit(
            "conversation.changed",
            conversation_id=promised.conversation_id,
            customer_id=promised.customer_id,
            data={"fields": ["due"]},
        )
        cases.mark_due(tx, promised.conversation_id, seq)
    return len(found)


def knowing(ways: Iterable[ReplyWay]) -> ReplyWay | None:
    """The way that shows for longest who the customer is; None where nothing ever did."""
    shown = [(way.known_until, way) for way in ways if way.known_until is not None]
    return max(shown, key=lambda one: one[0])[1] if shown else None


def stopped(tx: Snapshot, conversation_id: int, ways: list[ReplyWay]) -> Stopped:
    """Where the conversation stopped; the conversation must exist."""
    found = cases.last(tx, conversation_id)
    known = knowing(ways)
    return Stopped(
        wants=found.summary or conversations.beginning_of(found.first_text, WANTS_MAX),
        wants_from="summary" if found.summary else "message" if found.first_text else "",
        wants_at=found.first_at,
        acted=found.acted,
        acted_by=found.acted_by,
        acted_at=found.acted_at,
        known_by="" if known is None else known.channel_title,
        known_until=None if known is None else known.known_until,
    )


def _tell(tx: Transaction, conversation: Held, data: dict[str, Any], operator_id: int | None) -> None:
    seq = tx.emit(
        "conversation.changed",
        conversation_id=conversation.id,
        customer_id=conversation.customer_id,
        operator_id=operator_id,
        data=data,
    )
    conversations.touch(tx, conversation.id, seq)
