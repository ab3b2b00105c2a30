"""The chain that ties every event to all before it: whoever changes, adds or removes one breaks it.

Each commit seals the events it brought: a row with their range and SHA-256(digest before ‖ leaves), a leaf
being an event's columns. The chain shows an edit of the log to whoever knows the digest of any later moment;
somebody who rewrites the whole chain as well is found out by a digest noted elsewhere.
"""

from __future__ import annotations

import hashlib
import re
import sqlite3
from collections.abc import Iterable

import msgspec

from server.protocol import AuditVerdict
from server.store.transaction import Event, Snapshot

_NOTHING = bytes(32)
NOTED = r"[0-9]{1,18}:[0-9a-f]{64}"
_NOTED = re.compile(r"([0-9]{1,18}):([0-9a-f]{64})")
_COLUMNS = ("seq", "at", "kind", "conversation_id", "customer_id", "message_id", "operator_id", "data")
PAGE = 5_000


def leaf(columns: Iterable[object]) -> bytes:
    """An event as it is hashed: its columns in order, each as JSON, so that no two events look alike."""
    return msgspec.json.encode(list(columns))


def leaf_of(event: Event, data: str | None) -> bytes:
    return leaf(
        (
            event.seq,
            event.at,
            event.kind,
            event.conversation_id,
            event.customer_id,
            event.message_id,
            event.operator_id,
            data,
        )
    )


def digest_of(before: bytes, leaves: Iterable[bytes]) -> bytes:
    digest = hashlib.sha256(before)
    for one in leaves:
        digest.update(len(one).to_bytes(4, "big"))
        digest.update(one)
    return digest.digest()


def seal(connection: sqlite3.Connection, first: int, last: int, leaves: Iterable[bytes]) -> None:
    """Before COMMIT: the events from `first` to `last` are part of the chain."""
    row = connection.execute("SELECT digest FROM audit ORDER BY last DESC LIMIT 1").fetchone()
    connection.execute(
        "INSERT INTO audit (last, first, digest) VALUES (?, ?, ?)",
        (last, first, digest_of(row[0] if row is not None else _NOTHING, leaves)),
    )


def noted(text: str) -> tuple[int, bytes] | None:
    """LAST:DIGEST as a verdict showed it; None where it is not."""
    found = _NOTED.fullmatch(text)
    return None if found is None else (int(found[1]), bytes.fromhex(found[2]))


def forgettable_up_to(tx: Snapshot, seq: int) -> int:
    """The end of the last sealed range that ends at or before `seq`: ranges are forgotten whole. What was
    there before the chain is of no range."""
    return int(
        tx.value(
            "SELECT max(coalesce((SELECT max(last) FROM audit WHERE last <= :seq), 0),"
            " coalesce((SELECT :seq FROM audit WHERE first = 0 AND last >= :seq), 0))",
            {"seq": seq},
        )
    )


def verify(tx: Snapshot, expect: tuple[int, bytes] | None = None) -> AuditVerdict:
    """Walk the chain. `expect`: a digest noted earlier, and the number of the event it was noted at."""
    walk = _Walk(tx)
    for row in _seals(tx):
        problem = walk.step(row)
        if problem:
            return AuditVerdict(events=walk.events, last=walk.last, digest=walk.digest.hex(), problem=problem)
        if expect is not None and row["last"] == expect[0]:
            if row["digest"] != expect[1]:
                problem = f"the digest at event {expect[0]} is not the one that was noted"
                return AuditVerdict(
                    events=walk.events, last=walk.last, digest=walk.digest.hex(), problem=problem
                )
            expect = None
    problem = ""
    stray = tx.value("SELECT seq FROM event WHERE seq > ? LIMIT 1", (walk.last,))
    if stray is not None:
        problem = f"event {stray} was not written by this server"
    elif expect is not None:
        problem = f"nothing was sealed at event {expect[0]}, where a digest was noted"
    return AuditVerdict(
        events=walk.events, first=walk.first, last=walk.last, digest=walk.digest.hex(), problem=problem
    )


def _seals(tx: Snapshot) -> Iterable[sqlite3.Row]:
    last = -1
    while rows := tx.all("SELECT * FROM audit WHERE last > ? ORDER BY last LIMIT ?", (last, PAGE)):
        yield from rows
        last = rows[-1]["last"]


class _Walk:
    def __init__(self, tx: Snapshot) -> None:
        self._tx = tx
        self.digest = _NOTHING
        self.events = 0
        self.first: int | None = None
        self.last = 0
        # Only what the log itself says was forgotten may be missing.
        self._forgotten = int(
            tx.value(
                "SELECT coalesce(max(json_extract(data, '$.up_to')), 0) FROM event"
                " WHERE kind = 'log.forgotten'"
            )
        )

    def step(self, seal: sqlite3.Row) -> str:
        """What is wrong with this range, or ''."""
        if seal["first"] == 0:
            self.last = seal["last"]
            return ""
        rows = self._tx.all(
            f"SELECT {', '.join(_COLUMNS)} FROM event WHERE seq > ? AND seq <= ? ORDER BY seq",
            (self.last, seal["last"]),
        )
        if seal["last"] <= self._forgotten:
            if rows:
                return f"event {rows[0]['seq']} is back, which was forgotten"
        else:
            if rows and rows[0]["seq"] < seal["first"]:
                return f"event {rows[0]['seq']} was not written by this server"
            if digest_of(self.digest, [leaf(tuple(row)) for row in rows]) != seal["digest"]:
                return f"an event between {seal['first']} and {seal['last']} was changed, added or removed"
            self.events += len(rows)
            if self.first is None:
                self.first = seal["first"]
        self.digest, self.last = seal["digest"], seal["last"]
        return ""
