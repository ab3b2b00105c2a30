"""What is no fault of a mail must not put it aside."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from channels.base import Attachment, InboundEvent, Sender
from server import apart
from server.apart import ParseApart
from server.clock import SystemClock
from server.intake import Policy
from server.parsing import RawItem
from server.people.authors import ChannelFacts
from server.store import journal, offline
from server.store.blobs import BlobStore
from server.store.database import Database
from server.store.files import NewFile
from server.store.journal import Raw
from server.store.transaction import Transaction
from tests.fakes.patience import until


class Worker:
    """Fails as it is told, then reads everything."""

    width = 1

    def __init__(self, failures: list[Exception]) -> None:
        self.failures = failures

    def expect(self, parsers: Sequence[str]) -> None:
        return

    async def ready(self) -> None:
        return

    async def parse(self, items: list[RawItem], seconds: float) -> list[list[InboundEvent]]:
        if self.failures:
            raise self.failures.pop(0)
        return [[InboundEvent(kind="message", dedupe_key="1", sender=Sender(external_id="anna"), text="hi")]]

    def kill(self) -> None:
        return


class Host:
    def __init__(self, full: int) -> None:
        self.full = full

    async def keep_files(self, attachments: Sequence[Attachment]) -> tuple[NewFile, ...]:
        if self.full:
            self.full -= 1
            raise OSError(28, "No space left on device")
        return ()

    def quarantine(self, tx: Transaction, journal_id: int, key: str, why: str, files: object) -> None:
        journal.quarantined(tx, journal_id, why, None)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    offline.create(tmp_path)
    opened = Database(tmp_path / offline.DATABASE, SystemClock())
    await opened.open()
    yield opened
    await opened.close()


@pytest.mark.parametrize(
    ("failures", "full"),
    [
        ([RuntimeError("another mail of the group is at fault")], 5),
        ([OSError(11, "Resource temporarily unavailable")] * 5, 0),
    ],
    ids=["the disk is full for a while", "no process can be started for a while"],
)
async def test_a_mail_waits_until_it_can_be_taken_in(
    tmp_path: Path,
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    failures: list[Exception],
    full: int,
) -> None:
    monkeypatch.setattr(apart, "RETRY_SECONDS", 0.01)
    raw = Raw(dedupe_key="1", size=2, data=b"hi", sha256=None, meta={})
    await database.write(lambda tx: journal.receive(tx, "mail", raw))
    channel: Any = SimpleNamespace(spec=SimpleNamespace(parser="x:y"), recognise=lambda event: event)
    host: Any = Host(full)
    facts = ChannelFacts(id="mail", scheme="email", account="")
    blobs = BlobStore(tmp_path / "files")
    blobs.prepare()
    taking = ParseApart(database, blobs, {"mail": channel}, {"mail": host}, {"mail": facts}, Policy())
    worker: Any = Worker(list(failures))
    taking._worker = worker
    taking.start()

    async def ended() -> bool:
        return await database.read(lambda tx: not journal.is_unfinished(tx, 1))

    try:
        await until(ended, "the mail is taken in")
    finally:
        await taking.stop()
    assert await database.read(lambda tx: journal.items(tx, "quarantined")) == []
    [text] = await database.read(lambda tx: [row["text"] for row in tx.all("SELECT text FROM message")])
    assert text == "hi"
    assert not worker.failures


class Pool:
    """Two at once, and a mail that says so kills whoever is at work, as a process pool does."""

    width = 2

    def __init__(self) -> None:
        self._at_work: set[asyncio.Task[Any]] = set()
        self.dead: set[asyncio.Task[Any]] = set()

    def expect(self, parsers: Sequence[str]) -> None:
        return

    async def ready(self) -> None:
        return

    async def parse(self, items: list[RawItem], seconds: float) -> list[list[InboundEvent]]:
        mine = asyncio.current_task()
        assert mine is not None
        self._at_work.add(mine)
        try:
            await asyncio.sleep(0.02 if any(raw == b"poison" for _, raw, _ in items) else 0.05)
            if any(raw == b"poison" for _, raw, _ in items):
                self.dead |= self._at_work
            if len(items) > 1 or mine in self.dead:
                raise BrokenProcessPool("a process died")
        finally:
            self._at_work.discard(mine)
            self.dead.discard(mine)
        [(_, raw, _)] = items
        sender = Sender(external_id=raw.decode())
        return [[InboundEvent(kind="message", dedupe_key=raw.decode(), sender=sender, text=raw.decode())]]

    def kill(self) -> None:
        return


async def test_a_mail_beside_a_deadly_one_is_not_put_aside(
    tmp_path: Path, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apart, "RETRY_SECONDS", 0.01)
    monkeypatch.setattr(apart, "GROUP", 2)
    for number in range(8):
        data = b"poison" if number % 3 == 2 else b"mail %d" % number
        raw = Raw(dedupe_key=str(number), size=len(data), data=data, sha256=None, meta={})
        await database.write(lambda tx, raw=raw: journal.receive(tx, "mail", raw))  # type: ignore[misc]
    channel: Any = SimpleNamespace(spec=SimpleNamespace(parser="x:y"), recognise=lambda event: event)
    host: Any = Host(0)
    facts = ChannelFacts(id="mail", scheme="email", account="")
    blobs = BlobStore(tmp_path / "files")
    blobs.prepare()
    taking = ParseApart(database, blobs, {"mail": channel}, {"mail": host}, {"mail": facts}, Policy(), Pool())
    taking.start()

    async def ended() -> bool:
        return await database.read(lambda tx: not journal.unfinished(tx, ["mail"], 9, 1 << 30, 0))

    try:
        await until(ended, "every mail is dealt with")
    finally:
        await taking.stop()
    aside = await database.read(lambda tx: journal.items(tx, "quarantined"))
    assert {item.dedupe_key for item in aside} == {"2", "5"}
