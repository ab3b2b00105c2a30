"""Customers on three channels and an operator, all of whom keep books and none of whom gives up."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import TypeVar

from omni_console.client import Link, RefusedError, ServerClient, UnreachableError
from omni_console.demo.customers import Customer, MailCustomer, MarketCustomer
from server.protocol import Conversation, Envelope, ReplyCommand
from tests.chaos.checker import Heard, History, Reply, Said
from tests.fakes.harsh_world import HarshWorld
from tests.fakes.impatient_market import ImpatientMarket
from tests.fakes.patience import until

T = TypeVar("T")

EACH = 5  # customers per channel
PAUSE_S = (0.2, 1.4)  # of a customer between two messages
LOOK_S = 0.15
AWAY_S = 0.1
FILE_CHANCE = 0.2
SETTLE_S = 60.0
LATER_CHANCE = 0.25
LATER_S = (0.3, 2.0)  # from writing an answer to its leaving
TAKEN_BACK_CHANCE = 0.4  # of those


class Crowd:
    """`stop` ends the talking; what was begun is finished."""

    def __init__(self, world: HarshWorld, history: History, seed: int) -> None:
        self._history = history
        self._chance = random.Random(seed)
        self._stop = asyncio.Event()
        self.market: ImpatientMarket = world.impatient(seed)
        self.customers: list[Customer] = []
        for number in range(EACH):
            self.customers.append(world.visitor(f"Visitor {number}"))
            self.customers.append(self.market.customer(f"Buyer {number}", f"buyer-{number}"))
            self.customers.append(world.mailer(f"Writer {number}", f"writer{number}@example.net"))
        for customer in self.customers:
            customer.on_heard = self._heard

    def _heard(self, customer: Customer, text: str) -> None:
        self._history.heard.append(Heard(customer.name, text))

    async def talk(self) -> None:
        """Until `stop`. Raises what a customer raises who was refused for good."""
        await asyncio.gather(*(self._talk(customer) for customer in self.customers))
        await self.market.until_repeated()

    def stop(self) -> None:
        self._stop.set()

    async def _talk(self, customer: Customer) -> None:
        number = 0
        while not self._stop.is_set():
            text = f"{customer.name} asks {number}: {uuid.uuid4().hex}"
            number += 1
            files = 0
            place = len(self._history.said)
            self._history.said.append(Said(customer.name, text, acknowledged=False))
            if isinstance(customer, MarketCustomer | MailCustomer) and self._chance.random() < FILE_CHANCE:
                files = 1
                content = self._chance.randbytes(self._chance.randrange(1, 40_000))
                self._history.said[place] = Said(customer.name, text, False, files)
                await customer.say(text, file=("photo.png", "image/png", content))
            else:
                await customer.say(text)
            self._history.said[place] = Said(customer.name, text, True, files)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._chance.uniform(*PAUSE_S)):
                    await self._stop.wait()


class Operator:
    """Claims and answers whoever waits, repeats a command until it is answered, and reads the stream.

    `chance`: some answers leave later, and some of these are taken back; without it all leave at once.
    """

    def __init__(self, client: ServerClient, history: History, chance: random.Random | None = None) -> None:
        self._client = client
        self._history = history
        self._chance = chance
        self._names: dict[int, str] = {}
        self.breaks = 0

    async def listen(self) -> None:
        """Hear every event from now on, over any number of connections. Ends only by cancellation."""
        newest = (await self._until_answered(self._client.hello)).seq
        self._client.seq = self._history.console_from = newest

        def heard(envelope: Envelope) -> None:
            if envelope.type == "event":
                self._history.console_seqs.append(envelope.seq)
            elif envelope.type == "reset":
                raise AssertionError("the log no longer reaches back to what this console heard")

        def link(now: Link) -> None:
            self.breaks += now.state == "offline"

        await self._client.listen(heard, link)

    async def work(self) -> None:
        """Until cancelled."""
        while True:
            queue = await self._until_answered(lambda: self._client.conversations("queue"))
            mine = await self._until_answered(lambda: self._client.conversations("mine"))
            for conversation in [*queue.items, *mine.items]:
                if conversation.waiting_since is not None:
                    await self._answer(conversation)
            await asyncio.sleep(LOOK_S)

    async def _until_answered(self, ask: Callable[[], Awaitable[T]]) -> T:
        """The same command until the server says yes or no: what a console does whose link broke."""
        while True:
            try:
                return await ask()
            except UnreachableError:
                await asyncio.sleep(AWAY_S)
            except RefusedError as error:
                if error.body.code != "unavailable":
                    raise
                await asyncio.sleep(AWAY_S)

    async def _answer(self, conversation: Conversation) -> None:
        if conversation.assignee_id is None:
            try:
                await self._until_answered(lambda: self._client.claim(conversation.id, None))
            except RefusedError as error:
                if error.body.code != "taken":
                    raise
                # The claim that a crash left unanswered was carried out: it is ours.
        detail = await self._until_answered(lambda: self._client.detail(conversation.id))
        way = detail.ways[0]
        command = ReplyCommand(
            client_id=uuid.uuid4().hex,
            text=f"answer {uuid.uuid4().hex}",
            channel_id=way.channel_id,
            address_id=way.address_id,
            after_seq=detail.history.seq,
            at=self._later(),
            keep=True,
        )
        place = len(self._history.replies)
        name = detail.customer.name
        self._history.replies.append(Reply(command.text, way.channel_id, name, None))
        try:
            message = await self._until_answered(lambda: self._client.reply(conversation.id, command))
        except RefusedError as error:
            # Something new came in: read it first, answer in the next round. Or its time was over before
            # the server was back.
            if error.body.code != "stale" and command.at is None:
                raise
            return
        self._history.replies[place] = Reply(command.text, way.channel_id, name, message.id)
        if command.at is not None and self._chooses(TAKEN_BACK_CHANCE):
            with contextlib.suppress(RefusedError):  # too late: it has left
                await self._until_answered(lambda: self._client.withdraw(message.id))
                self._history.replies[place] = Reply(command.text, way.channel_id, name, message.id, True)

    def _chooses(self, share: float) -> bool:
        return self._chance is not None and self._chance.random() < share

    def _later(self) -> int | None:
        """When this answer leaves, in milliseconds; None: at once."""
        if self._chance is None or not self._chooses(LATER_CHANCE):
            return None
        return int((time.time() + self._chance.uniform(*LATER_S)) * 1000)

    async def until_quiet(self, crowd: Crowd) -> None:
        """Until all is read, answered and delivered, as far as the server will do it by itself."""
        deadline = asyncio.get_running_loop().time() + SETTLE_S
        quiet = 0
        while asyncio.get_running_loop().time() < deadline and quiet < 3:
            await asyncio.sleep(2 * LOOK_S)
            counts = await self._until_answered(self._client.counts)
            outbox = await self._until_answered(self._client.outbox)
            moving = [item for item in outbox if item.state not in ("failed", "unknown")]
            said = sum(len(customer.said) for customer in crowd.customers)
            idle = counts.queue == 0 and not moving and said == len(self._history.said)
            waiting = (await self._until_answered(lambda: self._client.conversations("mine"))).items
            idle = idle and not any(item.waiting_since is not None for item in waiting)
            quiet = quiet + 1 if idle else 0

    async def found(self, text: str) -> bool:
        """Whether a search finds the message; it also makes the server bring its text index up to date."""
        page = await self._until_answered(lambda: self._client.search(text))
        return any(hit.message.text.strip() == text for hit in page.hits)

    async def until_heard(self) -> None:
        """Until the stream has brought everything that the log holds now; then the books are closed."""
        newest = (await self._until_answered(self._client.hello)).seq

        async def heard_all() -> bool:
            return (self._client.seq or 0) >= newest

        await until(heard_all, "the console hears what the log holds", SETTLE_S)
        self._history.console_to = newest
