"""A server in memory: it journals, deduplicates, keeps threads and bookmarks like the real one, and can
be told to be unavailable."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

import structlog

from channels.base import (
    ChannelHealth,
    Delivery,
    HostUnavailableError,
    Place,
    Placed,
    Receipt,
    StoredFile,
    ThreadFile,
    ThreadMessage,
    ThreadView,
)


class MemoryWatch:
    def __init__(self, watches: list[MemoryWatch]) -> None:
        self._event = asyncio.Event()
        self._watches = watches
        watches.append(self)

    async def changed(self) -> None:
        await self._event.wait()
        self._event.clear()

    def wake(self) -> None:
        self._event.set()

    def close(self) -> None:
        self._event.set()
        if self in self._watches:
            self._watches.remove(self)


class MemoryHost:
    """A `Host` for tests of one channel. `deliveries` holds what was acknowledged, in order."""

    def __init__(
        self, channel_id: str = "test", base_url: str = "http://127.0.0.1:8480", site_name: str = "Shop"
    ) -> None:
        self.channel_id = channel_id
        self.base_url = base_url
        self.site_name = site_name
        self.log: structlog.typing.FilteringBoundLogger = structlog.get_logger(channel=channel_id)
        self.deliveries: list[Delivery] = []
        self.bookmarks: list[tuple[str, bytes]] = []
        self.health: list[ChannelHealth] = []
        self.unavailable = False
        self.clock: int | None = None
        self.operator = ""
        self.opening: int | None = None  # it is closed until then
        self.dismissed: list[str] = []  # keys of what was delivered once more
        self._keys: set[str] = set()
        self._places: dict[tuple[str, int, int], tuple[Place, str]] = {}
        self._state: dict[str, bytes] = {}
        self._threads: dict[str, list[ThreadMessage]] = {}
        self._watches: dict[str, list[MemoryWatch]] = {}
        self._watched: dict[str, asyncio.Event] = {}
        self._files: dict[tuple[str, int], StoredFile] = {}
        self._seq = 0

    def now(self) -> int:
        if self.clock is not None:
            return self.clock
        return int(asyncio.get_running_loop().time() * 1000) + 1_790_000_000_000

    def opens_at(self) -> int | None:
        return self.opening

    def key(self, purpose: str) -> bytes:
        return hashlib.sha256(f"{self.channel_id}/{purpose}".encode()).digest()

    async def submit(
        self, batch: Sequence[Delivery], bookmark: tuple[str, bytes] | None = None
    ) -> list[Receipt]:
        await asyncio.sleep(0)
        if self.unavailable:
            raise HostUnavailableError("told to be unavailable")
        receipts = []
        for delivery in batch:
            if delivery.place is not None:
                at = delivery.place
                self._places[at.box, at.epoch, at.number] = (at, delivery.dedupe_key)
            if delivery.dedupe_key in self._keys:
                self.dismissed.append(delivery.dedupe_key)
                receipts.append(Receipt(dedupe_key=delivery.dedupe_key, duplicate=True))
                continue
            self._keys.add(delivery.dedupe_key)
            self.deliveries.append(delivery)
            self._seq += 1
            event = delivery.event
            if event is not None and event.kind == "message":
                self._append(
                    event.thread,
                    ThreadMessage(
                        seq=self._seq,
                        message_id=self._seq,
                        mine=True,
                        author="",
                        text=event.text,
                        at=event.occurred_at or self.now(),
                        remote_id=event.remote_message_id,
                        files=tuple(
                            ThreadFile(
                                id=self._seq * 100 + index,
                                name=file.name,
                                content_type=file.content_type,
                                size=len(file.data or b""),
                            )
                            for index, file in enumerate(event.attachments)
                        ),
                    ),
                )
            receipts.append(
                Receipt(
                    dedupe_key=delivery.dedupe_key,
                    duplicate=False,
                    message_id=self._seq,
                    conversation_id=1,
                    seq=self._seq,
                )
            )
        if bookmark is not None:
            self.bookmarks.append(bookmark)
            self._state[bookmark[0]] = bookmark[1]
        return receipts

    def say(self, thread: str, text: str, author: str = "Olga") -> ThreadMessage:
        """An operator's message becomes visible in the thread."""
        self._seq += 1
        message = ThreadMessage(
            seq=self._seq,
            message_id=self._seq,
            mine=False,
            author=author,
            text=text,
            at=self.now(),
            remote_id=None,
        )
        self._append(thread, message)
        return message

    def _append(self, thread: str, message: ThreadMessage) -> None:
        self._threads.setdefault(thread, []).append(message)
        for watch in self._watches.get(thread, []):
            watch.wake()

    async def places(self, box: str, epoch: int, newest: int | None = None) -> list[Placed]:
        found = sorted(
            (at for at, _ in self._places.values() if (at.box, at.epoch) == (box, epoch)),
            key=lambda at: at.number,
        )
        return [
            Placed(number=at.number, size=at.size, date=at.date, state="taken")
            for at in (found if newest is None else found[-newest:])
        ]

    async def found_again(self, places: Sequence[Place]) -> list[Place]:
        known = {
            (at.box, at.likeness, at.size, at.date): key for at, key in self._places.values() if at.likeness
        }
        unknown = []
        for at in places:
            key = known.get((at.box, at.likeness, at.size, at.date))
            if key is None:
                unknown.append(at)
            else:
                self._places[at.box, at.epoch, at.number] = (at, key)
        return unknown

    async def get(self, key: str) -> bytes | None:
        return self._state.get(key)

    async def items(self, prefix: str, after: str = "", limit: int = 500) -> list[tuple[str, bytes]]:
        found = [item for item in sorted(self._state.items()) if item[0].startswith(prefix)]
        return [item for item in found if item[0] > after][:limit]

    async def put(self, key: str, value: bytes | None) -> None:
        if self.unavailable:
            raise HostUnavailableError("told to be unavailable")
        if value is None:
            self._state.pop(key, None)
        else:
            self._state[key] = value

    async def thread(self, thread: str, after: int, limit: int = 100) -> ThreadView:
        found = [message for message in self._threads.get(thread, []) if message.seq > after]
        return ThreadView(
            messages=tuple(found[:limit]),
            state="open" if self._threads.get(thread) else "",
            operator=self.operator,
            more=len(found) > limit,
        )

    def watch(self, thread: str) -> MemoryWatch:
        self._watched.setdefault(thread, asyncio.Event()).set()
        return MemoryWatch(self._watches.setdefault(thread, []))

    async def until_watched(self, thread: str) -> None:
        """Return once somebody has begun to watch the thread."""
        await self._watched.setdefault(thread, asyncio.Event()).wait()

    def stored(self) -> dict[str, bytes]:
        """A copy of the channel's durable state."""
        return dict(self._state)

    def add_file(self, thread: str, file_id: int, file: StoredFile) -> None:
        self._files[thread, file_id] = file

    async def file(self, thread: str, file_id: int) -> StoredFile | None:
        return self._files.get((thread, file_id))

    def report(self, health: ChannelHealth) -> None:
        self.health.append(health)
