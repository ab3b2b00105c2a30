"""Customers, their addresses, and reversible merges."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from server.protocol import Address, Customer, Proof
from server.store import state
from server.store.transaction import Snapshot, Transaction


class Owner(msgspec.Struct, frozen=True):
    """Who a verified address belongs to."""

    address_id: int
    customer_id: int
    name: str
    blocked: bool
    last_in_at: int
    proof: Proof = "channel"
    evidence: str = ""


HEARD_EVERY_MS = 60_000


def is_news(owner: Owner, name: str, now: int) -> bool:
    """Whether hearing from this address changes what is known of it; its last use is kept by the minute."""
    return owner.blocked or (name != "" and name != owner.name) or now - owner.last_in_at >= HEARD_EVERY_MS


def owner_of(tx: Snapshot, scheme: str, account: str, external_id: str) -> Owner | None:
    """The customer to whom this verified address belongs."""
    row = tx.first(
        "SELECT id, customer_id, name, blocked, last_in_at, proof, evidence FROM address"
        " WHERE scheme = ? AND account = ? AND external_id = ? AND verified = 1",
        (scheme, account, external_id),
    )
    if row is None:
        return None
    return Owner(
        row["id"],
        row["customer_id"],
        row["name"],
        bool(row["blocked"]),
        row["last_in_at"] or 0,
        row["proof"],
        row["evidence"],
    )


def create(tx: Transaction, name: str) -> int:
    number = state.next_number(tx, "customer")
    return tx.insert("INSERT INTO customer (id, name, created_at) VALUES (?, ?, ?)", (number, name, tx.now))


def rename(tx: Transaction, customer_id: int, name: str) -> None:
    tx.run("UPDATE customer SET name = ? WHERE id = ?", (name, customer_id))


def add_address(
    tx: Transaction,
    customer_id: int,
    *,
    scheme: str,
    account: str,
    external_id: str,
    name: str,
    verified: bool,
    evidence: str,
    proof: Proof | None = None,
    is_account: bool = False,
) -> int:
    """Add an address, or strengthen a claimed one of the same customer; the address id.

    `proof` None: the channel's, where it is verified.
    """
    shown: Proof = (proof or "channel") if verified else "claim"
    known = tx.first(
        "SELECT id, verified FROM address"
        " WHERE customer_id = ? AND scheme = ? AND account = ? AND external_id = ?"
        " ORDER BY verified DESC, id LIMIT 1",
        (customer_id, scheme, account, external_id),
    )
    if known is None:
        return tx.insert(
            "INSERT INTO address"
            " (customer_id, card_id, scheme, account, external_id, name, verified, proof, evidence,"
            " created_at, proved_at, is_account) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                customer_id,
                customer_id,
                scheme,
                account,
                external_id,
                name,
                int(verified),
                shown,
                evidence,
                tx.now,
                None if shown in ("claim", "channel") else tx.now,
                int(is_account),
            ),
        )
    if verified and not known["verified"]:
        prove(tx, known["id"], shown, evidence)
    return int(known["id"])


def prove(tx: Transaction, address_id: int, proof: Proof, evidence: str) -> None:
    """Just now it was shown whose this address is. Nobody else may have it verified."""
    tx.run(
        "UPDATE address SET verified = 1, proof = ?, evidence = ?, proved_at = ? WHERE id = ?",
        (proof, evidence, tx.now, address_id),
    )


def doubt(tx: Transaction, address_id: int, evidence: str) -> None:
    """The address is somebody else's, as has been shown; this card only claims it."""
    tx.run(
        "UPDATE address SET verified = 0, proof = 'claim', evidence = ?, proved_at = NULL WHERE id = ?",
        (evidence, address_id),
    )


def proven_now(tx: Transaction, address_id: int) -> None:
    """What is known of the address was shown once more."""
    tx.run("UPDATE address SET proved_at = ? WHERE id = ?", (tx.now, address_id))


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """An address, and whose it is today."""

    id: int
    customer_id: int
    scheme: str
    account: str
    external_id: str
    name: str
    verified: bool
    blocked: bool
    barred: bool


