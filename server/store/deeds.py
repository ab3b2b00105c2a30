"""What operators did with conversations: how each was before, and after it."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from server import lifecycle
from server.lifecycle import Lifecycle
from server.queue.silence import Kept
from server.store import conversations, silences
from server.store.transaction import Snapshot, Transaction

ACTED = ("acted", "acted_by", "acted_at")
# Changed without moving the conversation, too: by a note, or by a word that a rule finds urgent.
BESIDE = (*ACTED, "priority", "priority_why", "priority_by")
# How it came to whoever has it.
_GIVEN = ("assigned_why", "assigned_seq", "given_from", "decline_until", "given_transfer")
# What goes with a conversation's life: whose it is and how he came to it, how often, and who did what last.
_REST = (
    "team",
    *_GIVEN,
    "transfers",
    "reopened",
    "spell_from",
    *BESIDE,
)


class Condition(msgspec.Struct, frozen=True):
    """All that a deed changes of a conversation."""

    life: Lifecycle
    rest: dict[str, int | str | None]  # by column
    silence: Kept | None = None  # while it waited for the customer


class Deed(msgspec.Struct, frozen=True, kw_only=True):
    conversation_id: int
    operator_id: int
    before: Condition
    after: Condition


def condition(tx: Snapshot, conversation_id: int) -> Condition:
    """The conversation must exist."""
    [row] = tx.all(f"SELECT {', '.join(_REST)} FROM conversation WHERE id = ?", (conversation_id,))
    silent = silences.silent(tx, conversation_id)
    kept = silent.kept if silent is not None and silent.waits else None
    return Condition(conversations.held(tx, conversation_id).life, dict(row), kept)


def note(
    tx: Transaction, conversation_id: int, operator_id: int, before: Condition, after: Condition
) -> None:
    """Its number is the seq that the conversation has now."""
    tx.run(
        "INSERT INTO deed (seq, conversation_id, operator_id, at, before, after)"
        " SELECT seq, id, ?, ?, ?, ? FROM conversation WHERE id = ?",
        (
            operator_id,
            tx.now,
            msgspec.json.encode(before).decode(),
            msgspec.json.encode(after).decode(),
            conversation_id,
        ),
    )


def one(tx: Snapshot, conversation_id: int, seq: int) -> Deed | None:
    row = tx.first("SELECT * FROM deed WHERE seq = ? AND conversation_id = ?", (seq, conversation_id))
    if row is None:
        return None
    return Deed(
        conversation_id=conversation_id,
        operator_id=row["operator_id"],
        before=msgspec.json.decode(row["before"], type=Condition),
        after=msgspec.json.decode(row["after"], type=Condition),
    )


def without_reply(reply: Deed, now: Condition, at: int) -> Condition:
    """As it would be if the reply, taken back at `at`, had never been. Pure."""
    was, made = reply.before, reply.after
    life = lifecycle.reply_withdrawn(now.life, was.life, made.life, at)
    handed = was.life.assignee_id == life.assignee_id != now.life.assignee_id
    rest = now.rest | {
        name: was.rest[name]
        for name in (*ACTED, *(_GIVEN if handed else ()))
        if name in was.rest and now.rest[name] == made.rest[name]
    }
    ended = "closed" in (was.life.state, now.life.state)
    if ended and life.state != "closed" and rest["acted"] == "closed":
        rest |= {"acted": "reopened", "acted_by": reply.operator_id, "acted_at": at}
    return Condition(life, rest, now.silence if life == now.life else was.silence)


def put(tx: Transaction, conversation_id: int, condition: Condition, seq: int) -> None:
    """The conversation is like that from event `seq` on."""
    conversations.save_life(tx, conversation_id, condition.life, seq)
    columns = ", ".join(f"{name} = :{name}" for name in condition.rest)
    tx.run(f"UPDATE conversation SET {columns} WHERE id = :id", {**condition.rest, "id": conversation_id})
    if condition.life.state == "waiting":
        # Or what was announced to the customer would be announced once more.
        silences.keep(tx, conversation_id, condition.silence)


def put_back(tx: Transaction, conversation_id: int, life: Lifecycle, deed: Deed, seq: int) -> None:
    """`life` is what it was before the deed. Of the rest, what somebody changed since stays."""
    now = condition(tx, conversation_id).rest
    before, after = deed.before.rest, deed.after.rest
    rest = {name: before[name] if now[name] == after[name] else now[name] for name in before}
    put(tx, conversation_id, Condition(life, rest, deed.before.silence), seq)


def rewrite(
    tx: Transaction,
    conversation_id: int,
    since: int,
    until: int | None,
    change: Callable[[Condition], Condition],
) -> None:
    """What was done between two events (until None: to this day), as if something before had not been."""
    for row in tx.all(
        "SELECT seq, before, after FROM deed WHERE conversation_id = :id AND seq > :since"
        " AND (:until IS NULL OR seq < :until)",
        {"id": conversation_id, "since": since, "until": until},
    ):
        was, made = (change(msgspec.json.decode(row[name], type=Condition)) for name in ("before", "after"))
        tx.run(
            "UPDATE deed SET before = ?, after = ? WHERE seq = ?",
            (msgspec.json.encode(was).decode(), msgspec.json.encode(made).decode(), row["seq"]),
        )


def forget_after(tx: Transaction, seq: int) -> None:
    """It was taken back: who does the same later does another deed."""
    tx.run("UPDATE deed SET after = before WHERE seq = ?", (seq,))


def forget_before(tx: Transaction, at: int) -> None:
    tx.run("DELETE FROM deed WHERE at < ?", (at,))
