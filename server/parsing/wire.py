"""What the server and a worker apart say to each other: frames of MessagePack, four bytes of length first.

The worker speaks first (`Greeting`), so that a connection that is merely accepted is not taken for somebody
who parses; after that one `Request` is answered by one of `Answer`. Everything is decoded by type: what has
taken a worker over can send wrong events, and nothing else.
"""

from __future__ import annotations

import asyncio

import msgspec

from channels.base import InboundEvent
from server.parsing import RawItem

PROTOCOL = 1
FRAME_MAX = 512 * 1024 * 1024
_LENGTH_BYTES = 4


class FrameError(Exception):
    """What came is no frame of ours."""


class Greeting(msgspec.Struct, frozen=True, kw_only=True):
    """`version` of the product: an older worker would not know what a newer server means."""

    protocol: int
    version: str


class Request(msgspec.Struct, frozen=True, kw_only=True):
    seconds: float
    items: list[RawItem]


class Parsed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    events: list[list[InboundEvent]]


class Late(msgspec.Struct, frozen=True, tag=True):
    """It took longer than `seconds`; whatever parsed was killed."""


class Died(msgspec.Struct, frozen=True, tag=True):
    """It killed the process that parsed."""


class Raised(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The parser raised, or what it gave cannot be sent."""

    error: str


class Away(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """No item's fault: the worker is stopping, or its machine has no room for a process."""

    why: str


Answer = Parsed | Late | Died | Raised | Away


async def receive(reader: asyncio.StreamReader) -> bytes:
    """One frame. Raises asyncio.IncompleteReadError where the other side has gone, FrameError."""
    length = int.from_bytes(await reader.readexactly(_LENGTH_BYTES), "big")
    if length > FRAME_MAX:
        raise FrameError(f"a frame of {length} bytes is longer than any of ours")
    return await reader.readexactly(length)


async def send(writer: asyncio.StreamWriter, what: Greeting | Request | Answer) -> None:
    """Raises OSError where the other side has gone; ValueError, TypeError where it cannot be sent at all."""
    body = msgspec.msgpack.encode(what)
    if len(body) > FRAME_MAX:
        raise ValueError(f"{len(body)} bytes are more than a frame holds")
    writer.write(len(body).to_bytes(_LENGTH_BYTES, "big") + body)
    await writer.drain()
