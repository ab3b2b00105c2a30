"""Raw items in an operator's hands: opened, imported in spite of their quarantine, brought in from
archives, and reconciled with what the providers keep."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec

from channels.base import BoxLedger, Channel, ChannelError, InboundEvent
from channels.folds import sound
from server.cases.refused import RefusedError
from server.host import ChannelHost
from server.intake import Policy, take_in
from server.people.authors import ChannelFacts
from server.protocol import Archived, Imported
from server.store import files as attachments
from server.store import journal, messages
from server.store.blobs import BlobStore
from server.store.conversations import NotFoundError
from server.store.database import Database
from server.store.files import NewFile
from server.store.journal import Kept
from server.store.transaction import Transaction

PARSE_SECONDS = 60.0  # more than by itself: somebody waits for this one
PARTIAL = "stub"  # in an item's meta: only a part of it was taken

Parse = Callable[[str, bytes, dict[str, str], float], Awaitable[list[InboundEvent]]]


class RawItems:
    """`parse` runs a parser ("module:function") on bytes and meta, within seconds."""

    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        channels: Mapping[str, Channel],
        hosts: Mapping[str, ChannelHost],
        facts: Mapping[str, ChannelFacts],
        policy: Policy,
        parse: Parse,
    ) -> None:
        self._database = database
        self._blobs = blobs
        self._channels = channels
        self._hosts = hosts
        self._facts = facts
        self._policy = policy
        self._parse = parse

    # --- one item -------------------------------------------------------------------------------------

    async def whole(self, journal_id: int) -> bytes:
        """The item as it came; of one that was taken in part, all of it.

        Raises NotFoundError, RefusedError."""
        item = await self._item(journal_id)
        return (await self._whole(item))[0]

    async def import_by_hand(self, journal_id: int) -> Imported:
        """Take a quarantined item in after all. Raises NotFoundError, RefusedError."""
        item = await self._item(journal_id)
        if item.state != "quarantined":
            raise RefusedError(
                f"item {journal_id} is not in quarantine", "omni mail quarantine list shows those"
            )
        channel = self._channel(item.channel_id)
        raw, meta = await self._whole(item)
        try:
            events = await self._parse(channel.spec.parser or "", raw, meta, PARSE_SECONDS)
        except Exception as error:
            raise RefusedError(
                f"item {journal_id} still cannot be read: {type(error).__name__}",
                "omni mail quarantine open shows it as it came",
            ) from error
        events = [channel.recognise(event) for event in events]
        if not events or any(event.quarantine.startswith("unparseable") for event in events):
            raise RefusedError(
                f"item {journal_id} still cannot be taken apart",
                "its conversation has it as a file; omni mail quarantine open shows it as it came",
            )
        events = [msgspec.structs.replace(event, quarantine="") for event in events]
        host = self._hosts[item.channel_id]
        files = [await host.keep_files(event.attachments) for event in events]
        sha256 = await asyncio.to_thread(self._blobs.put, raw) if item.meta.get(PARTIAL) else None
        facts = self._facts[item.channel_id]

        def take(tx: Transaction) -> Imported:
            now = journal.kept(tx, journal_id)
            if now.state != "quarantined":
                raise RefusedError(f"item {journal_id} is not in quarantine any more", "somebody was faster")
            if sha256 is not None:
                journal.completed(tx, journal_id, sha256, len(raw), meta)
            if now.message_id is not None and item.meta.get(PARTIAL) and len(events) == 1:
                conversation_id = _fill_in(tx, now.message_id, events[0], files[0])
                journal.taken(tx, journal_id, now.message_id, now.customer_id)
                return Imported(
                    journal_id=journal_id, message_id=now.message_id, conversation_id=conversation_id
                )
            outcomes = [
                take_in(tx, facts, event, kept, self._policy)
                for event, kept in zip(events, files, strict=True)
            ]
            if outcomes[0].message_id is None:
                raise RefusedError(
                    f"item {journal_id} holds nothing that could be shown", "open it to see why"
                )
            journal.taken(tx, journal_id, outcomes[0].message_id, outcomes[0].customer_id)
            return Imported(
                journal_id=journal_id,
                message_id=outcomes[0].message_id,
                conversation_id=outcomes[0].conversation_id,
            )

        return await self._database.write(take)

    async def _item(self, journal_id: int) -> Kept:
        return await self._database.read(lambda tx: journal.kept(tx, journal_id))

    async def _whole(self, item: Kept) -> tuple[bytes, dict[str, str]]:
        """Its bytes, and what its parser is told of them."""
        meta = {**item.meta, "by_hand": "1"}
        if item.meta.get(PARTIAL):
            try:
                raw = await self._channel(item.channel_id).whole(item.meta)
            except ChannelError as error:
                raise RefusedError(str(error), error.hint) from error
            return raw, {**meta, PARTIAL: "", "size": str(len(raw))}
        if item.data is not None or item.sha256 is None:
            return item.data or b"", meta
        return await asyncio.to_thread(self._blobs.read, item.sha256), meta

    # --- many -----------------------------------------------------------------------------------------

    async def take_archive(self, channel_id: str, items: Sequence[bytes]) -> Archived:
        """Journal items of an archive; they are parsed and taken in afterwards. Raises NotFoundError,
        RefusedError, HostUnavailableError."""
        channel = self._channel(channel_id)
        try:
            batch = [await asyncio.to_thread(channel.archived, raw) for raw in items]
        except ChannelError as error:
            raise RefusedError(str(error), error.hint) from error
        receipts = await self._hosts[channel_id].submit(batch)
        known = sum(receipt.duplicate for receipt in receipts)
        return Archived(new=len(receipts) - known, known=known)

    async def ledger(self, channel_id: str) -> list[BoxLedger]:
        """Raises NotFoundError, RefusedError."""
        try:
            return await self._channel(channel_id).ledger()
        except ChannelError as error:
            raise RefusedError(str(error), error.hint) from error

    def _channel(self, channel_id: str) -> Channel:
        if channel_id not in self._channels:
            raise NotFoundError("channel", repr(channel_id[:80]))
        return self._channels[channel_id]


def _fill_in(tx: Transaction, message_id: int, event: InboundEvent, files: Sequence[NewFile]) -> int:
    """What stood for the item becomes the item; its conversation."""
    place = messages.place_of(tx, message_id)
    messages.fill_in(tx, message_id, event.text, sound(event.folds, event.text))
    attachments.add(tx, message_id, files)
    tx.emit(
        "message.changed",
        conversation_id=place.conversation_id,
        customer_id=place.customer_id,
        message_id=message_id,
        data={"fields": ["text", "files"]},
    )
    return place.conversation_id
