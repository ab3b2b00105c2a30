"""Erasing one person: out of every table at once, then out of the files, the indexes and the write-ahead log.

What is committed is finished, whatever happens in between: what is left to do stands in the database and is
done by the next start. The numbers of who was erased are also kept in a file of their own beside the
database, so that an older backup, put in place later, comes back without him.
"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import msgspec
import structlog

from server.protocol import Customer, ErasureReport, OperatorInfo
from server.store import conversations, erasure, merges, shares
from server.store.blobs import BlobStore
from server.store.conversations import NotFoundError
from server.store.database import Database
from server.store.erasure import Erased, Remaining
from server.store.errors import StoreError
from server.store.transaction import Transaction

log = structlog.get_logger(__name__)

LIST = "erased.jsonl"
WAL_TRIES = 50
WAL_PAUSE_S = 0.1


class ErasingError(Exception):
    """The person cannot be erased now; nothing was done. `hint` says what to do first."""

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.hint = hint


class Line(msgspec.Struct, frozen=True):
    """Of the list: cards as (id, created_at)."""

    cards: list[tuple[int, int]]


class Eraser:
    def __init__(self, database: Database, blobs: BlobStore, data_dir: Path) -> None:
        self._database = database
        self._blobs = blobs
        self._list = data_dir / LIST
        self._finishing = asyncio.Lock()

    async def erase(self, customer_id: int, me: OperatorInfo) -> Erased:
        """Raises NotFoundError, ErasingError; afterwards nothing of the person can be found any more."""

        def gone(tx: Transaction) -> Erased:
            root = merges.root_of(tx, customer_id)
            if not root:
                raise NotFoundError("customer", customer_id)
            if erasure.being_sent(tx, root):
                raise ErasingError("a reply to this person is being sent", "try again in a minute")
            if erasure.is_waited_for(tx, root):
                raise ErasingError(
                    "a forward to this person is in its hold", "try again in a minute, or take it back"
                )
            shared = shares.readers(tx, conversations.ids_of_customer(tx, root))
            done = erasure.erase(tx, root, me.id)
            for conversation_id, readers in shared.items():
                for reader in sorted(readers):
                    tx.emit("share.ended", operator_id=reader, data={"conversation": conversation_id})
            tx.emit(
                "customer.erased",
                customer_id=root,
                operator_id=me.id,
                data={"erasure": done.id, "conversations": done.conversations},
            )
            return done

        done = await self._database.write(gone)
        await self.finish()
        return done

    async def finish(self) -> None:
        """Clean up after every erasure that is not finished. Raises StoreError, OSError."""
        async with self._finishing:
            todo = await self._database.read(erasure.remaining)
            if not todo:
                return
            await asyncio.to_thread(note, self._list, todo)
            for table in erasure.WORDS:
                begin = True
                while await self._database.write(
                    lambda tx, table=table, begin=begin: erasure.merge_words(tx, table, begin)  # type: ignore[misc]
                ):
                    begin = False
            for one in todo:
                if await self._files_gone(one) and await self._wal_emptied():
                    await self._database.write(lambda tx, one=one: erasure.finish(tx, one.id))  # type: ignore[misc]
                    log.info("a person was erased", erasure=one.id)

    async def _files_gone(self, one: Remaining) -> bool:
        """Whether all files are; bytes that somebody is just sending again are looked at later."""
        names = await self._database.read(lambda tx: erasure.still_unnamed(tx, one.files))
        return all([await asyncio.to_thread(self._blobs.remove, name) for name in names])

    async def _wal_emptied(self) -> bool:
        for _ in range(WAL_TRIES):
            if await self._database.empty_wal():
                return True
            await asyncio.sleep(WAL_PAUSE_S)
        return False


def note(path: Path, done: list[Remaining]) -> None:
    """Add to the list what is not in it yet; durable when this returns. Blocking."""
    known = {tuple(map(tuple, line.cards)) for line in noted(path)}
    new = [one for one in done if tuple(map(tuple, one.cards)) not in known]
    if not new:
        return
    fresh = not path.exists()
    with open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
        for one in new:
            file.write(msgspec.json.encode(Line(one.cards)) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    if fresh:
        folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def noted(path: Path) -> list[Line]:
    """The list. Raises StoreError where a line is none: who was erased must not come back by a slip."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    lines = []
    for number, text in enumerate(data.splitlines(), 1):
        try:
            lines.append(msgspec.json.decode(text, type=Line))
        except msgspec.MsgspecError as error:
            if number == data.count(b"\n") + 1:
                continue  # cut off by a crash: it is written again from the database
            raise StoreError(
                f"{path}, line {number}: {error}", "put the file right; it says who must not come back"
            ) from error
    return lines


def erase_again(tx: Transaction, lines: list[Line]) -> list[str]:
    """Take out of a restored database who was erased since its backup; files that nobody else names."""
    files: list[str] = []
    for line in lines:
        for card in erasure.known_by(tx, line.cards):
            root = merges.root_of(tx, card)
            if root == card:
                files += erasure.erase(tx, root, None).files
    return files


def report(
    customer: Customer, done: Erased, site: str, by: OperatorInfo, reason: str, at: int
) -> ErasureReport:
    """What the law asks to be kept of an erasure, by whoever keeps it: the server keeps no name."""
    return ErasureReport(
        erasure_id=done.id,
        at=at,
        site=site,
        by=by.name,
        reason=reason,
        person=customer.name,
        addresses=[f"{one.scheme}: {one.external_id}" for one in customer.addresses if not one.account],
        cards=[card for card, _ in done.cards],
        counts=done.counts,
        files=len(done.files),
        others=done.others,
    )
