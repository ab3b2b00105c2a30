"""After the commit: events to consoles and site chats, in the order of the log.

The log holds ids only. What a frame shows is read when it is published, once for all consoles, and encoded
once; a resume reads the same way, so live and resumed frames cannot differ in kind.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple

import msgspec
import structlog

from server import failpoints
from server.marks import Marks
from server.onlookers import Onlookers
from server.operators import authorise
from server.protocol import Company, Envelope, EventBody, OperatorInfo, Whereabouts
from server.store import conversations, customer_view, events, messages, shares
from server.store.database import Database
from server.store.tokens import Bearer
from server.store.transaction import Event, Snapshot

log = structlog.get_logger(__name__)

QUEUE_EVENTS_MAX = 1_000
QUEUE_BYTES_MAX = 4 * 1024 * 1024
REPLAY_PAGE = 500

ThreadKey = tuple[str, str]


class Frame(NamedTuple):
    event: Event
    data: bytes
    shared_with: frozenset[int] = frozenset()  # may see it besides those who see everything


def encode(envelope: Envelope) -> bytes:
    return msgspec.json.encode(envelope)


def frames(tx: Snapshot, batch: Sequence[Event], marks: Marks) -> list[Frame]:
    """Events with the rows as they are now, encoded for the wire."""
    found_conversations = conversations.many(
        tx, list({event.conversation_id for event in batch if event.conversation_id is not None})
    )
    found_messages = messages.many(tx, {event.message_id for event in batch if event.message_id is not None})
    for conversation in found_conversations.values():
        marks.conversation(conversation)
        conversation.seen_seq = 0
    for one in found_messages.values():
        marks.message(one)
    readers = shares.readers(
        tx, {*found_conversations, *(one.conversation_id for one in found_messages.values())}
    )
    result = []
    for event in batch:
        message = found_messages.get(event.message_id or 0)
        body = EventBody(
            conversation_id=event.conversation_id,
            customer_id=event.customer_id,
            message_id=event.message_id,
            operator_id=event.operator_id,
            data=event.data,
            conversation=found_conversations.get(event.conversation_id or 0),
            message=message,
        )
        envelope = Envelope(
            type="event",
            seq=event.seq,
            kind=event.kind,
            at=event.at,
            body=msgspec.Raw(msgspec.json.encode(body)),
        )
        shared_with = readers.get(event.conversation_id or 0, frozenset())
        if message is not None:
            # It may have gone to another conversation since.
            shared_with &= readers.get(message.conversation_id, frozenset())
        result.append(Frame(event, encode(envelope), shared_with))
    return result


def _glimpse(conversation_id: int) -> Event:
    """What may be known of who looks at a conversation is asked like an event of it; none is written."""
    return Event(seq=0, at=0, kind="presence", conversation_id=conversation_id)


def _shown(company: Company) -> bytes:
    return encode(Envelope(type="presence", body=msgspec.Raw(msgspec.json.encode(company))))


class Subscription:
    """One console's bounded queue. Whoever reads too slowly is cut off; nobody else waits for him."""

    def __init__(self, operator: OperatorInfo, last_seq: int, bearer: Bearer | None = None) -> None:
        self.operator = operator
        self.bearer = bearer  # None: it came by the socket
        self.examined = last_seq  # every event up to here was looked at for this console
        self.sent = last_seq
        self.cut_off = False
        self.closed = ""  # why the server ends it
        self._queue: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._passing: dict[int, bytes] = {}  # by conversation: only the newest is worth sending
        self._wake = asyncio.Event()

    @property
    def may_write(self) -> bool:
        return authorise(self.operator, "write", scope="admin" if self.bearer is None else self.bearer.scope)

    @property
    def is_empty(self) -> bool:
        """Everything up to `examined` was taken to be sent."""
        return not self._queue and not self.cut_off

    def glimpse(self, company: Company, frame: bytes) -> None:
        """Who is at a conversation, if this one may know. Outside the log: never resumed, cuts nobody off."""
        if authorise(self.operator, "read", _glimpse(company.conversation_id)):
            self._passing[company.conversation_id] = frame
            self._wake.set()

    def take_passing(self) -> list[bytes]:
        taken = list(self._passing.values())
        self._passing.clear()
        return taken

    def push(self, seq: int, frame: bytes) -> None:
        if self.cut_off or self.closed:
            return
        self._queue.append((seq, frame))
        self._bytes += len(frame)
        if len(self._queue) > QUEUE_EVENTS_MAX or self._bytes > QUEUE_BYTES_MAX:
            self.cut_off = True
        self._wake.set()

    def offer(self, batch: Sequence[Frame]) -> None:
        for event, data, shared_with in batch:
            if event.seq > self.examined:
                self.examined = event.seq
                if authorise(self.operator, "look", event, shared_with=shared_with):
                    self.push(event.seq, data)

    def end(self, why: str) -> None:
        self.closed = why
        self._wake.set()

    def take(self) -> list[tuple[int, bytes]]:
        taken = list(self._queue)
        self._queue.clear()
        self._bytes = 0
        return taken

    async def wait(self, timeout: float) -> bool:
        """Until there is something to send; False when the time is over before that."""
        try:
            async with asyncio.timeout(timeout):
                await self._wake.wait()
        except TimeoutError:
            # Something may have come since the time ran out: a heartbeat would speak of it as sent.
            if not self._wake.is_set():
                return False
        self._wake.clear()
        return True