def place(tx: Snapshot, address_id: int) -> Place | None:
    row = tx.first("SELECT * FROM address WHERE id = ?", (address_id,))
    if row is None:
        return None
    return Place(
        id=row["id"],
        customer_id=row["customer_id"],
        scheme=row["scheme"],
        account=row["account"],
        external_id=row["external_id"],
        name=row["name"],
        verified=bool(row["verified"]),
        blocked=bool(row["blocked"]),
        barred=bool(row["barred"]),
    )


class Known(msgspec.Struct, frozen=True):
    """An address of a card."""

    id: int
    verified: bool


def address_of(tx: Snapshot, customer_id: int, scheme: str, account: str, external_id: str) -> Known | None:
    row = tx.first(
        "SELECT id, verified FROM address"
        " WHERE customer_id = ? AND scheme = ? AND account = ? AND external_id = ?"
        " ORDER BY verified DESC, id LIMIT 1",
        (customer_id, scheme, account, external_id),
    )
    return None if row is None else Known(row["id"], bool(row["verified"]))


def claimant(tx: Snapshot, scheme: str, account: str, external_id: str, evidence: str) -> Owner | None:
    """Who claims this address for this reason; the first of them."""
    row = tx.first(
        "SELECT id, customer_id, name, blocked, last_in_at FROM address WHERE scheme = ? AND external_id = ?"
        " AND account = ? AND verified = 0 AND evidence = ? ORDER BY id LIMIT 1",
        (scheme, external_id, account, evidence),
    )
    if row is None:
        return None
    return Owner(
        row["id"], row["customer_id"], row["name"], bool(row["blocked"]), row["last_in_at"] or 0, "claim"
    )


def accounts(tx: Snapshot, customer_id: int) -> frozenset[str]:
    """The accounts that this person has on channels and sites: "CHANNEL:ID"."""
    return frozenset(
        f"{row['account']}:{row['external_id']}" if row["account"] else row["external_id"]
        for row in tx.all(
            "SELECT account, external_id FROM address"
            " WHERE customer_id = ? AND verified = 1 AND is_account = 1",
            (customer_id,),
        )
    )


def is_signed(tx: Snapshot, customer_id: int) -> bool:
    """Whether a site signed who this is."""
    return (
        tx.value(
            "SELECT 1 FROM address WHERE customer_id = ? AND verified = 1 AND proof = 'signature'"
            " AND scheme NOT IN ('email', 'phone') LIMIT 1",
            (customer_id,),
        )
        is not None
    )


def heard_from(tx: Transaction, address_id: int, name: str, proven: bool = False) -> None:
    """Note that the person wrote from this address just now, under this name; `proven`: as is shown."""
    tx.run(
        "UPDATE address SET last_in_at = :now, blocked = 0,"
        " name = CASE WHEN :name != '' THEN :name ELSE name END,"
        " proved_at = CASE WHEN :proven THEN :now ELSE proved_at END WHERE id = :id",
        {"now": tx.now, "name": name, "proven": proven, "id": address_id},
    )


def set_blocked(tx: Transaction, address_id: int, blocked: bool) -> None:
    tx.run("UPDATE address SET blocked = ? WHERE id = ?", (int(blocked), address_id))


def name_of(tx: Snapshot, customer_id: int) -> str:
    """The customer's name, or '' where he is only called by one of his addresses."""
    return str(
        tx.value(
            "SELECT CASE WHEN EXISTS (SELECT 1 FROM address a WHERE a.customer_id = k.id"
            " AND a.external_id = k.name) THEN '' ELSE k.name END FROM customer k WHERE k.id = ?",
            (customer_id,),
        )
    )


def full_name(tx: Snapshot, customer_id: int) -> str:
    return str(tx.value("SELECT name FROM customer WHERE id = ?", (customer_id,)))


def created_at(tx: Snapshot, customer_id: int) -> int:
    return int(tx.value("SELECT created_at FROM customer WHERE id = ?", (customer_id,)))


