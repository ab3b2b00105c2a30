"""The server as a channel sees it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, Protocol

import msgspec

from channels.base.facts import ChannelHealth
from channels.base.heard import InboundEvent

if TYPE_CHECKING:
    # Parsers run in processes of their own, which need neither.
    import structlog


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where the provider keeps an item: in mail the folder, its UIDVALIDITY and the UID.

    Within one epoch a number never means another item. `size` and `date` as the provider lists them;
    items of equal `likeness` (not ""), size and date are the same one, as far as a listing can tell.
    """

    box: str
    epoch: int
    number: int
    size: int
    date: int | None  # UTC ms
    likeness: str = ""


class Placed(msgspec.Struct, frozen=True, kw_only=True):
    """An item of the journal at one of its places."""

    number: int
    size: int
    date: int | None
    state: Literal["received", "taken", "quarantined"]
    why: str = ""  # it is quarantined
    message_id: int | None = None


class Delivery(msgspec.Struct, frozen=True, kw_only=True):
    """One raw item for the journal. `event` is None where the parser runs after the commit.

    `meta` is small text the parser needs besides the bytes (folder, UID, internal date). With
    `meta["history"]` the events are taken in as history. `place` is noted for a repeated item too.
    """

    dedupe_key: str
    raw: bytes
    event: InboundEvent | None
    meta: Mapping[str, str] = {}
    place: Place | None = None


class Missing(msgspec.Struct, frozen=True, kw_only=True):
    """An item that the provider keeps and that cannot be accounted for."""

    number: int
    why: str


class BoxLedger(msgspec.Struct, frozen=True, kw_only=True):
    """One box of the provider against the journal; every item that is `kept` is counted in one of the
    others, `gone` excepted."""

    box: str
    epoch: int
    kept: int
    taken: int = 0
    waiting: int = 0  # journaled, and not parsed yet
    quarantined: int = 0
    before: int = 0  # lay there before our first contact
    arriving: int = 0  # newer than what was read so far
    gone: int = 0  # in the journal, and no longer at the provider
    unaccounted: tuple[Missing, ...] = ()
    problem: str = ""  # the box cannot be looked at


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a `Delivery`, once committed. `seq` is the place in the thread (0: not yet known)."""

    dedupe_key: str
    duplicate: bool
    message_id: int | None = None
    conversation_id: int | None = None
    seq: int = 0


class ThreadFile(msgspec.Struct, frozen=True, kw_only=True):
    id: int
    name: str
    content_type: str
    size: int


class ThreadMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message as the customer may see it. `seq` rises strictly in the order of becoming visible."""

    seq: int
    message_id: int
    mine: bool  # written by the customer
    author: str  # an operator's public name, or empty
    text: str
    at: int
    remote_id: str | None
    files: tuple[ThreadFile, ...] = ()


class ThreadView(msgspec.Struct, frozen=True, kw_only=True):
    messages: tuple[ThreadMessage, ...]
    state: str  # of the thread's conversation; "" where there is none yet
    operator: str  # public name of the assignee, or empty
    more: bool = False


class StoredFile(msgspec.Struct, frozen=True, kw_only=True):
    name: str
    content_type: str
    size: int
    path: str


class ThreadWatch(Protocol):
    """Wakes whoever shows a thread; close it when done."""

    async def changed(self) -> None:
        """Return as soon as something was committed to the thread since the last call."""

    def close(self) -> None: ...


class Host(Protocol):
    """The server, as far as one channel may reach it."""

    channel_id: str
    site_name: str
    base_url: str  # public URL of this server, no trailing slash
    log: structlog.typing.FilteringBoundLogger

    def now(self) -> int:
        """UTC milliseconds."""

    def opens_at(self) -> int | None:
        """When somebody is there to answer again (UTC ms); None: now, or nobody said when."""

    def key(self, purpose: str) -> bytes:
        """32 secret bytes of this installation, channel and purpose; the same after a restart."""

    async def submit(
        self, batch: Sequence[Delivery], bookmark: tuple[str, bytes] | None = None
    ) -> list[Receipt]:
        """Journal the batch; return after COMMIT, one receipt per delivery in order.

        `bookmark` (key, value of this channel's state) is written in the same transaction. A raise
        (`HostUnavailableError`) means that nothing was acknowledged: answer with no 2xx, move no bookmark.
        """

    async def places(self, box: str, epoch: int, newest: int | None = None) -> list[Placed]:
        """What the journal has of a box, by rising number; only the `newest` numbers where given."""

    async def found_again(self, places: Sequence[Place]) -> list[Place]:
        """After a renumbering: note the places of items that the journal has, known by their likeness in
        the same box, and give back the places of the others. Returns after COMMIT."""

    async def get(self, key: str) -> bytes | None:
        """A value of this channel's own durable state."""

    async def items(self, prefix: str, after: str = "", limit: int = 500) -> list[tuple[str, bytes]]:
        """Values of this channel's own durable state whose key begins so and comes after `after`, by key."""

    async def put(self, key: str, value: bytes | None) -> None:
        """Write (None: remove) a value of this channel's own durable state; returns after COMMIT."""

    async def thread(self, thread: str, after: int, limit: int = 100) -> ThreadView:
        """Messages of a thread of this channel with seq > after, in order."""

    def watch(self, thread: str) -> ThreadWatch: ...

    async def file(self, thread: str, file_id: int) -> StoredFile | None:
        """A file of the thread, or None where the thread has no such file."""

    def report(self, health: ChannelHealth) -> None:
        """Show the state of the channel to operators."""
