"""Parsing raw items in a worker process, after they are committed.

Mail can be made to cost seconds of CPU or gigabytes of memory: the worker has limits, and an item that
kills it twice is quarantined where operators see it. At start-up whatever is still `received` is resumed.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures.process import BrokenProcessPool

import msgspec
import structlog

from channels.base import Channel, InboundEvent
from server import failpoints
from server.host import ChannelHost
from server.intake import Outcome, Policy, take_in
from server.parsing import Parser, ParserAwayError, RawItem
from server.parsing.child import ChildParser
from server.people.authors import ChannelFacts
from server.store import journal
from server.store.blobs import BlobStore
from server.store.database import Database
from server.store.errors import StoreUnavailableError
from server.store.files import NewFile
from server.store.journal import Unfinished
from server.store.transaction import Snapshot, Transaction

log = structlog.get_logger(__name__)

PARSE_SECONDS = 10.0
ATTEMPTS_MAX = 2
GROUP = 50
GROUP_BYTES = 2 * 1024 * 1024  # of a group: what is held in memory twice, here and in the parser
RETRY_SECONDS = 2.0
LOOK_AGAIN_S = 5.0


Take = Callable[[Transaction], None]


class _Group(msgspec.Struct, frozen=True):
    items: list[Unfinished]
    raws: list[RawItem]
    ready: asyncio.Task[list[Take] | None]


class ParseApart:
    """Takes `received` items in, oldest first."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        channels: Mapping[str, Channel],
        hosts: Mapping[str, ChannelHost],
        facts: Mapping[str, ChannelFacts],
        policy: Policy,
        parser: Parser | None = None,
        on_away: Callable[[str], None] = lambda why: None,
    ) -> None:
        """`on_away` is told why nobody parses while items wait for it, and "" when that is over."""
        self._database = database
        self._blobs = blobs
        self._channels = channels
        self._hosts = hosts
        self._facts = facts
        self._policy = policy
        self._worker = parser or ChildParser()
        self._turns = asyncio.Semaphore(self._worker.width)
        self._on_away = on_away
        self._innocent: set[int] = set()  # journal ids whose attempts do not count against them
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def soon(self) -> None:
        self._wake.set()

    def start(self) -> None:
        self._wake.set()
        parsers = {channel.spec.parser for channel in self._channels.values() if channel.spec.parser}
        if parsers:
            self._worker.expect(sorted(parsers))
        self._task = asyncio.create_task(self._run(), name="parse apart")

    async def stop(self) -> None:
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._worker.kill()

    async def _run(self) -> None:
        while True:
            # A commit whose caller was cancelled is told by nobody: look now and then.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_AGAIN_S):
                    await self._wake.wait()
            self._wake.clear()
            try:
                await self._take_all()
            except StoreUnavailableError as error:
                log.warning("taking in waits for the store", reason=str(error))
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()
            except ParserAwayError as error:
                self._on_away(str(error))
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()
            except Exception:
                log.exception("taking in failed; trying again")
                await asyncio.sleep(RETRY_SECONDS)
                self._wake.set()

    async def parse_by_hand(
        self, parser: str, raw: bytes, meta: dict[str, str], seconds: float
    ) -> list[InboundEvent]:
        """One item out of turn, because an operator asks. Raises what the parser's process raises."""
        await self._worker.ready()
        async with self._turns:
            [events] = await self._worker.parse([(parser, raw, meta)], seconds)
        return events

    async def _take_all(self) -> None:
        """Everything there is, in order. While one group is committed, the next ones are parsed."""
        preparing: deque[_Group] = deque()
        committing: asyncio.Task[None] | None = None
        last = 0  # of what is under way
        try:
            while True:
                while len(preparing) < self._worker.width:
                    group = await self._database.read(lambda tx, after=last: self._next_group(tx, after))  # type: ignore[misc]
                    if not group:
                        break
                    last = group[-1].id
                    raws = [(await self._raw_item(item)) for item in group]
                    ready = asyncio.create_task(self._prepare_group(group, raws))
                    preparing.append(_Group(group, raws, ready))
                if not preparing:
                    if committing is not None:
                        task, committing = committing, None
                        await task
                    if last == 0:
                        return
                    last = 0  # and once more from the beginning: what came late, or was left
                    continue
                done = await preparing[0].ready
                first = preparing.popleft()
                if committing is not None:
                    task, committing = committing, None
                    await task
                committing = asyncio.create_task(self._take_group(first, done))
        finally:
            under_way = {group.ready for group in preparing} | ({committing} if committing else set())
            for one in under_way:
                one.cancel()
            if under_way:
                await asyncio.wait(under_way)

    @contextlib.asynccontextmanager
    async def _nobody_beside(self) -> AsyncIterator[None]:
        """All turns: what dies now died of this item, and not of one that was parsed beside it."""
        async with contextlib.AsyncExitStack() as all_turns:
            for _ in range(self._worker.width):
                await all_turns.enter_async_context(self._turns)
            yield

    def _next_group(self, tx: Snapshot, after: int) -> list[Unfinished]:
        # Items of channels that are no longer configured are kept until they are again.
        return journal.unfinished(tx, list(self._channels), GROUP, GROUP_BYTES, after)

    async def _prepare_group(self, group: list[Unfinished], raws: list[RawItem]) -> list[Take] | None:
        """Parse in one call, and store the files; what is left to do in a transaction. None where each must
        go alone, so that only the guilty item suffers."""
        await self._worker.ready()
        self._on_away("")
        failpoints.hit("parse.begun")
        if any(item.attempts for item in group):
            return None
        try:
            async with self._turns:
                parsed = await self._worker.parse(raws, PARSE_SECONDS + len(raws))
        except ParserAwayError:
            raise
        except Exception as error:
            log.warning("parsing a group failed; parsing one by one", error=repr(error))
            return None
        failpoints.hit("parse.done")
        try:
            # Together: each file waits for the disk, and the disk takes several at once.
            return await asyncio.gather(*map(self._prepare, group, parsed))
        except OSError:
            raise
        except Exception as error:
            log.warning("preparing a group failed; taking it in one by one", error=repr(error))
            return None

    async def _take_group(self, group: _Group, ready: list[Take] | None) -> None:
        """In one transaction, as it came: who writes twice must not be read backwards."""
        if ready is not None:
            try:
                await self._database.write(lambda tx: _take_unfinished(tx, group.items, ready))
                failpoints.hit("parse.after_commit")
                return
            except (StoreUnavailableError, OSError):
                raise
            except Exception as error:
                log.warning("taking in a group failed; taking it in one by one", error=repr(error))
        for item, raw in zip(group.items, group.raws, strict=True):
            await self._take_alone(item, raw)

    async def _raw_item(self, item: Unfinished) -> RawItem:
        channel = self._channels[item.channel_id]
        data = item.data
        if data is None and item.sha256 is not None:
            data = await asyncio.to_thread(self._blobs.read, item.sha256)
        return channel.spec.parser or "", data or b"", item.meta

    async def _take_alone(self, item: Unfinished, raw: RawItem) -> None:
        await self._worker.ready()
        if item.id not in self._innocent:
            # Counted before it begins: an item that takes the whole server down is counted too.
            await self._database.write(
                lambda tx: journal.note_attempt(tx, item.id, "parsing it was cut short")
            )
        try:
            if item.attempts >= ATTEMPTS_MAX and item.id not in self._innocent:
                raise TimeoutError(item.error or "parsing it was cut short")
            async with self._nobody_beside():
                [events] = await self._worker.parse([raw], PARSE_SECONDS)
        except ParserAwayError:
            if item.id not in self._innocent:
                await self._database.write(lambda tx: journal.forgive_attempt(tx, item.id))
            raise
        except Exception as error:
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                self._innocent.add(item.id)  # no process could be started: the machine's fault
                raise
            why = "it takes too long to parse" if isinstance(error, TimeoutError) else repr(error)
            if isinstance(error, BrokenProcessPool):
                why = "parsing it kills the parser"
            await self._quarantine(item, raw, why)
        else:
            self._innocent.add(item.id)  # if it cannot be stored now, that is the disk's fault
            await self._take(item, events)
            self._innocent.discard(item.id)

    async def _prepare(self, item: Unfinished, events: list[InboundEvent]) -> Take:
        """Store the files of an item; what is left to do for it in a transaction."""
        channel = self._channels[item.channel_id]
        host = self._hosts[item.channel_id]
        facts = self._facts[item.channel_id]
        recognised = [channel.recognise(event) for event in events]
        if item.meta.get("history"):
            recognised = [msgspec.structs.replace(event, history=True) for event in recognised]
        files = [await host.keep_files(event.attachments) for event in recognised]
        return lambda tx: _take_events(tx, facts, item, recognised, files, self._policy)

    async def _take(self, item: Unfinished, events: list[InboundEvent]) -> None:
        try:
            ready = [await self._prepare(item, events)]
            await self._database.write(lambda tx: _take_unfinished(tx, [item], ready))
        except (StoreUnavailableError, OSError):
            raise
        except Exception as error:
            log.exception("an item could not be taken in", channel=item.channel_id, journal=item.id)
            await self._quarantine(item, await self._raw_item(item), repr(error))

    async def _quarantine(self, item: Unfinished, raw: RawItem, why: str) -> None:
        host = self._hosts[item.channel_id]
        sha256 = await asyncio.to_thread(self._blobs.put, raw[1])
        attached = NewFile(
            name=f"item-{item.id}.raw",
            content_type="application/octet-stream",
            kind="file",
            size=len(raw[1]),
            sha256=sha256,
        )
        log.error("item quarantined", channel=item.channel_id, journal=item.id, why=why)

        def shelve(tx: Transaction) -> None:
            if journal.is_unfinished(tx, item.id):
                host.quarantine(tx, item.id, item.dedupe_key, why, (attached,))

        await self._database.write(shelve)


def _take_unfinished(tx: Transaction, items: Sequence[Unfinished], ready: Sequence[Take]) -> None:
    """Take these items in; not those that were taken meanwhile."""
    left = journal.still_unfinished(tx, [item.id for item in items])
    for item, take in zip(items, ready, strict=True):
        if item.id in left:
            take(tx)


def _take_events(
    tx: Transaction,
    facts: ChannelFacts,
    item: Unfinished,
    events: list[InboundEvent],
    files: list[tuple[NewFile, ...]],
    policy: Policy,
) -> None:
    """Everything one raw item holds, in one transaction."""
    outcomes = [take_in(tx, facts, event, kept, policy) for event, kept in zip(events, files, strict=True)]
    first = outcomes[0] if outcomes else Outcome()
    if first.aside:
        journal.quarantined(tx, item.id, first.aside, first.message_id)
        tx.emit(
            "journal.quarantined",
            message_id=first.message_id,
            data={"journal": item.id, "channel": item.channel_id},
        )
    else:
        journal.taken(tx, item.id, first.message_id, first.customer_id)
    failpoints.hit("parse.before_commit")
