"""Whom a message names, and what became of each recipient of ours."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from channels.base import Correspondent, Fate
from server.protocol import Addressee, Recipient
from server.store.transaction import Snapshot, Transaction

# A report may come in any order, and twice: what is known for sure is not undone by what is less sure.
_FIRM = {"": 0, "retry": 1, "unknown": 2, "sent": 3, "delayed": 4, "delivered": 5, "failed": 6}


def add(tx: Transaction, message_id: int, named: Iterable[Correspondent | Recipient]) -> None:
    for place, one in enumerate(named):
        tx.run(
            "INSERT INTO recipient (message_id, role, address, name, place) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT DO NOTHING",
            (message_id, one.role, one.address, one.name, place),
        )


def of_messages(tx: Snapshot, ids: Iterable[int]) -> dict[int, list[Recipient]]:
    found: dict[int, list[Recipient]] = {}
    for row in tx.all(
        "SELECT * FROM recipient WHERE message_id IN (SELECT value FROM json_each(?))"
        " ORDER BY message_id, place",
        (msgspec.json.encode(list(ids)).decode(),),
    ):
        found.setdefault(row["message_id"], []).append(
            Recipient(
                role=row["role"],
                address=row["address"],
                name=row["name"],
                state=row["state"],
                detail=row["detail"],
            )
        )
    return found


def of_message(tx: Snapshot, message_id: int) -> list[Recipient]:
    return of_messages(tx, [message_id]).get(message_id, [])


def forget(tx: Transaction, message_id: int) -> None:
    tx.run("DELETE FROM recipient WHERE message_id = ?", (message_id,))


def settle(tx: Transaction, message_id: int, fates: Sequence[Fate]) -> None:
    """Write down what an attempt led to."""
    for fate in fates:
        tx.run(
            "UPDATE recipient SET state = ?, detail = ? WHERE message_id = ? AND address = ?"
            " AND state NOT IN ('delivered', 'sent')",
            (fate.state, fate.detail, message_id, fate.address),
        )


def settle_open(tx: Transaction, message_id: int, state: str, detail: str) -> None:
    """The same for every recipient whose fate is not known yet."""
    tx.run(
        "UPDATE recipient SET state = ?, detail = ? WHERE message_id = ? AND role != 'reply_to'"
        " AND state IN ('', 'retry', 'unknown')",
        (state, detail, message_id),
    )


def try_again(tx: Transaction, message_id: int) -> None:
    """An operator sends again: to those who surely or maybe did not get it, and to nobody else."""
    tx.run(
        "UPDATE recipient SET state = '', detail = '' WHERE message_id = ?"
        " AND state IN ('failed', 'unknown', 'retry')",
        (message_id,),
    )


def arrived(tx: Transaction, message_id: int) -> None:
    """An operator knows that everybody has it."""
    tx.run(
        "UPDATE recipient SET state = 'sent', detail = '' WHERE message_id = ? AND role != 'reply_to'"
        " AND state NOT IN ('sent', 'delivered')",
        (message_id,),
    )


def report(tx: Transaction, message_id: int, address: str, state: str, detail: str) -> bool:
    """What a mail system reports of one recipient; False where it changes nothing."""
    row = tx.first(
        "SELECT state, detail FROM recipient WHERE message_id = ? AND address = ? AND role != 'reply_to'",
        (message_id, address),
    )
    if row is None or _FIRM[state] < _FIRM[row["state"]] or (state, detail) == (row["state"], row["detail"]):
        return False
    tx.run(
        "UPDATE recipient SET state = ?, detail = ? WHERE message_id = ? AND address = ?",
        (state, detail, message_id, address),
    )
    return True


def known(tx: Snapshot, conversation_id: int, channel_id: str) -> dict[str, Addressee]:
    """Everybody who takes part in the conversation on this channel, the latest last.

    Whom the customer named, whom we wrote to, and the customer's own addresses from which he wrote; a
    stranger who wrote into it, and whom he named, is not among them.
    """
    found: dict[str, Addressee] = {}
    for row in tx.all(
        "SELECT r.address, r.name FROM recipient r JOIN message m ON m.id = r.message_id"
        " WHERE m.conversation_id = ? AND m.channel_id = ?"
        " AND (m.kind = 'out' OR (m.kind = 'in' AND m.stranger = 0 AND m.automatic = 0))"
        " ORDER BY m.id, r.place",
        (conversation_id, channel_id),
    ):
        name = row["name"] or (found[row["address"]].name if row["address"] in found else "")
        found[row["address"]] = Addressee(address=row["address"], name=name)
    for row in tx.all(
        "SELECT DISTINCT a.external_id, a.name FROM message m JOIN address a ON a.id = m.address_id"
        " WHERE m.conversation_id = ? AND m.channel_id = ? AND m.kind = 'in' AND m.stranger = 0"
        " AND m.automatic = 0",
        (conversation_id, channel_id),
    ):
        found[row["external_id"]] = Addressee(address=row["external_id"], name=row["name"])
    return found


def others_of_latest(tx: Snapshot, conversation_id: int, channel_id: str) -> list[Recipient]:
    """To and Cc of the conversation's latest message on the channel that a person who takes part wrote."""
    message_id = tx.value(
        "SELECT max(m.id) FROM message m WHERE m.conversation_id = ? AND m.channel_id = ?"
        " AND m.automatic = 0 AND ((m.kind = 'in' AND m.stranger = 0) OR"
        " (m.kind = 'out' AND m.visible_seq IS NOT NULL))",
        (conversation_id, channel_id),
    )
    if message_id is None:
        return []
    return [one for one in of_message(tx, int(message_id)) if one.role in ("to", "cc")]


def reply_addresses(tx: Snapshot, conversation_id: int, channel_id: str) -> set[str]:
    """Where the customer asked answers to go."""
    rows = tx.all(
        "SELECT DISTINCT r.address FROM recipient r JOIN message m ON m.id = r.message_id"
        " WHERE m.conversation_id = ? AND m.channel_id = ? AND m.kind = 'in' AND m.stranger = 0"
        " AND m.automatic = 0 AND r.role = 'reply_to'",
        (conversation_id, channel_id),
    )
    return {row["address"] for row in rows}


def is_named(tx: Snapshot, conversation_id: int, scheme: str, customer_id: int) -> bool:
    """Whether the customer or we named one of this person's addresses in the conversation."""
    return (
        tx.value(
            "SELECT 1 FROM address a JOIN recipient r ON r.address = a.external_id"
            " JOIN message m ON m.id = r.message_id WHERE a.customer_id = ? AND a.scheme = ?"
            " AND a.verified = 1 AND m.conversation_id = ? AND r.role != 'reply_to'"
            " AND (m.kind = 'out' OR (m.kind = 'in' AND m.stranger = 0 AND m.automatic = 0)) LIMIT 1",
            (customer_id, scheme, conversation_id),
        )
        is not None
    )
