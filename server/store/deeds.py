"""What operators did with conversations: how each was before, and after it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from server.lifecycle import Lifecycle
from server.queue.silence import Kept
from server.store import conversations, silences
from server.store.transaction import Snapshot, Transaction

ACTED = ("acted", "acted_by", "acted_at")
# Changed without moving the conversation, too: by a note, or by a word that a rule finds urgent.
BESIDE = (*ACTED, "priority", "priority_why", "priority_by")
# What goes with a conversation's life: whose it is and how he came to it, how often, and who did what last.
_REST = (
    "team",
    "assigned_why",
    "assigned_seq",
    "given_from",
    "decline_until",
    "given_transfer",
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
        operator_id=row["operator_id"],
        before=msgspec.json.decode(row["before"], type=Condition),
        after=msgspec.json.decode(row["after"], type=Condition),
    )


def put_back(tx: Transaction, conversation_id: int, life: Lifecycle, deed: Deed, seq: int) -> None:
    """`life` is what it was before the deed. Of the rest, what somebody changed since stays."""
    now = condition(tx, conversation_id).rest
    conversations.save_life(tx, conversation_id, life, seq)
    _put(tx, conversation_id, deed, now, deed.before.rest)
    if life.state == "waiting":
        # Or what was announced to the customer would be announced once more.
        silences.keep(tx, conversation_id, deed.before.silence)


def put_back_acted(tx: Transaction, conversation_id: int, deed: Deed) -> None:
    """Who did what last; the conversation itself was moved since."""
    names = [name for name in ACTED if name in deed.before.rest]
    _put(tx, conversation_id, deed, condition(tx, conversation_id).rest, names)


def _put(
    tx: Transaction, conversation_id: int, deed: Deed, now: dict[str, int | str | None], names: Iterable[str]
) -> None:
    before, after = deed.before.rest, deed.after.rest
    rest = {name: before[name] for name in names if now[name] == after[name]}
    if rest:
        tx.run(
            f"UPDATE conversation SET {', '.join(f'{name} = :{name}' for name in rest)} WHERE id = :id",
            {**rest, "id": conversation_id},
        )


def forget_after(tx: Transaction, seq: int) -> None:
    """It was taken back: who does the same later does another deed."""
    tx.run("UPDATE deed SET after = before WHERE seq = ?", (seq,))


def forget_before(tx: Transaction, at: int) -> None:
    tx.run("DELETE FROM deed WHERE at < ?", (at,))
