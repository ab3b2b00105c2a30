"""The server as one channel sees it: `channels.base.Host`, made real."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Callable, Sequence

import msgspec
import structlog

from channels.base import (
    Attachment,
    ChannelHealth,
    Delivery,
    HostUnavailableError,
    InboundEvent,
    Place,
    Placed,
    Receipt,
    Sender,
    StoredFile,
    ThreadMessage,
    ThreadView,
    ThreadWatch,
)
from channels.file_types import kind_of, told
from server import failpoints
from server.clock import Clock
from server.dimensions import dimensions
from server.hub import Hub
from server.intake import Outcome, Policy, take_in
from server.people import proving
from server.people.authors import ChannelFacts
from server.people.codes import MASK
from server.store import channels, conversations, customer_view, files, journal, places, state
from server.store.blobs import BlobStore
from server.store.database import Database
from server.store.errors import StoreUnavailableError
from server.store.files import NewFile
from server.store.journal import Raw
from server.store.transaction import Snapshot, Transaction
from server.typists import typed_in

log = structlog.get_logger(__name__)


def _as_sent(tx: Snapshot, message: ThreadMessage) -> ThreadMessage:
    """A code of ours is filled in for whom it is meant, as long as it is good."""
    if message.mine or MASK not in message.text:
        return message
    text = proving.filled(tx, message.message_id, message.text)
    return message if text is None else msgspec.structs.replace(message, text=text)


RAW_INLINE_MAX = 64 * 1024


class Installation(msgspec.Struct, frozen=True, kw_only=True):
    """What all hosts share."""

    database: Database
    blobs: BlobStore
    hub: Hub
    clock: Clock
    key: bytes
    policy: Policy
    site_name: str
    base_url: str
    refuse: Callable[[], str]  # why nothing may be taken in now, or ""
    parse_soon: Callable[[], None]  # a raw item was committed that waits for the parser
    count: Callable[[str, str], None] = lambda what, channel_id: None
    # (channel id, now) -> when it opens next; None: it is open, or nobody said when
    opens_at: Callable[[str, int], int | None] = lambda channel_id, now: None


class Prepared(msgspec.Struct, frozen=True):
    """A delivery whose bytes are durable; only the rows are missing."""

    delivery: Delivery
    raw: Raw
    files: tuple[NewFile, ...]


class ChannelHost:
    def __init__(
        self,
        installation: Installation,
        facts: ChannelFacts,
        report: Callable[[ChannelHealth], None],
    ) -> None:
        self._at = installation
        self._facts = facts
        self._report = report
        self.channel_id = facts.id
        self._heard_at = 0  # when it was last written down that this channel brings something
        self.site_name = installation.site_name
        self.base_url = installation.base_url
        self.log: structlog.typing.FilteringBoundLogger = structlog.get_logger("channel", channel=facts.id)

    def now(self) -> int:
        return self._at.clock.now()

    def opens_at(self) -> int | None:
        return self._at.opens_at(self.channel_id, self.now())

    def key(self, purpose: str) -> bytes:
        label = f"{self.channel_id}\x00{purpose}".encode()
        return hmac.new(self._at.key, label, hashlib.sha256).digest()

    async def submit(
        self, batch: Sequence[Delivery], bookmark: tuple[str, bytes] | None = None
    ) -> list[Receipt]:
        refusal = self._at.refuse()
        if refusal:
            raise HostUnavailableError(refusal)
        passing = [one for one in batch if one.event is not None and one.event.kind == "typing"]
        if passing:
            return await self._with_typing(batch, passing, bookmark)
        try:
            return await self._submit(batch, bookmark)
        finally:
            # However it ended: what is committed is the parser's, and perhaps nobody will submit it again.
            if any(delivery.event is None for delivery in batch):
                self._at.parse_soon()

    async def _with_typing(
        self, batch: Sequence[Delivery], passing: Sequence[Delivery], bookmark: tuple[str, bytes] | None
    ) -> list[Receipt]:
        """That somebody types is shown while it lasts, and written nowhere; the rest is taken in."""
        rest = [one for one in batch if one not in passing]
        taken = iter(await self.submit(rest, bookmark) if rest or bookmark is not None else [])
        receipts = []
        for one in batch:
            if one.event is None or one not in passing:
                receipts.append(next(taken))
                continue
            event = one.event
            where = await self._at.database.read(lambda tx, event=event: typed_in(tx, self._facts, event))  # type: ignore[misc]
            if where is not None:
                self._at.hub.customer_types(where, self.now())
            receipts.append(Receipt(dedupe_key=one.dedupe_key, duplicate=False, conversation_id=where))
        return receipts

    async def _submit(self, batch: Sequence[Delivery], bookmark: tuple[str, bytes] | None) -> list[Receipt]:
        failpoints.hit("intake.begun")
        try:
            # Together: each file waits for the disk, and the disk takes several at once.
            prepared = await asyncio.gather(*map(self._prepare, batch))
        except OSError as error:
            raise HostUnavailableError(f"files cannot be written: {error}") from error
        failpoints.hit("intake.raw_stored")
        heard = bool(prepared) and abs(self.now() - self._heard_at) >= channels.HEARD_EVERY_MS
        if heard:
            self._heard_at = self.now()
        try:
            receipts = await self._at.database.write(lambda tx: self._take(tx, prepared, bookmark, heard))
        except StoreUnavailableError as error:
            raise HostUnavailableError(str(error)) from error
        except Exception:
            # A defect of ours in one item must not cost the others, and not lose that one either.
            log.exception("taking in failed; taking the batch one by one", channel=self.channel_id)
            receipts = await self._take_one_by_one(prepared, bookmark)
        failpoints.hit("intake.after_commit")
        for receipt in receipts:
            self._at.count("duplicate" if receipt.duplicate else "stored", self.channel_id)
        return receipts

    async def _prepare(self, delivery: Delivery) -> Prepared:
        """Write what is large to the blob store, before any row names it."""
        large = len(delivery.raw) > RAW_INLINE_MAX
        sha256 = await asyncio.to_thread(self._at.blobs.put, delivery.raw) if large else None
        raw = Raw(
            dedupe_key=delivery.dedupe_key,
            size=len(delivery.raw),
            data=None if large else delivery.raw,
            sha256=sha256,
            meta=delivery.meta,
        )
        files = await self.keep_files(delivery.event.attachments) if delivery.event is not None else ()
        return Prepared(delivery, raw, files)

    async def keep_files(self, attachments: Sequence[Attachment]) -> tuple[NewFile, ...]:
        """Store the bytes of attachments. Raises OSError."""
        return tuple([await asyncio.to_thread(self._keep, attachment) for attachment in attachments])

    def _keep(self, attachment: Attachment) -> NewFile:
        """What it is, its bytes say: whoever opens it must not rely on its sender."""
        name, data = attachment.name, attachment.data
        if data is None:
            return NewFile(
                name=name,
                content_type=attachment.content_type,
                kind=attachment.kind,
                size=0,
                sha256=None,
                problem=attachment.problem,
            )
        width, height = dimensions(data) or (None, None)
        found = told(attachment.content_type, name, data)
        known = attachment.kind != "file" and not found.stated
        return NewFile(
            name=name,
            content_type=found.content_type,
            kind=attachment.kind if known else kind_of(found.content_type),
            size=len(data),
            sha256=self._at.blobs.put(data),
            problem=attachment.problem,
            stated=found.stated,
            width=width,
            height=height,
        )

    def _take(
        self, tx: Transaction, prepared: Sequence[Prepared], bookmark: tuple[str, bytes] | None, heard: bool
    ) -> list[Receipt]:
        receipts = [self._take_one(tx, item) for item in prepared]
        if heard:
            channels.heard(tx, self.channel_id)
        if bookmark is not None:
            state.put(tx, self.channel_id, *bookmark)
        failpoints.hit("intake.before_commit")
        return receipts

    def _take_one(self, tx: Transaction, item: Prepared) -> Receipt:
        key, place = item.delivery.dedupe_key, item.delivery.place
        known = journal.id_of(tx, self.channel_id, key)
        if known is not None:
            if place is not None:
                places.add(tx, self.channel_id, known, place)
            message_id, conversation_id, seq = journal.earlier(tx, self.channel_id, key)
            return Receipt(
                dedupe_key=key,
                duplicate=True,
                message_id=message_id,
                conversation_id=conversation_id,
                seq=seq,
            )
        if item.delivery.event is None:
            received = journal.receive(tx, self.channel_id, item.raw)
            if place is not None:
                places.add(tx, self.channel_id, received, place)
            return Receipt(dedupe_key=key, duplicate=False)
        outcome = take_in(tx, self._facts, item.delivery.event, item.files, self._at.policy)
        journal.record(tx, self.channel_id, item.raw, outcome.message_id, outcome.customer_id)
        return Receipt(
            dedupe_key=key,
            duplicate=False,
            message_id=outcome.message_id,
            conversation_id=outcome.conversation_id,
            seq=outcome.seq,
        )

    async def _take_one_by_one(
        self, prepared: Sequence[Prepared], bookmark: tuple[str, bytes] | None
    ) -> list[Receipt]:
        receipts = []
        try:
            for item in prepared:
                try:
                    receipts.append(
                        await self._at.database.write(lambda tx, item=item: self._take_one(tx, item))  # type: ignore[misc]
                    )
                except StoreUnavailableError:
                    raise
                except Exception as error:
                    receipts.append(await self._shelve(item, error))
            if bookmark is not None:
                await self._at.database.write(lambda tx: state.put(tx, self.channel_id, *bookmark))
        except StoreUnavailableError as error:
            raise HostUnavailableError(str(error)) from error
        return receipts

    async def _shelve(self, item: Prepared, error: Exception) -> Receipt:
        """Keep an item that our own code cannot take in, visibly."""
        log.error("item quarantined", channel=self.channel_id, exc_info=error)

        def shelve(tx: Transaction) -> Receipt:
            if journal.has(tx, self.channel_id, item.raw.dedupe_key):
                return Receipt(dedupe_key=item.raw.dedupe_key, duplicate=True)
            journal_id = journal.receive(tx, self.channel_id, item.raw)
            outcome = self.quarantine(tx, journal_id, item.raw.dedupe_key, repr(error), ())
            return Receipt(
                dedupe_key=item.raw.dedupe_key,
                duplicate=False,
                message_id=outcome.message_id,
                conversation_id=outcome.conversation_id,
                seq=outcome.seq,
            )

        return await self._at.database.write(shelve)

    def quarantine(
        self, tx: Transaction, journal_id: int, dedupe_key: str, why: str, files: tuple[NewFile, ...]
    ) -> Outcome:
        """Show an unreadable item as a conversation of its own; the raw item stays in the journal."""
        event = InboundEvent(
            kind="unsupported",
            dedupe_key=dedupe_key,
            sender=Sender(
                external_id=f"unreadable:{journal_id}",
                name=f"unreadable item {journal_id}",
                reachable=False,
            ),
            text=f"This item could not be read ({why}). It is kept in the journal as number {journal_id}.",
        )
        outcome = take_in(tx, self._facts, event, files, self._at.policy)
        journal.quarantined(tx, journal_id, why, outcome.message_id)
        tx.emit(
            "journal.quarantined",
            message_id=outcome.message_id,
            data={"journal": journal_id, "channel": self.channel_id},
        )
        return outcome

    async def places(self, box: str, epoch: int, newest: int | None = None) -> list[Placed]:
        return await self._at.database.read(lambda tx: places.of_box(tx, self.channel_id, box, epoch, newest))

    async def found_again(self, found: Sequence[Place]) -> list[Place]:
        try:
            return await self._at.database.write(lambda tx: places.found_again(tx, self.channel_id, found))
        except StoreUnavailableError as error:
            raise HostUnavailableError(str(error)) from error

    async def get(self, key: str) -> bytes | None:
        return await self._at.database.read(lambda tx: state.get(tx, self.channel_id, key))

    async def items(self, prefix: str, after: str = "", limit: int = 500) -> list[tuple[str, bytes]]:
        return await self._at.database.read(lambda tx: state.items(tx, self.channel_id, prefix, after, limit))

    async def put(self, key: str, value: bytes | None) -> None:
        try:
            await self._at.database.write(lambda tx: state.put(tx, self.channel_id, key, value))
        except StoreUnavailableError as error:
            raise HostUnavailableError(str(error)) from error

    async def thread(self, thread: str, after: int, limit: int = 100) -> ThreadView:
        def read(tx: Snapshot) -> ThreadView:
            found = customer_view.thread(tx, self.channel_id, thread, after, limit + 1)
            found = [_as_sent(tx, message) for message in found]
            conversation_id = state.thread_conversation(tx, self.channel_id, thread)
            conversation = None if conversation_id is None else conversations.one(tx, conversation_id)
            return ThreadView(
                messages=tuple(found[:limit]),
                state="" if conversation is None else conversation.state,
                operator="" if conversation is None else conversation.assignee,
                more=len(found) > limit,
            )

        return await self._at.database.read(read)

    def watch(self, thread: str) -> ThreadWatch:
        return self._at.hub.watch(self.channel_id, thread)

    async def file(self, thread: str, file_id: int) -> StoredFile | None:
        row = await self._at.database.read(lambda tx: files.one(tx, file_id))
        if row is None or row.sha256 is None or (row.channel_id, row.thread) != (self.channel_id, thread):
            return None
        return StoredFile(
            name=row.name,
            content_type=row.content_type,
            size=row.size,
            path=str(self._at.blobs.path(row.sha256)),
        )

    def report(self, health: ChannelHealth) -> None:
        self._report(health)
