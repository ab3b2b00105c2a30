"""What two cards have in common: the facts from which suggestions are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from server.store.transaction import Snapshot, Transaction

SHARED_MAX = 200


class SameAddress(msgspec.Struct, frozen=True, kw_only=True):
    """Another card has the same address as the one that was asked about."""

    scheme: str
    mine: int
    theirs: int
    card: int  # whose the other is
    proven: bool
    evidence: tuple[str, str]


def same_addresses(tx: Snapshot, customer_id: int) -> list[SameAddress]:
    """E-mail addresses and phones of this card that others have too, verified or claimed."""
    return [
        SameAddress(
            scheme=row["scheme"],
            mine=row["mine"],
            theirs=row["theirs"],
            card=row["card"],
            proven=bool(row["proven"]),
            evidence=(row["mine_evidence"], row["their_evidence"]),
        )
        for row in tx.all(
            "SELECT a.scheme, a.id AS mine, b.id AS theirs, b.customer_id AS card,"
            " max(a.verified, b.verified) AS proven, a.evidence AS mine_evidence,"
            " b.evidence AS their_evidence FROM address a JOIN address b ON b.scheme = a.scheme"
            " AND b.external_id = a.external_id AND b.account = a.account AND b.customer_id != a.customer_id"
            " WHERE a.customer_id = ? AND a.scheme IN ('email', 'phone') LIMIT ?",
            (customer_id, SHARED_MAX),
        )
    ]


def to_compare(tx: Snapshot, limit: int) -> dict[int, int]:
    """Cards of which something is known that was not before: card by number of the note, the oldest first."""
    return {
        row["id"]: row["customer_id"]
        for row in tx.all("SELECT id, customer_id FROM card_to_compare ORDER BY id LIMIT ?", (limit,))
    }


def compared(tx: Transaction, notes: Iterable[int]) -> None:
    tx.run(
        "DELETE FROM card_to_compare WHERE id IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(list(notes)).decode(),),
    )


def set_mark(tx: Transaction, customer_id: int, mark: bytes | None) -> None:
    """Note what the card's full name comes to; None: it has none."""
    if mark is None:
        tx.run("DELETE FROM namesake WHERE customer_id = ?", (customer_id,))
    else:
        tx.run(
            "INSERT INTO namesake (customer_id, mark) VALUES (?, ?)"
            " ON CONFLICT (customer_id) DO UPDATE SET mark = excluded.mark",
            (customer_id, mark),
        )


def mark_of(tx: Snapshot, customer_id: int) -> bytes | None:
    mark: bytes | None = tx.value("SELECT mark FROM namesake WHERE customer_id = ?", (customer_id,))
    return mark


def namesakes(tx: Snapshot, mark: bytes, limit: int) -> list[int]:
    """Today's cards with this mark."""
    return [
        row["customer_id"]
        for row in tx.all(
            "SELECT n.customer_id FROM namesake n JOIN customer k ON k.id = n.customer_id"
            " WHERE n.mark = ? AND k.root_id IS NULL ORDER BY n.customer_id LIMIT ?",
            (mark, limit),
        )
    ]


def is_spam(tx: Snapshot, customer_id: int) -> bool:
    """Whether everything that this card ever brought is kept apart."""
    return bool(
        tx.value(
            "SELECT EXISTS (SELECT 1 FROM conversation WHERE customer_id = :customer AND spam = 1)"
            " AND NOT EXISTS (SELECT 1 FROM conversation WHERE customer_id = :customer AND spam = 0)",
            {"customer": customer_id},
        )
    )


def any_records(tx: Snapshot) -> bool:
    return tx.value("SELECT 1 FROM record LIMIT 1") is not None


class Numbered(msgspec.Struct, frozen=True):
    """A record that bears a number, and whose it is today."""

    record: int
    number: str
    owner: int


def records_numbered(tx: Snapshot, numbers: Sequence[str]) -> list[Numbered]:
    """Records with these numbers, as they are written or in capitals, that are somebody's."""
    sought = sorted({form for number in numbers for form in (number, number.upper())})
    return [
        Numbered(row["id"], row["external_id"], row["owner"])
        for row in tx.all(
            "SELECT r.id, r.external_id, coalesce(r.customer_id, a.customer_id) AS owner FROM record r"
            " LEFT JOIN address a ON r.customer_id IS NULL AND r.address != '' AND a.scheme = r.scheme"
            " AND a.account = r.account AND a.external_id = r.address AND a.verified = 1"
            " WHERE r.external_id IN (SELECT value FROM json_each(?)) AND r.kind != 'score'"
            " AND coalesce(r.customer_id, a.customer_id) IS NOT NULL LIMIT 50",
            (msgspec.json.encode(sought).decode(),),
        )
    ]


class Said(msgspec.Struct, frozen=True):
    """What somebody wrote, and which card he is today."""

    message: int
    writer: int
    text: str


def said(tx: Snapshot, message_ids: Iterable[int]) -> list[Said]:
    """Of these messages, those that customers wrote."""
    return [
        Said(row["id"], row["writer"], f"{row['subject'] or ''}\n{row['text']}")
        for row in tx.all(
            "SELECT m.id, m.text, m.subject, a.customer_id AS writer FROM message m"
            " JOIN address a ON a.id = m.address_id WHERE m.id IN (SELECT value FROM json_each(?))"
            " AND m.kind = 'in'",
            (msgspec.json.encode(list(message_ids)).decode(),),
        )
    ]


def number_of(tx: Snapshot, record_id: int) -> str | None:
    number: str | None = tx.value("SELECT external_id FROM record WHERE id = ?", (record_id,))
    return number