def first_address(tx: Snapshot, customer_id: int) -> str | None:
    value = tx.value(
        "SELECT external_id FROM address WHERE customer_id = ? ORDER BY id LIMIT 1", (customer_id,)
    )
    return None if value is None else str(value)


# Cards that are one person may each have noted the same address: shown and used is the best known of them.
_ADDRESSES = """
SELECT * FROM address AS mine WHERE customer_id = :customer AND NOT EXISTS (
  SELECT 1 FROM address AS twin WHERE twin.customer_id = mine.customer_id AND twin.scheme = mine.scheme
  AND twin.account = mine.account AND twin.external_id = mine.external_id
  AND (twin.verified, -twin.id) > (mine.verified, -mine.id))
ORDER BY last_in_at IS NULL, last_in_at DESC, id
"""


def addresses(tx: Snapshot, customer_id: int) -> list[Address]:
    """Addresses, those the customer wrote from most recently first."""
    return [
        Address(
            id=row["id"],
            scheme=row["scheme"],
            account=row["account"],
            external_id=row["external_id"],
            label=row["external_id"],
            verified=bool(row["verified"]),
            proof=row["proof"],
            evidence=row["evidence"],
            blocked=bool(row["blocked"]),
            barred=bool(row["barred"]),
            last_in_at=row["last_in_at"],
            proved_at=row["proved_at"],
        )
        for row in tx.all(_ADDRESSES, {"customer": customer_id})
    ]


class Reachable(msgspec.Struct, frozen=True):
    """An address as the ways to answer are chosen from it."""

    address_id: int
    scheme: str
    account: str
    external_id: str
    name: str
    verified: bool
    blocked: bool
    threads: tuple[tuple[str, str], ...]  # (channel id, thread) on which it wrote, the latest last
    proved_at: int | None = None  # when it was last shown whose it is
    heard_at: Mapping[tuple[str, str], int] = {}  # by such a thread: when the customer last wrote there


def reachable(tx: Snapshot, customer_id: int) -> list[Reachable]:
    threads: dict[int, list[tuple[str, str]]] = {}
    heard_at: dict[tuple[str, str], int] = {}
    for row in tx.all(
        "SELECT t.address_id, t.channel_id, t.thread, (SELECT h.at FROM message h"
        " WHERE h.channel_id = t.channel_id AND h.thread = t.thread AND h.visible_seq IS NOT NULL"
        " AND h.kind = 'in' ORDER BY h.visible_seq DESC LIMIT 1) AS heard_at"
        " FROM thread t JOIN address a ON a.id = t.address_id"
        " WHERE a.customer_id = ? ORDER BY (SELECT m.visible_seq FROM message m"
        " WHERE m.channel_id = t.channel_id AND m.thread = t.thread AND m.visible_seq IS NOT NULL"
        " ORDER BY m.visible_seq DESC LIMIT 1)",
        (customer_id,),
    ):
        threads.setdefault(row["address_id"], []).append((row["channel_id"], row["thread"]))
        heard_at[row["channel_id"], row["thread"]] = row["heard_at"] or 0
    return [
        Reachable(
            row["id"],
            row["scheme"],
            row["account"],
            row["external_id"],
            row["name"],
            bool(row["verified"]),
            bool(row["blocked"]),
            tuple(threads.get(row["id"], ())),
            row["proved_at"],
            heard_at,
        )
        for row in tx.all(_ADDRESSES, {"customer": customer_id})
    ]


def customer(tx: Snapshot, customer_id: int) -> Customer | None:
    """The customer without his conversations; a merged one is answered by the one he became."""
    row = tx.first(
        "SELECT * FROM customer WHERE id = (SELECT coalesce(root_id, id) FROM customer WHERE id = ?)",
        (customer_id,),
    )
    if row is None:
        return None
    return Customer(
        id=row["id"], name=row["name"], created_at=row["created_at"], addresses=addresses(tx, row["id"])
    )