class Watch:
    """A site chat that wants to know when its thread changed."""

    def __init__(self, drop: Callable[[Watch], None]) -> None:
        self._drop = drop
        self._changed = asyncio.Event()

    async def changed(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    def wake(self) -> None:
        self._changed.set()

    def close(self) -> None:
        self._drop(self)


class Hub:
    def __init__(self, database: Database, marks: Marks, last_seq: int) -> None:
        self._database = database
        self._marks = marks
        self.last_published = last_seq
        self.trouble = ""
        self._subscriptions: set[Subscription] = set()
        self._watches: dict[ThreadKey, set[Watch]] = {}
        self._pending: list[Event] = []
        self._pump: asyncio.Task[None] | None = None
        self.on_event: list[Callable[[Event], None]] = []
        self.onlookers = Onlookers()

    # --- consoles ---------------------------------------------------------------------------------

    def is_online(self, operator_id: int) -> bool:
        # A copy: the writer's thread asks, while consoles come and go on the loop's.
        # A program that may only read is nobody who could answer.
        return operator_id in self.operators_online()

    def operators_online(self) -> frozenset[int]:
        return frozenset(
            one.operator.id
            for one in tuple(self._subscriptions)
            if one.bearer is None or one.bearer.scope != "read"
        )

    @property
    def consoles(self) -> int:
        return len(self._subscriptions)

    @property
    def visitors(self) -> int:
        """Site chats that listen."""
        return sum(len(watches) for watches in self._watches.values())

    def subscribe(self, operator: OperatorInfo, bearer: Bearer | None = None) -> Subscription:
        """From the newest published event on. What lies between a client's resume point and that is
        replayed by `replay`, which must run before the queue is read."""
        subscription = Subscription(operator, self.last_published, bearer)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription, now: int) -> None:
        self._subscriptions.discard(subscription)
        self.onlookers.gone(subscription)
        self.tell_company(now)

    # --- who is looking, who is typing --------------------------------------------------------------

    def attend(self, subscription: Subscription, wanted: Whereabouts, now: int) -> None:
        """What a console says of itself, as far as its operator may look and write there."""
        if subscription not in self._subscriptions:
            return
        operator = subscription.operator
        shown = [key for key in wanted.open if authorise(operator, "read", _glimpse(key))]
        typing = wanted.typing if wanted.typing in shown and subscription.may_write else None
        self.onlookers.say(subscription, operator.id, shown, now, typing, wanted.kind)
        self.tell_company(now)

    def customer_types(self, conversation_id: int, now: int) -> None:
        self.onlookers.customer_types(conversation_id, now)
        self.tell_company(now)

    def tell_company(self, now: int) -> None:
        """Tell all consoles what it is time to tell; called at each change, and every second."""
        for company in self.onlookers.news(now):
            frame = _shown(company)
            for subscription in self._subscriptions:
                subscription.glimpse(company, frame)

    def introduce(self, subscription: Subscription) -> None:
        """Who is where, for a console that has just come."""
        for company in self.onlookers.told():
            subscription.glimpse(company, _shown(company))

    async def replay(
        self, operator: OperatorInfo, after: int, up_to: int, send: Callable[[int, bytes], Awaitable[None]]
    ) -> bool:
        """Send the log's events in (after, up_to]; False where the log does not reach back that far."""
        if not await self._database.read(lambda tx: events.reaches_back_to(tx, after)):
            return False
        while after < up_to:

            def read_page(tx: Snapshot, after: int = after) -> list[Frame]:
                page = [event for event in events.after(tx, after, REPLAY_PAGE) if event.seq <= up_to]
                return frames(tx, page, self._marks)

            page = await self._database.read(read_page)
            if not page:
                break
            for event, data, shared_with in page:
                if authorise(operator, "look", event, shared_with=shared_with):
                    await send(event.seq, data)
            after = page[-1].event.seq
        return True

    def end_all(self, why: str) -> None:
        for subscription in self._subscriptions:
            subscription.end(why)

    def end_operator(self, operator_id: int, why: str) -> None:
        for subscription in self._subscriptions:
            if subscription.operator.id == operator_id:
                subscription.end(why)

    def end_token(self, token_id: int, why: str) -> None:
        for subscription in self._subscriptions:
            if subscription.bearer is not None and subscription.bearer.token_id == token_id:
                subscription.end(why)

    def end_expired(self, now: int) -> None:
        """End the streams whose token has expired; called every second."""
        for subscription in self._subscriptions:
            bearer = subscription.bearer
            if bearer is not None and bearer.expires_at is not None and bearer.expires_at <= now:
                subscription.end("this token has expired")

    def tell_trouble(self, text: str, own: Callable[[OperatorInfo], str] | None = None) -> None:
        """What every operator must know at once; empty when it is over. `own`: as one of them is told it."""
        self.trouble = text
        for subscription in self._subscriptions:
            said = text if own is None else own(subscription.operator)
            frame = encode(Envelope(type="trouble", seq=self.last_published, text=said))
            subscription.push(subscription.examined, frame)

    # --- site chats -------------------------------------------------------------------------------

    def watch(self, channel_id: str, thread: str) -> Watch:
        key = (channel_id, thread)

        def drop(watch: Watch) -> None:
            watches = self._watches.get(key)
            if watches is not None:
                watches.discard(watch)
                if not watches:
                    del self._watches[key]

        watch = Watch(drop)
        self._watches.setdefault(key, set()).add(watch)
        return watch

    # --- the log --------------------------------------------------------------------------------------

    def publish(self, committed: list[Event]) -> None:
        """Called on the event loop after each commit, in the order of the log."""
        failpoints.hit("hub.committed")
        for event in committed:
            if event.kind == "message.received" and event.conversation_id is not None:
                self.onlookers.customer_wrote(event.conversation_id)
            for listener in self.on_event:
                listener(event)
        if not self._subscriptions and not self._watches and (self._pump is None or self._pump.done()):
            self.last_published = committed[-1].seq
            return
        self._pending += committed
        if self._pump is None or self._pump.done():
            self._pump = asyncio.create_task(self._broadcast(), name="hub")

    async def _broadcast(self) -> None:
        while self._pending:
            batch = self._pending
            self._pending = []
            try:
                watched = bool(self._subscriptions)
                ready, threads = await self._database.read(
                    lambda tx, batch=batch, watched=watched: self._prepare(tx, batch, watched)  # type: ignore[misc]
                )
                if self._subscriptions and not watched:
                    # The first console came while this was read, too early to find it in the log.
                    ready = await self._database.read(lambda tx, batch=batch: frames(tx, batch, self._marks))  # type: ignore[misc]
            except Exception:
                # Consoles would silently miss events: end them, they resume from the log.
                log.exception("events could not be read for publishing")
                self.last_published = batch[-1].seq
                self.end_all("the server could not read the event log; resume")
                continue
            for subscription in self._subscriptions:
                subscription.offer(ready)
            self.last_published = batch[-1].seq
            failpoints.hit("hub.published")
            for key in threads:
                for watch in self._watches.get(key, ()):
                    watch.wake()

    def _prepare(
        self, tx: Snapshot, batch: list[Event], watched: bool
    ) -> tuple[list[Frame], list[ThreadKey]]:
        threads: list[ThreadKey] = []
        if self._watches:
            threads = customer_view.threads_of(
                tx,
                {event.message_id for event in batch if event.message_id is not None},
                {event.conversation_id for event in batch if event.kind.startswith("conversation.")},
            )
        ready = frames(tx, batch, self._marks) if watched else []
        return ready, threads
