"""One-time codes at rest. The code itself is nowhere."""

from __future__ import annotations

import sqlite3

import msgspec

from server.people.codes import Kind
from server.store.conversations import NotFoundError
from server.store.transaction import Snapshot, Transaction


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """`address_id`: to which it was sent, and which it proves; None: a link that leads to the channel."""

    id: int
    kind: Kind
    digest: bytes
    nonce: bytes | None
    conversation_id: int
    channel_id: str
    address_id: int | None
    message_id: int | None
    expires_at: int
    tries_left: int
    ended: str  # "used", "tries" or "replaced"; "": not yet

    def is_live(self, now: int) -> bool:
        return self.ended == "" and self.nonce is not None and now < self.expires_at

    def why_over(self) -> str:
        return self.ended or "expired"


def _code(row: sqlite3.Row) -> Code:
    return Code(
        id=row["id"],
        kind=row["kind"],
        digest=row["digest"],
        nonce=row["nonce"],
        conversation_id=row["conversation_id"],
        channel_id=row["channel_id"],
        address_id=row["address_id"],
        message_id=row["message_id"],
        expires_at=row["expires_at"],
        tries_left=row["tries_left"],
        ended=row["ended"],
    )


def add(
    tx: Transaction,
    *,
    kind: Kind,
    digest: bytes,
    nonce: bytes,
    customer_id: int,
    conversation_id: int,
    channel_id: str,
    address_id: int | None,
    operator_id: int,
    expires_at: int,
    tries: int,
) -> int:
    """A new code; it replaces the conversation's earlier one for the same purpose."""
    tx.run(
        "UPDATE code SET ended = 'replaced', nonce = NULL WHERE conversation_id = ? AND kind = ?"
        " AND (kind = 'digits' OR channel_id = ?) AND used_at IS NULL AND ended = ''",
        (conversation_id, kind, channel_id),
    )
    return tx.insert(
        "INSERT INTO code (kind, digest, nonce, customer_id, conversation_id, channel_id, address_id,"
        " operator_id, created_at, expires_at, tries_left) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            kind,
            digest,
            nonce,
            customer_id,
            conversation_id,
            channel_id,
            address_id,
            operator_id,
            tx.now,
            expires_at,
            tries,
        ),
    )


def carried_by(tx: Transaction, code_id: int, message_id: int) -> None:
    tx.run("UPDATE code SET message_id = ? WHERE id = ?", (message_id, code_id))


def one(tx: Snapshot, code_id: int) -> Code:
    """Raises NotFoundError."""
    row = tx.first("SELECT * FROM code WHERE id = ?", (code_id,))
    if row is None:
        raise NotFoundError("code", code_id)
    return _code(row)


def of_message(tx: Snapshot, message_id: int) -> Code | None:
    row = tx.first("SELECT * FROM code WHERE message_id = ?", (message_id,))
    return None if row is None else _code(row)


def live_digits(tx: Snapshot, conversation_id: int) -> Code | None:
    """The code that may be told in this conversation now."""
    row = tx.first(
        "SELECT * FROM code WHERE conversation_id = ? AND used_at IS NULL AND ended = '' AND kind = 'digits'"
        " AND expires_at > ? ORDER BY id DESC LIMIT 1",
        (conversation_id, tx.now),
    )
    return None if row is None else _code(row)


def by_digest(tx: Snapshot, digest: bytes) -> Code | None:
    row = tx.first("SELECT * FROM code WHERE digest = ? AND kind = 'link'", (digest,))
    return None if row is None else _code(row)


def use(tx: Transaction, code_id: int) -> None:
    tx.run("UPDATE code SET used_at = ?, ended = 'used', nonce = NULL WHERE id = ?", (tx.now, code_id))


def missed(tx: Transaction, code_id: int) -> int:
    """A wrong try; how many are left. After the last one the code is over."""
    left = tx.value(
        "UPDATE code SET tries_left = tries_left - 1,"
        " ended = CASE WHEN tries_left <= 1 THEN 'tries' ELSE ended END,"
        " nonce = CASE WHEN tries_left <= 1 THEN NULL ELSE nonce END WHERE id = ? RETURNING tries_left",
        (code_id,),
    )
    return int(left)


def sent_in(tx: Snapshot, conversation_id: int, since: int) -> int:
    """How many codes and links this conversation sent since then."""
    return int(
        tx.value(
            "SELECT count(*) FROM code WHERE conversation_id = ? AND created_at > ?"
            " AND message_id IS NOT NULL",
            (conversation_id, since),
        )
    )


def sent_to(tx: Snapshot, address_id: int, since: int) -> int:
    """How many went to this address since then, whoever's card it stands on."""
    return int(
        tx.value(
            "SELECT count(*) FROM address mine JOIN address a ON a.scheme = mine.scheme"
            " AND a.external_id = mine.external_id AND a.account = mine.account"
            " JOIN code c ON c.address_id = a.id AND c.created_at > ? WHERE mine.id = ?",
            (since, address_id),
        )
    )


def forget_over(tx: Transaction) -> int:
    """Make codes that have run out unknowable; how many."""
    return tx.run("UPDATE code SET nonce = NULL WHERE nonce IS NOT NULL AND expires_at <= ?", (tx.now,))
