"""Customers, their addresses, and reversible merges."""

from __future__ import annotations

import msgspec

from server.protocol import Address, Customer
from server.store.transaction import Snapshot, Transaction


class Owner(msgspec.Struct, frozen=True):
    """Who a verified address belongs to."""

    address_id: int
    customer_id: int
    name: str
    blocked: bool
    last_in_at: int


HEARD_EVERY_MS = 60_000


def is_news(owner: Owner, name: str, now: int) -> bool:
    """Whether hearing from this address changes what is known of it; its last use is kept by the minute."""
    return owner.blocked or (name != "" and name != owner.name) or now - owner.last_in_at >= HEARD_EVERY_MS


def owner_of(tx: Snapshot, scheme: str, account: str, external_id: str) -> Owner | None:
    """The customer to whom this verified address belongs."""
    row = tx.first(
        "SELECT id, customer_id, name, blocked, last_in_at FROM address"
        " WHERE scheme = ? AND account = ? AND external_id = ? AND verified = 1",
        (scheme, account, external_id),
    )
    if row is None:
        return None
    return Owner(row["id"], row["customer_id"], row["name"], bool(row["blocked"]), row["last_in_at"] or 0)


def create(tx: Transaction, name: str) -> int:
    return tx.insert("INSERT INTO customer (name, created_at) VALUES (?, ?)", (name, tx.now))


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
) -> int:
    """Add an address, or strengthen a claimed one of the same customer; the address id."""
    return int(
        tx.value(
            "INSERT INTO address"
            " (customer_id, scheme, account, external_id, name, verified, evidence, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
            " ON CONFLICT (customer_id, scheme, account, external_id) DO UPDATE SET"
            " verified = max(address.verified, excluded.verified),"
            " evidence = CASE WHEN excluded.verified > address.verified"
            " THEN excluded.evidence ELSE address.evidence END"
            " RETURNING id",
            (customer_id, scheme, account, external_id, name, int(verified), evidence, tx.now),
        )
    )


def heard_from(tx: Transaction, address_id: int, name: str) -> None:
    """Note that the person wrote from this address just now, under this name."""
    tx.run(
        "UPDATE address SET last_in_at = ?, blocked = 0, name = CASE WHEN ? != '' THEN ? ELSE name END"
        " WHERE id = ?",
        (tx.now, name, name, address_id),
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


def merge(tx: Transaction, source: int, target: int, evidence: str) -> int:
    """Make `source` part of `target`; the id of the journal row that can take it back.

    `moved` of that row holds the ids that went from source to target by table, and as `address_back` the
    target's claims that went to source because the same address is verified there. Claims that both have
    stay where they are: they name nobody.
    """
    moved: dict[str, list[int]] = {"address_back": _give_way(tx, source, target)}
    moved["address"] = [
        row["id"]
        for row in tx.all(
            "SELECT id FROM address WHERE customer_id = :source"
            " AND id NOT IN (SELECT value FROM json_each(:back)) AND NOT EXISTS ("
            "SELECT 1 FROM address AS mine WHERE mine.customer_id = :target AND mine.scheme = address.scheme"
            " AND mine.account = address.account AND mine.external_id = address.external_id)",
            {
                "source": source,
                "target": target,
                "back": msgspec.json.encode(moved["address_back"]).decode(),
            },
        )
    ]
    for table in ("conversation", "message", "journal"):
        moved[table] = [
            row["id"] for row in tx.all(f"SELECT id FROM {table} WHERE customer_id = ?", (source,))
        ]
        tx.run(f"UPDATE {table} SET customer_id = ? WHERE customer_id = ?", (target, source))
    for address_id in moved["address"]:
        tx.run("UPDATE address SET customer_id = ? WHERE id = ?", (target, address_id))
    for claim_id in moved["address_back"]:
        tx.run(
            "UPDATE address SET external_id = substr(external_id, length(CAST(id AS TEXT)) + 2) WHERE id = ?",
            (claim_id,),
        )
    tx.run("UPDATE customer SET merged_into = ? WHERE id = ?", (target, source))
    return tx.insert(
        "INSERT INTO merge (at, from_customer, into_customer, evidence, moved) VALUES (?, ?, ?, ?, ?)",
        (tx.now, source, target, evidence, msgspec.json.encode(moved).decode()),
    )


def _give_way(tx: Transaction, source: int, target: int) -> list[int]:
    """Hand the target's claims of addresses that are verified for source to source; their ids.

    Until the verified ones have moved they bear their own id before their name, as both cannot stand with
    one customer.
    """
    claims = [
        row["id"]
        for row in tx.all(
            "SELECT mine.id FROM address AS mine JOIN address AS theirs ON theirs.customer_id = :source"
            " AND theirs.verified = 1 AND mine.scheme = theirs.scheme AND mine.account = theirs.account"
            " AND mine.external_id = theirs.external_id WHERE mine.customer_id = :target",
            {"source": source, "target": target},
        )
    ]
    for claim_id in claims:
        tx.run(
            "UPDATE address SET customer_id = ?, external_id = id || ':' || external_id WHERE id = ?",
            (source, claim_id),
        )
    return claims


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
            evidence=row["evidence"],
            blocked=bool(row["blocked"]),
            last_in_at=row["last_in_at"],
        )
        for row in tx.all(
            "SELECT * FROM address WHERE customer_id = ? ORDER BY last_in_at IS NULL, last_in_at DESC, id",
            (customer_id,),
        )
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


def reachable(tx: Snapshot, customer_id: int) -> list[Reachable]:
    threads: dict[int, list[tuple[str, str]]] = {}
    for row in tx.all(
        "SELECT t.address_id, t.channel_id, t.thread FROM thread t JOIN address a ON a.id = t.address_id"
        " WHERE a.customer_id = ? ORDER BY (SELECT max(m.visible_seq) FROM message m"
        " WHERE m.channel_id = t.channel_id AND m.thread = t.thread)",
        (customer_id,),
    ):
        threads.setdefault(row["address_id"], []).append((row["channel_id"], row["thread"]))
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
        )
        for row in tx.all(
            "SELECT * FROM address WHERE customer_id = ? ORDER BY last_in_at IS NULL, last_in_at DESC, id",
            (customer_id,),
        )
    ]


def customer(tx: Snapshot, customer_id: int) -> Customer | None:
    """The customer without his conversations; a merged one is answered by the one he became."""
    row = tx.first("SELECT * FROM customer WHERE id = ?", (customer_id,))
    while row is not None and row["merged_into"] is not None:
        row = tx.first("SELECT * FROM customer WHERE id = ?", (row["merged_into"],))
    if row is None:
        return None
    return Customer(
        id=row["id"], name=row["name"], created_at=row["created_at"], addresses=addresses(tx, row["id"])
    )
