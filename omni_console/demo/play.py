"""Playing the story: who writes when, and what they answer to us."""

from __future__ import annotations

import asyncio
import struct
import uuid
import zlib
from collections.abc import Coroutine

from omni_console.client import ServerClient
from omni_console.demo.customers import Customer, MailCustomer, MarketCustomer, SiteVisitor
from omni_console.demo.story import Merged, Part, Past, Story
from omni_console.demo.world import World
from server.protocol import Conversation, MergeCommand, ReplyCommand

READING_S = 6.0  # how long a customer takes to answer
LEAVES_AFTER_S = 20.0  # silence in the site chat before the visitor is gone
RETURNS_AFTER_S = 15.0
GAP_S = 2.0


def broken_vase() -> bytes:
    """What the customer photographed: a real file, made here. A blue vase before a wall, with a crack."""
    width, height = 120, 90

    def colour(x: int, y: int) -> tuple[int, int, int]:
        bulge = 7 if y < 14 else max(5, 22 - ((y - 54) / 6.2) ** 2)
        aside = (x - 60) / max(bulge, 1)
        if 8 < y < 80 and abs(aside) < 1:
            if 30 < y < 70 and abs(x - 52 - abs(y % 14 - 7)) < 1.5:
                return (20, 24, 40)
            light = 1 - 0.55 * abs(aside + 0.35)
            return (int(70 * light), int(120 * light), int(215 * light))
        return (150, 112, 74) if y > 72 else (214 - y, 205 - y, 190 - y)

    rows = b"".join(
        b"\x00" + bytes(part for x in range(width) for part in colour(x, y)) for y in range(height)
    )
    return png(width, height, rows)


def png(width: int, height: int, rows: bytes) -> bytes:
    """`rows`: each a 0 and then three bytes a pixel."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


SMALL_PDF = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R>>endobj\n2 0 obj<</Type/Pages/Kids[]/Count 0>>endobj\n"
    b"trailer<</Root 1 0 R>>\n%%EOF\n"
)


def _file(name: str) -> tuple[str, str, bytes] | None:
    if not name:
        return None
    if name.endswith(".png"):
        return (name, "image/png", broken_vase())
    return (name, "application/pdf", SMALL_PDF)


async def play_past(world: World, client: ServerClient, story: Story) -> None:
    """What happened before: through the same doors, answered and closed over the operator API."""
    for past in story.past:
        writer = world.mailer(past.name, past.email)
        await writer.say(past.asks, subject=past.subject)
        conversation = await _appears(client, past)
        detail = await client.detail(conversation.id)
        way = detail.ways[0]
        await client.reply(
            conversation.id,
            ReplyCommand(
                client_id=uuid.uuid4().hex,
                text=past.answer,
                channel_id=way.channel_id,
                address_id=way.address_id,
                after_seq=detail.history.seq,
            ),
        )
        await client.close_conversation(conversation.id, past.topic, past.result)
    await _merged_before(world, client, story.merged)


async def _merged_before(world: World, client: ServerClient, merged: Merged) -> None:
    """Two cards that a colleague took for one person, by hand: the card shows it, and can take it apart."""
    buyer = world.market.customer(merged.name, "buyer-merged")
    await buyer.say(merged.asks)
    conversation = await _appears(client, merged)
    (other,) = (
        person for person in (await client.people.find(merged.email)).items if person.name == merged.known_as
    )
    await client.close_conversation(conversation.id, merged.topic, merged.result)
    await client.people.merge(other.id, MergeCommand(other_id=conversation.customer_id, reason=merged.reason))


async def _appears(client: ServerClient, past: Past | Merged) -> Conversation:
    async with asyncio.timeout(20):
        while True:
            page = await client.conversations("queue")
            for conversation in page.items:
                if conversation.customer == past.name:
                    return conversation
            await asyncio.sleep(0.1)


class Player:
    """Plays every part of a story at its own pace, until closed."""

    def __init__(self, world: World, story: Story) -> None:
        self._world = world
        self._story = story
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Let everybody who is there from the beginning write his first words."""
        for part in self._story.parts:
            self._go(self._play(part))
        for part in self._story.passers_by:
            self._go(self._play(part))

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _go(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _play(self, part: Part) -> None:
        await asyncio.sleep(part.after_s)
        customer = self._enter(part)
        heard = asyncio.Event()
        customer.on_heard = lambda who, text: heard.set()
        for number, text in enumerate(part.opens):
            await self._say(customer, part, text, first=number == 0)
            await asyncio.sleep(GAP_S)
        if part.returns and isinstance(customer, SiteVisitor):
            customer = await self._change_channel(customer, part, heard)
        for text in part.answers:
            await heard.wait()
            heard.clear()
            await asyncio.sleep(READING_S)
            await self._say(customer, part, text, first=False)

    def _enter(self, part: Part) -> Customer:
        if part.kind == "site":
            return self._world.visitor(part.name, part.email, typed=part.typed)
        if part.kind == "mail":
            return self._world.mailer(part.name, part.email)
        return self._world.market.customer(part.name, f"buyer-{zlib.crc32(part.name.encode()):08x}")

    async def _say(self, customer: Customer, part: Part, text: str, *, first: bool) -> None:
        file = _file(part.file) if first else None
        if isinstance(customer, MailCustomer):
            await customer.say(text, subject=part.subject, file=file)
        elif isinstance(customer, MarketCustomer):
            await customer.say(text, file=file)
        else:
            await customer.say(text)

    async def _change_channel(self, visitor: SiteVisitor, part: Part, heard: asyncio.Event) -> MailCustomer:
        """Wait for an answer in the chat, or lose patience; then come back by mail."""
        try:
            async with asyncio.timeout(LEAVES_AFTER_S):
                await heard.wait()
        except TimeoutError:
            pass
        await asyncio.sleep(RETURNS_AFTER_S)
        await visitor.leave()
        heard.clear()
        mailer = self._world.mailer(part.name, part.email)
        mailer.on_heard = lambda who, text: heard.set()
        await mailer.say(part.returns, subject=part.subject or "Chat")
        return mailer
