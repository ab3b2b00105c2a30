"""The server dies in the middle of a delivery: after the other end has the reply, before we know it."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from omni_console.client import ServerClient
from omni_console.demo.customers import Customer
from server.protocol import Message, OutboxItem, ReplyCommand
from tests.fakes.harsh_world import HarshWorld
from tests.fakes.patience import until


async def answered(client: ServerClient, customer: Customer) -> Message:
    """Wait for the customer's question and answer it; the reply as acknowledged."""

    async def waits() -> bool:
        return bool((await client.conversations("queue")).items)

    await until(waits, f"{customer.name} is in the queue")
    [conversation] = (await client.conversations("queue")).items
    await client.claim(conversation.id, None)
    detail = await client.detail(conversation.id)
    command = ReplyCommand(
        client_id=uuid.uuid4().hex,
        text="the answer",
        channel_id=detail.ways[0].channel_id,
        address_id=detail.ways[0].address_id,
        after_seq=detail.history.seq,
    )
    return await client.reply(conversation.id, command)


async def settled(client: ServerClient) -> list[OutboxItem]:
    """What the outbox shows when nothing moves in it any more."""

    async def quiet() -> bool:
        return all(item.state in ("unknown", "failed") for item in await client.outbox())

    await until(quiet, "the outbox is quiet")
    return await client.outbox()


async def test_e_mail_taken_by_smtp_and_not_confirmed_is_shown_as_unknown_and_not_sent_again(
    tmp_path: Path,
) -> None:
    async with HarshWorld(tmp_path) as world, ServerClient(str(world.socket)) as client:
        taken = world.sink.handle_DATA
        killed = asyncio.Event()

        async def take_and_kill(server: SMTP, session: Session, envelope: Envelope) -> Any:
            answer = await taken(server, session, envelope)
            world.signal_kill()
            killed.set()
            return answer

        world.sink.handle_DATA = take_and_kill  # type: ignore[method-assign]
        writer = world.mailer("Anna", "anna@example.org")
        await writer.say("the question")
        reply = await answered(client, writer)
        async with asyncio.timeout(30):
            await killed.wait()
        world.sink.handle_DATA = taken  # type: ignore[method-assign]
        await world.kill_server()
        await world.recover()
        [item] = await settled(client)

        assert (item.message.id, item.state, item.message.status) == (reply.id, "unknown", "unknown")
        assert item.error
        conversation = (await client.detail(reply.conversation_id)).conversation
        assert (conversation.state, conversation.unsettled) == ("open", 1)
        assert writer.heard == ["the answer"]
        # The operator decides: sending it again is his word, and it is the same mail by its Message-ID.
        await client.settle("again", [reply.id])

        async def twice() -> bool:
            return len(world.sink.mails) == 2

        await until(twice, "it is sent again")
        ids = {line for mail in world.sink.mails for line in mail.data.splitlines() if b"Message-ID" in line}
        assert len(ids) == 1
        assert await settled(client) == []


async def test_a_webhook_taken_and_not_confirmed_is_sent_again_under_the_same_id(tmp_path: Path) -> None:
    async with HarshWorld(tmp_path) as world, ServerClient(str(world.socket)) as client:
        buyer = world.market.customer("Boris", "boris")
        killed = asyncio.Event()

        def kill(customer: Customer, text: str) -> None:
            world.signal_kill()
            killed.set()

        buyer.on_heard = kill
        await buyer.say("the question")
        reply = await answered(client, buyer)
        async with asyncio.timeout(30):
            await killed.wait()
        await world.kill_server()
        await world.recover()

        assert await settled(client) == []
        history = await client.history(reply.customer_id, None)
        [stored] = [message for message in history.messages if message.id == reply.id]
        assert stored.status == "sent"
        assert buyer.heard == ["the answer"]


async def test_the_site_chat_shows_a_reply_once_over_a_crash(tmp_path: Path) -> None:
    async with HarshWorld(tmp_path) as world, ServerClient(str(world.socket)) as client:
        visitor = world.visitor("Vera")
        killed = asyncio.Event()

        def kill(customer: Customer, text: str) -> None:
            if not killed.is_set():
                world.signal_kill()
                killed.set()

        visitor.on_heard = kill
        await visitor.say("the question")
        await answered(client, visitor)
        async with asyncio.timeout(30):
            await killed.wait()
        await world.kill_server()
        await world.recover()
        # What is said next comes through the same stream, after anything that would be repeated.
        await visitor.say("another question")
        [conversation] = (await client.conversations("mine")).items
        detail = await client.detail(conversation.id)
        way = detail.ways[0]
        await client.reply(
            conversation.id,
            ReplyCommand(
                client_id=uuid.uuid4().hex,
                text="another answer",
                channel_id=way.channel_id,
                address_id=way.address_id,
                after_seq=detail.history.seq,
            ),
        )

        async def heard() -> bool:
            return "another answer" in visitor.heard

        await until(heard, "the visitor hears the second answer")
        assert visitor.heard == ["the answer", "another answer"]
        await visitor.leave()
