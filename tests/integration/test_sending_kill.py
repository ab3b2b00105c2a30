"""A real hold, counted by a real clock: kill -9 in the middle of it loses nothing and sends nothing twice."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from omni_console.client import ServerClient
from omni_console.demo.world import World
from server.protocol import ReplyCommand
from tests.fakes.patience import until


async def test_a_kill_in_the_hold() -> None:
    # Short: a Unix socket's path may have 107 bytes, and pytest's own are long.
    with tempfile.TemporaryDirectory(prefix="omni-") as folder:
        async with World(Path(folder), hold=True) as world, ServerClient(str(world.socket)) as client:
            with world.config.open("a") as config:
                config.write("[sending]\nhold_chats_seconds = 8\n")  # a kill and a start fit into it
            await world.kill_server()
            await world.start_server()
            ivan = world.visitor("Ivan")
            await ivan.arrive()
            await ivan.say("my card is blocked")
            [row] = (await client.conversations("queue")).items
            detail = await client.detail(row.id)
            way = detail.ways[0]
            written = []
            for number, text in enumerate(("taken back", "said")):
                command = ReplyCommand(
                    client_id=f"reply-{number}",
                    text=text,
                    channel_id=way.channel_id,
                    address_id=way.address_id,
                    after_seq=detail.history.seq,
                )
                written.append(await client.reply(row.id, command))
            assert written[1].leaves_at is not None
            await world.kill_server()
            await world.start_server()
            held = [message.id for message in await client.held()]
            assert held == [message.id for message in written]
            taken = await client.withdraw(written[0].id)
            assert taken.draft.text == "taken back"
            assert ivan.heard == []

            async def heard() -> bool:
                return ivan.heard == ["said"] and await client.outbox() == []

            await until(heard, "the other one was said")
            assert time.time() * 1000 >= written[1].leaves_at
            await ivan.leave()
