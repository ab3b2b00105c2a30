"""`omni demo --check`: the main job without a terminal, counted from the customers' own books."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections import Counter

import msgspec

from omni_console.client import RefusedError, ServerClient
from omni_console.demo.customers import Customer
from omni_console.demo.world import World
from server.protocol import Conversation, Message, ReplyCommand

EACH = 4  # customers per channel
MESSAGES = 3  # per customer
DEADLINE_S = 45.0
LOOK_S = 0.2


class Verdict(msgspec.Struct, kw_only=True):
    """The one line that the check prints."""

    received: int
    answered: int
    delivered: int
    lost: int
    duplicated: int
    people: int
    conversations: int
    suggested: int  # pairs of cards that were offered as one person
    merged: int
    unmerged: int  # of these, taken back with everything as it was
    seconds: float

    @property
    def good(self) -> bool:
        return (
            self.lost == 0
            and self.duplicated == 0
            and self.answered > 0
            and 0 < self.merged == self.unmerged == self.suggested
        )


class Desk:
    """An operator who answers everything, over the operator API only."""

    def __init__(self, client: ServerClient) -> None:
        self._client = client
        self.answers: dict[str, int] = {}  # text of an acknowledged answer -> customer id

    async def work(self) -> None:
        """Answer whoever waits, until cancelled."""
        while True:
            page = await self._client.conversations("queue")
            mine = await self._client.conversations("mine")
            for conversation in [*page.items, *mine.items]:
                if conversation.waiting_since is not None:
                    await self._answer(conversation)
            await asyncio.sleep(LOOK_S)

    async def _answer(self, conversation: Conversation) -> None:
        if conversation.assignee_id is None:
            try:
                await self._client.claim(conversation.id, None)
            except RefusedError as error:
                if error.body.code != "taken":
                    raise
                return
        detail = await self._client.detail(conversation.id)
        way = detail.ways[0]
        text = f"answer {uuid.uuid4().hex}"
        command = ReplyCommand(
            client_id=uuid.uuid4().hex,
            text=text,
            channel_id=way.channel_id,
            address_id=way.address_id,
            after_seq=detail.history.seq,
        )
        try:
            await self._client.reply(conversation.id, command)
            # The same again: the operator's link broke before he heard that it was taken.
            await self._client.reply(conversation.id, command)
        except RefusedError as error:
            if error.body.code != "stale":
                raise
            return  # something new came in: read it first, answer in the next round
        self.answers[text] = conversation.customer_id

    async def idle(self) -> bool:
        counts = await self._client.counts()
        return counts.queue == 0 and counts.mine == 0

    async def everything(self) -> tuple[list[Message], set[int]]:
        """Every message that operators can read, and who wrote them."""
        people: set[int] = set()
        for view in ("mine", "queue", "waiting", "all", "closed"):
            after = None
            while True:
                page = await self._client.conversations(view, after)
                people |= {item.customer_id for item in page.items}
                after = page.next
                if after is None:
                    break
        found: list[Message] = []
        for customer_id in people:
            before = None
            while True:
                history = await self._client.history(customer_id, before)
                found += history.messages
                before = history.before
                if before is None:
                    break
        return found, people


async def _write(customer: Customer, tag: str) -> None:
    for number in range(MESSAGES):
        await customer.say(f"question {number} of {tag} {uuid.uuid4().hex}")
        await asyncio.sleep(0.3)


async def _change_channel(world: World) -> list[Customer]:
    """One who begins in the site chat, falls silent, and comes back by e-mail."""
    address = "traveller@example.org"
    visitor = world.visitor("Tanya Traveller", address)
    answered = asyncio.Event()
    visitor.on_heard = lambda customer, text: answered.set()
    await visitor.say(f"my card is blocked {uuid.uuid4().hex}")
    async with asyncio.timeout(DEADLINE_S):
        await answered.wait()
    await visitor.leave()
    mailer = world.mailer("Tanya Traveller", address)
    await mailer.say(f"I am back, by mail {uuid.uuid4().hex}", subject="My card")
    return [visitor, mailer]


async def _two_cards(world: World) -> list[Customer]:
    """One who writes by mail, and types the same address into the site chat without proof."""
    address = "doubt@example.org"
    mailer = world.mailer("Dora Doubt", address)
    await mailer.say(f"my invoice is wrong {uuid.uuid4().hex}", subject="Invoice")
    visitor = world.visitor("Dora", typed=address)
    await visitor.say(f"I wrote by mail too {uuid.uuid4().hex}")
    return [mailer, visitor]


class Identity(msgspec.Struct):
    suggested: int = 0
    merged: int = 0
    unmerged: int = 0


async def _who_is_whom(client: ServerClient) -> Identity:
    """Take every suggestion, then take that back; what does not come back exactly does not count."""
    found, deadline = Identity(), time.monotonic() + DEADLINE_S
    page = await client.people.suggestions()
    while not page.items and time.monotonic() < deadline:
        await asyncio.sleep(LOOK_S)
        page = await client.people.suggestions()
    for suggestion in page.items:
        found.suggested += 1
        ids = (suggestion.one.id, suggestion.other.id)
        before = [await _said(client, key) for key in ids]
        merged = await client.people.accept(suggestion.id)
        found.merged += await _said(client, merged.customer_id) == before[0] | before[1]
        await client.people.unmerge(merged.merge_id)
        found.unmerged += [await _said(client, key) for key in ids] == before
    return found


async def _said(client: ServerClient, customer_id: int) -> set[tuple[int, str]]:
    """Every message of a person; these histories fit a page."""
    history = await client.history(customer_id, None)
    return {(message.id, message.text) for message in history.messages if message.kind != "system"}


async def check(world: World) -> Verdict:
    """Run the main job in a world that has just begun."""
    began = time.monotonic()
    customers: list[Customer] = []
    for number in range(EACH):
        customers.append(world.visitor(f"Visitor {number}"))
        customers.append(world.market.customer(f"Buyer {number}", f"buyer-{number}"))
        customers.append(world.mailer(f"Writer {number}", f"writer{number}@example.net"))
    async with ServerClient(str(world.socket)) as client:
        desk = Desk(client)
        working = asyncio.create_task(desk.work())
        try:
            travelling = asyncio.create_task(_change_channel(world))
            doubtful = asyncio.create_task(_two_cards(world))
            await asyncio.gather(*(_write(customer, customer.name) for customer in customers))
            customers += await travelling
            customers += await doubtful
            await _until_quiet(desk, customers, working)
        finally:
            working.cancel()
            await asyncio.gather(working, return_exceptions=True)
        identity = await _who_is_whom(client)
        found, people = await desk.everything()
    return _judge(desk, customers, found, people, identity, time.monotonic() - began)


async def _until_quiet(desk: Desk, customers: list[Customer], working: asyncio.Task[None]) -> None:
    """Until everything said was read and answered and every answer arrived, or the time is over."""
    deadline = time.monotonic() + DEADLINE_S
    while time.monotonic() < deadline and not working.done():
        heard = {text for customer in customers for text in customer.heard}
        if set(desk.answers) <= heard and await desk.idle():
            found, _ = await desk.everything()
            read = {message.text.strip() for message in found}
            if all(text in read for customer in customers for text in customer.said):
                # A double would come late: leave it the time.
                await asyncio.sleep(2 * LOOK_S)
                if await desk.idle():
                    return
        await asyncio.sleep(LOOK_S)
    if working.done():
        working.result()


def _judge(
    desk: Desk,
    customers: list[Customer],
    found: list[Message],
    people: set[int],
    identity: Identity,
    seconds: float,
) -> Verdict:
    said = [text for customer in customers for text in customer.said]
    heard = Counter(text for customer in customers for text in customer.heard)
    read = Counter(message.text.strip() for message in found if message.kind == "in")
    lost = sum(1 for text in said if read[text] == 0) + sum(1 for text in desk.answers if heard[text] == 0)
    doubled = sum(read[text] - 1 for text in said if read[text] > 1)
    doubled += sum(count - 1 for count in heard.values() if count > 1)
    return Verdict(
        received=sum(1 for text in said if read[text]),
        answered=len(desk.answers),
        delivered=sum(1 for text in desk.answers if heard[text]),
        lost=lost,
        duplicated=doubled,
        people=len(people),
        conversations=len({message.conversation_id for message in found}),
        suggested=identity.suggested,
        merged=identity.merged,
        unmerged=identity.unmerged,
        seconds=round(seconds, 1),
    )
