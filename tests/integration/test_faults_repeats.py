"""A provider that repeats everything five times and keeps no order."""

from __future__ import annotations

import asyncio
import json
import random
import uuid
from pathlib import Path

from omni_console.client import ServerClient
from server.protocol import ReplyCommand
from tests.fakes.desk_view import texts
from tests.fakes.harsh_world import HarshWorld
from tests.fakes.patience import until

TIMES = 5
MESSAGES = 40


def message(number: int) -> bytes:
    return json.dumps(
        {
            "type": "message",
            "data": {
                "conversation_key": f"chat-{number % 4}",
                "sender": {"id": f"buyer-{number % 4}", "name": f"Buyer {number % 4}"},
                "text": f"message {number}",
                "message_id": f"m-{number}",
            },
        }
    ).encode()


async def test_one_message_each(tmp_path: Path) -> None:
    async with HarshWorld(tmp_path) as world, ServerClient(str(world.socket)) as client:
        market = world.impatient()
        deliveries = [number for number in range(MESSAGES) for _ in range(TIMES)]
        random.Random(1).shuffle(deliveries)
        statuses = await asyncio.gather(
            *(market.send(f"hook-{number}", message(number)) for number in deliveries)
        )
        assert set(statuses) == {200}
        assert sorted(await texts(client)) == sorted(f"message {number}" for number in range(MESSAGES))
        assert (await client.counts()).queue == 4


async def test_a_status_never_goes_backwards(tmp_path: Path) -> None:
    async with HarshWorld(tmp_path) as world, ServerClient(str(world.socket)) as client:
        market = world.impatient()
        assert await market.send("hook-0", message(0)) == 200
        [conversation] = (await client.conversations("queue")).items
        detail = await client.detail(conversation.id)
        reply = await client.reply(
            conversation.id,
            ReplyCommand(
                client_id=uuid.uuid4().hex,
                text="the answer",
                channel_id=detail.ways[0].channel_id,
                address_id=detail.ways[0].address_id,
                after_seq=detail.history.seq,
            ),
        )

        async def status() -> str:
            history = await client.history(detail.customer.id, None)
            return next(item.status for item in history.messages if item.id == reply.id)

        async def sent() -> bool:
            return await status() == "sent"

        await until(sent, "the answer is sent")
        # The marketplace speaks of our message by the id under which it got it.
        [target] = [webhook_id for webhook_id in world.market._taken]
        for number, kind in enumerate(["read", "delivery", "read", "delivery", "delivery"]):
            data = {"conversation_key": "chat-0", "sender": {"id": "buyer-0"}, "target": target}
            raw = json.dumps({"type": kind, "data": data}).encode()
            assert await market.send(f"receipt-{number}", raw) == 200
            assert await status() == "read"
