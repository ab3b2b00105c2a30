"""Conversations taken apart and put together, each undoable. Inside `fn(tx)` only.

A conversation that was joined into another has no messages and is in no list; whatever names it (a thread,
a reference in a mail, a link) means the one in which it goes on.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

from server.cases.refused import RefusedError
from server.lifecycle import Lifecycle
from server.protocol import Regrouped, SplitCommand
from server.store import cases, conversations, regroupings
from server.store.conversations import NORMAL, Held
from server.store.transaction import Transaction


def split(tx: Transaction, conversation_id: int, command: SplitCommand, operator_id: int) -> Regrouped:
    """Give messages a conversation of their own. Raises RefusedError, NotFoundError."""
    source = conversations.held(tx, conversation_id)
    chosen = regroupings.present(tx, source.id, command.message_ids)
    if len(chosen) != len(set(command.message_ids)):
        raise RefusedError("a message to split off is not in this conversation", "choose the messages again")
    if not set(regroupings.message_ids(tx, source.id)) - set(chosen):
        raise RefusedError("nothing would be left of this conversation", "choose fewer messages")
    made, rest = _split(tx, source, source.customer_id, chosen, command.subject.strip() or None, operator_id)
    moved = {"before": _numbers(source.life), "after": _numbers(rest)}
    regrouping_id = regroupings.write_down(tx, "split", source.id, made, moved, operator_id)
    return Regrouped(regrouping_id=regrouping_id, conversation_id=made)


def part_with(
    tx: Transaction, conversation_id: int, owner: int, messages: list[int], operator_id: int | None
) -> int:
    """After two persons were told apart: what one of them said in the other's conversation is his own; the
    conversation where it is now."""
    source = conversations.held(tx, conversation_id)
    if set(regroupings.message_ids(tx, source.id)) <= set(messages):
        conversations.give(tx, source.id, owner)
        _tell(tx, source.id, owner, operator_id, [source.id])
        return source.id
    made, _ = _split(tx, source, owner, messages, source.subject, operator_id)
    return made


def _split(
    tx: Transaction,
    source: Held,
    owner: int,
    messages: list[int],
    subject: str | None,
    operator_id: int | None,
) -> tuple[int, Lifecycle]:
    """(the conversation made, how the one it was part of is now)"""
    before = source.life
    made = conversations.create(tx, owner, before, subject)
    regroupings.move_messages(tx, messages, made)
    regroupings.keep_card(tx, source.id, made)
    regroupings.move_threads(tx, source.id, made, of_messages=True)
    since = regroupings.unanswered_since(tx, made)
    rest = before
    if before.state == "open" and regroupings.unanswered_since(tx, source.id) is None and since is not None:
        rest = replace(before, state="waiting", waiting_since=None, sort_at=tx.now)
    both = [source.id, made]
    _renew(tx, source.id, source.customer_id, rest, operator_id, both)
    _renew(tx, made, owner, _after_split(before, since, tx.now), operator_id, both)
    return made, rest


def _after_split(life: Lifecycle, since: int | None, now: int) -> Lifecycle:
    if since is not None:
        return Lifecycle(state="open", assignee_id=life.assignee_id, waiting_since=since, sort_at=since)
    if life.state == "closed":
        return life
    return Lifecycle(state="waiting", assignee_id=life.assignee_id, sort_at=now)


def join(tx: Transaction, conversation_id: int, other_id: int, operator_id: int) -> Regrouped:
    """The other conversation goes on in this one. Raises RefusedError, NotFoundError."""
    target, source = conversations.held(tx, conversation_id), conversations.held(tx, other_id)
    if source.id == target.id:
        raise RefusedError("this is one conversation already", "choose another one")
    if source.customer_id != target.customer_id:
        raise RefusedError("the conversations are of different people", "bring their cards together first")
    for held in (source, target):
        if held.life.state == "closed":
            raise RefusedError("one of the conversations is closed", "reopen it first")
    life = _joined(target.life, source.life)
    raised = target.priority_by is None and source.priority < target.priority
    if raised:
        cases.save_priority(
            tx, target.id, source.priority, why=source.priority_why, operator_id=source.priority_by
        )
    moved: dict[str, Any] = {
        "messages": regroupings.message_ids(tx, source.id),
        "threads": regroupings.move_threads(tx, source.id, target.id, of_messages=False),
        "drafts": regroupings.move_drafts(tx, source.id, target.id),
        "tags": regroupings.add_tags(tx, source.id, target.id),
        "source": _numbers(source.life),
        "before": _numbers(target.life),
        "after": _numbers(life),
        "raised": source.priority if raised else None,
    }
    regrouping_id = regroupings.write_down(tx, "join", source.id, target.id, moved, operator_id)
    regroupings.move_messages(tx, moved["messages"], target.id)
    regroupings.join_into(tx, source.id, target.id)
    gone = Lifecycle(state="closed", assignee_id=source.life.assignee_id, sort_at=tx.now, closed_at=tx.now)
    both = [source.id, target.id]
    _renew(tx, source.id, source.customer_id, gone, operator_id, both)
    _renew(tx, target.id, target.customer_id, life, operator_id, both)
    return Regrouped(regrouping_id=regrouping_id, conversation_id=target.id)


def _joined(one: Lifecycle, other: Lifecycle) -> Lifecycle:
    """Whoever waits in either waits now, and since the earlier of the two."""
    assignee = one.assignee_id if one.assignee_id is not None else other.assignee_id
    waits = [life.waiting_since for life in (one, other) if life.waiting_since is not None]
    if "open" in (one.state, other.state):
        sort_at = min(life.sort_at for life in (one, other) if life.state == "open")
        since = min(waits) if waits else None
        return Lifecycle(state="open", assignee_id=assignee, waiting_since=since, sort_at=sort_at)
    life = one if one.state == "waiting" or other.state == "snoozed" else other
    return replace(life, assignee_id=assignee)


def undo(tx: Transaction, regrouping_id: int, operator_id: int | None) -> Regrouped:
    """Take a split or a join back. Raises RefusedError, NotFoundError."""
    found = regroupings.one(tx, regrouping_id)
    if found.undone:
        raise RefusedError("this was taken back already", "look at the conversation as it is")
    if regroupings.later(tx, found.id) is not None:
        raise RefusedError(
            "one of the two was split or joined again since", "take back what was done last, first"
        )
    if found.kind == "split":
        _undo_split(tx, found, operator_id)
    else:
        _undo_join(tx, found, operator_id)
    regroupings.mark_undone(tx, regrouping_id, operator_id)
    return Regrouped(regrouping_id=regrouping_id, conversation_id=found.source)


def _undo_split(tx: Transaction, found: regroupings.Regrouped, operator_id: int | None) -> None:
    whole, part = conversations.held(tx, found.source), conversations.held(tx, found.target)
    if whole.customer_id != part.customer_id:
        raise RefusedError(
            "the two are conversations of different people now", "bring their cards together first"
        )
    regroupings.move_messages(tx, regroupings.message_ids(tx, part.id), whole.id)
    regroupings.move_threads(tx, part.id, whole.id, of_messages=False)
    regroupings.move_drafts(tx, part.id, whole.id)
    regroupings.add_tags(tx, part.id, whole.id)
    regroupings.join_into(tx, part.id, whole.id)
    life = _life_back(whole.life, found.moved)
    if part.life.state == "open":
        life = _joined(life, part.life) if life.state != "closed" else part.life
    if life.state != "closed" and regroupings.unanswered_since(tx, whole.id) is None and life.state == "open":
        life = _life_back(whole.life, found.moved)
    gone = Lifecycle(state="closed", assignee_id=part.life.assignee_id, sort_at=tx.now, closed_at=tx.now)
    both = [whole.id, part.id]
    _renew(tx, part.id, part.customer_id, gone, operator_id, both)
    _renew(tx, whole.id, whole.customer_id, life, operator_id, both)


def _undo_join(tx: Transaction, found: regroupings.Regrouped, operator_id: int | None) -> None:
    whole = conversations.held(tx, found.target)
    ids = regroupings.present(tx, whole.id, found.moved["messages"])
    regroupings.join_into(tx, found.source, None)
    regroupings.move_messages(tx, ids, found.source)
    regroupings.lead_threads(tx, found.moved["threads"], whole.id, found.source)
    regroupings.lead_drafts(tx, found.moved["drafts"], whole.id, found.source)
    regroupings.remove_tags(tx, whole.id, found.moved["tags"])
    part = conversations.held(tx, found.source)
    life = _life_back(whole.life, found.moved)
    if found.moved.get("raised") == whole.priority and whole.priority_by == part.priority_by:
        # It had the priority that every conversation has: a choice or a rule's would not have been raised.
        cases.save_priority(tx, whole.id, NORMAL)
    both = [whole.id, part.id]
    _renew(tx, part.id, part.customer_id, _life(found.moved["source"]), operator_id, both)
    _renew(tx, whole.id, whole.customer_id, life, operator_id, both)


def _numbers(life: Lifecycle) -> dict[str, Any]:
    """A lifecycle without its words: the journal holds none."""
    numbers = msgspec.structs.asdict(replace(life, topic="", result=""))
    del numbers["closed_why"]
    return numbers


def _life(numbers: dict[str, Any]) -> Lifecycle:
    return msgspec.convert(numbers, Lifecycle)


def _life_back(now: Lifecycle, moved: dict[str, Any]) -> Lifecycle:
    """As it was before; unless something was done to it since, which then stays."""
    if _numbers(now) != moved["after"] or now.state == "closed":
        return now
    return _life(moved["before"])


def _renew(
    tx: Transaction,
    conversation_id: int,
    customer_id: int,
    life: Lifecycle,
    operator_id: int | None,
    both: list[int],
) -> None:
    seq = _tell(tx, conversation_id, customer_id, operator_id, both)
    conversations.save_life(tx, conversation_id, life, seq)
    regroupings.refresh(tx, conversation_id, seq)
    conversations.count_unsettled(tx, conversation_id)


def _tell(
    tx: Transaction, conversation_id: int, customer_id: int, operator_id: int | None, both: list[int]
) -> int:
    return tx.emit(
        "conversation.regrouped",
        conversation_id=conversation_id,
        customer_id=customer_id,
        operator_id=operator_id,
        data={"conversations": both},
    )
