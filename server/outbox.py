"""Durable delivery: leases, order, pacing, backoff, and the unknown result.

A reply is leased (committed), sent, and its result committed under the same lease token; a worker that
lost its lease changes nothing. What was being sent when a process died is unknown, unless the channel is
idempotent: then it is sent again under the same key. Unknown is never resent by itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import secrets
from collections.abc import Callable, Mapping

import msgspec
import structlog

from channels.base import (
    BadCredentials,
    Capabilities,
    Channel,
    ChannelHealth,
    Failed,
    Outbound,
    OutboundFile,
    Paused,
    Recipient,
    Retry,
    SendResult,
    Sent,
    Unknown,
)
from server import failpoints, fates
from server.cases import quoting
from server.clock import Clock
from server.pace import Pace
from server.people import proving
from server.protocol import Recipient as Named
from server.signing import signed
from server.store import files as attachments
from server.store import messages, outbox, recipients, threads
from server.store.blobs import BlobStore
from server.store.database import Database
from server.store.errors import StoreUnavailableError
from server.store.outbox import Leased
from server.store.transaction import Snapshot, Transaction
from server.verdicts import CREDENTIALS_PAUSE_S, fates_of, judge, pause_ms

log = structlog.get_logger(__name__)

LEASE_MS = 90_000
IN_FLIGHT_PER_CHANNEL = 8
IDLE_S = 30.0
LOOK_S = 1.0  # while something waits for its moment
STORE_RETRY_S = 2.0


def lease_ms() -> int:
    return int(failpoints.number("outbox.lease_ms", LEASE_MS))


class CodeOverError(Exception):
    """A message carries a code, and whoever got it now could do nothing with it."""


class Outbox:
    def __init__(
        self,
        database: Database,
        blobs: BlobStore,
        channels: Mapping[str, Channel],
        clock: Clock,
        report: Callable[[str, ChannelHealth], None],
        name: str,
    ) -> None:
        """`name` tells this installation from every other: receivers deduplicate by our keys."""
        self._database = database
        self._blobs = blobs
        self._channels = channels
        self._clock = clock
        self._report = report
        self._name = name
        self._wake = asyncio.Event()
        self._in_flight: dict[str, set[asyncio.Task[None]]] = {name: set() for name in channels}
        self._paces = {name: Pace(channel.spec.capabilities.pace_per_s) for name, channel in channels.items()}
        self._paused_until: dict[str, float] = {}
        self._held: set[tuple[int, str]] = set()  # message and lease of each send that has not ended here
        self._not_begun: set[asyncio.Task[None]] = set()  # leased, and surely not sent yet
        self._task: asyncio.Task[None] | None = None
        self._stopping = False
        self._random = random.Random()  # noqa: S311 - jitter, no secret

    def soon(self) -> None:
        self._wake.set()

    async def start(self) -> None:
        """Settle what an earlier process left in the air, then begin."""
        await self._database.write(lambda tx: self._resolve_abandoned(tx, before=1 << 62))
        self._wake.set()
        self._task = asyncio.create_task(self._run(), name="outbox")

    async def stop(self, patience: float) -> None:
        """Take no more; give back what has not begun; let sends under way finish for `patience` seconds.
        What is then still being sent stays leased: the next start resolves it."""
        if self._task is not None:
            # Not cancelled outright: a lease that is being committed would be held by nobody, and its reply
            # be shown as unknown though it was never sent.
            self._stopping = True
            self._wake.set()
            await asyncio.wait({self._task}, timeout=patience)
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        for task in self._not_begun:
            task.cancel()  # a slow pace may let it wait for hours
        under_way = [task for tasks in self._in_flight.values() for task in tasks]
        if under_way:
            _, late = await asyncio.wait(under_way, timeout=patience)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=1.0)

    def _abandoned(self, tx: Snapshot, before: int) -> list[outbox.Abandoned]:
        # What is under way here is not: whoever was stopped or asleep for longer than a lease will still
        # hear how his own sends ended.
        held = frozenset(self._held)
        return [row for row in outbox.abandoned(tx, before) if (row.message_id, row.lease) not in held]

    def _resolve_abandoned(self, tx: Transaction, before: int) -> int:
        """Sends whose worker is gone: again where the channel is idempotent, else unknown."""
        rows = self._abandoned(tx, before)
        for row in rows:
            channel = self._channels.get(row.channel_id)
            if channel is not None and channel.spec.capabilities.idempotent:
                outbox.set_state(tx, row.message_id, "queued", "", tx.now)
                messages.set_status(tx, row.message_id, "queued")
                continue
            why = "the server stopped while this was being sent"
            fates.declare_unknown(tx, row, why)
        return len(rows)

    async def _run(self) -> None:
        while not self._stopping:
            try:
                wait = await self._send_due()
            except StoreUnavailableError as error:
                log.warning("the outbox waits for the store", reason=str(error))
                wait = STORE_RETRY_S
            except Exception:
                log.exception("the outbox stumbled; trying again")
                wait = STORE_RETRY_S
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._wake.wait()
            self._wake.clear()

    async def _send_due(self) -> float:
        """Lease and start what may be sent now; seconds until there may be more."""
        loop_now = asyncio.get_running_loop().time()
        room = {
            name: IN_FLIGHT_PER_CHANNEL - len(tasks)
            for name, tasks in self._in_flight.items()
            if self._paused_until.get(name, 0.0) <= loop_now
        }
        now = self._clock.now()
        if await self._database.read(lambda tx: bool(self._abandoned(tx, now))):
            await self._database.write(lambda tx: self._resolve_abandoned(tx, now))
        due = await self._database.read(lambda tx: outbox.next_due(tx, list(room), now))
        if due is None or due > now:
            idle = min(IDLE_S, lease_ms() / 1000)
            # Never long: the clock on the wall may be set while we sleep.
            return idle if due is None else min(LOOK_S, idle, max(0.01, (due - now) / 1000))
        token = secrets.token_hex(8)
        leased = await self._database.write(lambda tx: self._lease(tx, token, room))
        if leased:
            failpoints.hit("outbox.leased")
        for item in leased:
            task = asyncio.create_task(self._deliver(item), name=f"send {item.message_id}")
            self._in_flight[item.channel_id].add(task)
            self._held.add((item.message_id, item.lease))
            task.add_done_callback(self._landed(item))
        # Due but not leased: kept back by an earlier message of its thread; its end wakes us.
        return 1.0

    def _lease(self, tx: Transaction, token: str, room: dict[str, int]) -> list[Leased]:
        return [self._signed(tx, item) for item in outbox.lease_due(tx, token, tx.now + lease_ms(), room)]

    def _signed(self, tx: Transaction, item: Leased) -> Leased:
        """The first try decides what stands below it: later ones send the same bytes, whatever is configured
        then, and the customer's window goes on showing what he was sent."""
        signature = self._channels[item.channel_id].signature()
        if item.attempt > 1 or item.automatic or not signature or not item.text.strip():
            return item
        outbox.sign(tx, item.message_id, signature)
        return msgspec.structs.replace(item, signature=signature)

    def _landed(self, item: Leased) -> Callable[[asyncio.Task[None]], None]:
        def landed(task: asyncio.Task[None]) -> None:
            self._in_flight[item.channel_id].discard(task)
            self._held.discard((item.message_id, item.lease))
            self._wake.set()
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("a send ended without a recorded result", exc_info=error)

        return landed

    async def _prepared(self, item: Leased) -> Outbound:
        """The message, when its turn has come. Cancelled before that, its lease is given back."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - for the type checker: coroutines run in tasks
        self._not_begun.add(task)
        try:
            if self._stopping:
                raise asyncio.CancelledError
            await self._paces[item.channel_id].turn()
            return await self._outbound(item)
        except asyncio.CancelledError:
            # Surely not sent: the next start may send it, and nobody needs to decide.
            self._not_begun.discard(task)
            await self._database.write(lambda tx: outbox.give_back(tx, item.message_id, item.lease))
            raise
        finally:
            self._not_begun.discard(task)

    async def _deliver(self, item: Leased) -> None:
        channel = self._channels[item.channel_id]
        capabilities = channel.spec.capabilities
        try:
            message = await self._prepared(item)
        except CodeOverError as error:
            await self._finish(item, Failed(str(error)), capabilities)
            return
        except Exception as error:
            log.exception("a message could not be built", message=item.message_id)
            await self._finish(item, Retry(f"the message could not be built: {error!r}"), capabilities)
            return
        renewal = asyncio.create_task(self._keep_lease(item))
        try:
            failpoints.hit("outbox.before_send")
            async with asyncio.timeout(capabilities.send_timeout_s):
                result = await channel.send(message)
        except TimeoutError:
            result = _doubt(capabilities.idempotent, "no answer in time")
        except Exception as error:
            log.exception("send failed", channel=item.channel_id, message=item.message_id)
            result = _doubt(capabilities.idempotent, f"the adapter failed: {error!r}")
        finally:
            renewal.cancel()
        failpoints.hit("outbox.after_send")
        self._note_channel(item.channel_id, result)
        await self._finish(item, result, capabilities)
        if _reached_somebody(result):
            await self._file_copy(channel, message, capabilities)

    async def _finish(self, item: Leased, result: SendResult, capabilities: Capabilities) -> None:
        """Commit the result. It must not be forgotten because the disk is full just now."""
        verdict = judge(
            result, item, self._clock.now(), capabilities.give_up_after_s, self._random.uniform(-1, 1)
        )
        while True:
            try:
                recorded = await self._database.write(lambda tx: fates.record(tx, item, result, verdict))
            except StoreUnavailableError as error:
                log.warning("a result waits for the store", message=item.message_id, reason=str(error))
                await asyncio.sleep(STORE_RETRY_S)
                continue
            if not recorded:
                log.error("a result came after its lease was lost", message=item.message_id)
            failpoints.hit("outbox.recorded")
            return

    async def _keep_lease(self, item: Leased) -> None:
        while True:
            await asyncio.sleep(lease_ms() / 3000)
            with contextlib.suppress(StoreUnavailableError):
                await self._database.write(
                    lambda tx: outbox.renew(tx, item.message_id, item.lease, tx.now + lease_ms())
                )

    def _note_channel(self, channel_id: str, result: SendResult) -> None:
        """Pause a channel that is at fault itself; it sends again: its pause is over."""
        now = asyncio.get_running_loop().time()
        if isinstance(result, BadCredentials):
            self._paused_until[channel_id] = now + CREDENTIALS_PAUSE_S
            self._report(channel_id, ChannelHealth(state="bad_credentials", detail=result.reason))
        elif isinstance(result, Paused):
            self._paused_until[channel_id] = now + pause_ms(result) / 1000
            self._report(
                channel_id, ChannelHealth(state="retrying", detail=f"sending pauses: {result.reason}")
            )
        elif isinstance(result, Sent) and self._paused_until.pop(channel_id, None) is not None:
            self._report(channel_id, ChannelHealth(state="connected"))

    async def _file_copy(self, channel: Channel, message: Outbound, capabilities: Capabilities) -> None:
        try:
            async with asyncio.timeout(capabilities.send_timeout_s):
                await channel.file_copy(message)
        except Exception as error:
            # What was sent is sent; a missing copy is no reason to send it again.
            log.warning(
                "no copy was filed", channel=channel.id, message=message.message_id, error=repr(error)
            )

    async def _outbound(self, item: Leased) -> Outbound:
        text, references, files, named, own, answered = await self._database.read(
            lambda tx: (
                proving.filled(tx, item.message_id, item.text),
                threads.chain(tx, item.conversation_id, item.channel_id, item.message_id),
                attachments.of_message(tx, item.message_id),
                recipients.of_message(tx, item.message_id),
                threads.addressed_to(tx, item.conversation_id, item.channel_id),
                quoting.quotation(tx, item),
            )
        )
        if text is None:
            raise CodeOverError("the code that it carries is over")
        return Outbound(
            key=f"{self._name}-{item.message_id}",
            message_id=item.message_id,
            conversation_id=item.conversation_id,
            to=item.address,
            to_name=item.address_name or None,
            thread=item.thread,
            text=signed(text[: item.quote_at], item.signature),
            quoted="" if item.quote_at is None else text[item.quote_at :],
            answered=answered,
            automatic=item.automatic,
            addressed_to=own,
            recipients=tuple(_recipient(one) for one in named if one.role != "reply_to"),
            subject=item.subject,
            author=item.author,
            remote_id=item.remote_id,
            references=tuple(references),
            files=tuple(
                OutboundFile(
                    name=file.name,
                    content_type=file.content_type,
                    size=file.size,
                    path=str(self._blobs.path(file.sha256)),
                )
                for file in files
                if file.sha256 is not None
            ),
            written_at=item.written_at,
            attempt=item.attempt,
        )


def _recipient(one: Named) -> Recipient:
    return msgspec.convert(
        {"role": one.role, "address": one.address, "name": one.name, "done": one.state not in ("", "retry")},
        Recipient,
    )


def _reached_somebody(result: SendResult) -> bool:
    return isinstance(result, Sent) or any(fate.state == "sent" for fate in fates_of(result))


def _doubt(idempotent: bool, reason: str) -> SendResult:
    return Retry(reason) if idempotent else Unknown(reason)
