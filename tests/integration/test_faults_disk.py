"""A disk that is full, and a database that somebody else holds: nothing is promised, nothing is lost,
operators are told, and work goes on by itself."""

from __future__ import annotations

import asyncio
import contextlib
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from omni_console.client import RefusedError, ServerClient
from omni_console.demo.configuration import SHOP_ORIGIN
from omni_console.demo.world import World
from server.protocol import Envelope, NoteCommand
from server.store.offline import DATABASE
from tests.fakes.desk_view import texts
from tests.fakes.harsh_world import HarshWorld
from tests.fakes.impatient_market import ImpatientMarket
from tests.fakes.in_process_world import InProcessWorld
from tests.fakes.patience import until
from tests.fakes.small_disk import allow_growth, can_mount, fill, forbid_growth, tmpfs

MIB = 1024 * 1024
LONG = "x" * 6000  # a message of more than one page


class Console:
    """A console's event stream: what it was told of troubles."""

    def __init__(self) -> None:
        self.troubles: list[str] = []

    def heard(self, envelope: Envelope) -> None:
        if envelope.type == "trouble":
            self.troubles.append(envelope.text)

    async def told(self) -> bool:
        return bool(self.troubles) and self.troubles[-1] != ""

    async def told_that_it_is_over(self) -> bool:
        return bool(self.troubles) and self.troubles[-1] == ""


@asynccontextmanager
async def watching(client: ServerClient) -> AsyncIterator[Console]:
    console = Console()
    online = asyncio.Event()
    listening = asyncio.create_task(client.listen(console.heard, lambda link: online.set()))
    try:
        async with asyncio.timeout(20):
            await online.wait()
        yield console
    finally:
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)


async def hook(world: World, text: str, webhook_id: str) -> int:
    """One signed webhook; its status."""
    market = ImpatientMarket(world.market, world.http, world.secrets.webhook)
    raw = json.dumps(
        {"type": "message", "data": {"sender": {"id": "b", "name": "Boris"}, "text": text}}
    ).encode()
    return await market.send(webhook_id, raw)


async def session(world: World) -> str:
    url = f"{world.base_url}/webchat/site/session"
    async with world.http.post(url, json={"protocol": 1}, headers={"Origin": SHOP_ORIGIN}) as answer:
        return str((await answer.json())["token"])


async def chat(world: World, token: str, text: str, client_id: str) -> int:
    """One message of the site chat; its status."""
    async with world.http.post(
        f"{world.base_url}/webchat/site/messages",
        json={"client_id": client_id, "text": text},
        headers={"Origin": SHOP_ORIGIN, "Authorization": f"Bearer {token}"},
        timeout=aiohttp.ClientTimeout(total=20),
    ) as answer:
        return answer.status


async def accepted(world: World, token: str, number: int) -> bool:
    """Repeat the visitor's message; False where he was asked to write less often."""
    status = await chat(world, token, f"during {number} {LONG}", f"during-chat-{number}")
    assert status in (200, 429)
    return status == 200


def bookmark(data_dir: Path) -> list[tuple[str, bytes]]:
    """How far the mailbox was read, as it is committed."""
    connection = sqlite3.connect(f"{(data_dir / DATABASE).absolute().as_uri()}?mode=ro", uri=True)
    try:
        return connection.execute(
            "SELECT name, value FROM channel_state WHERE channel_id = 'mail' ORDER BY name"
        ).fetchall()
    finally:
        connection.close()


async def in_trouble_and_out(
    world: World, data_dir: Path, begin: AsyncIterator[None], operators_too: bool = True
) -> None:
    """The same story for every kind of trouble. `begin` brings it, then ends it.

    `operators_too`: what operators write is refused as well, and not only what comes in.
    """
    async with ServerClient(str(world.socket)) as client, watching(client) as console:
        token = await session(world)
        writer = world.mailer("Anna", "anna@example.org")
        await writer.say("before, by mail")
        assert await chat(world, token, "before, in the chat", "before-chat") == 200
        assert await hook(world, "before, by hook", "before-hook") == 200

        async def three() -> bool:
            return len(await texts(client)) == 3

        await until(three, "what was written before is there")
        conversation = (await client.conversations("all")).items[0]
        before = bookmark(data_dir)

        await anext(begin)
        # Everybody writes at the same time; nobody is told that it was taken over.
        statuses = await asyncio.gather(
            *(hook(world, f"during {number} {LONG}", f"during-hook-{number}") for number in range(5)),
            *(chat(world, token, f"during {number} {LONG}", f"during-chat-{number}") for number in range(5)),
        )
        assert set(statuses) == {503}
        note = NoteCommand(client_id="note-in-trouble", text=LONG)
        if operators_too:
            with pytest.raises(RefusedError) as refused:
                await client.note(conversation.id, note)
            assert refused.value.body.code == "unavailable"
            assert refused.value.body.hint
        else:
            assert (await client.note(conversation.id, note)).text == LONG
        await writer.say(f"during, by mail {LONG}")
        await until(console.told, "the console is told of the trouble")
        assert (await client.hello()).trouble == console.troubles[-1]
        assert len(await texts(client)) == 3  # and reading goes on
        async with world.http.get(f"{world.base_url}/healthz") as answer:
            assert answer.status == 503
        assert bookmark(data_dir) == before

        with contextlib.suppress(StopAsyncIteration):
            await anext(begin)
        # By itself: nobody writes anything, but for the mail that waits.
        await until(console.told_that_it_is_over, "the console is told that it is over")

        async def four() -> bool:
            return len(await texts(client)) == 4

        await until(four, "the mail that waited is taken in")
        assert bookmark(data_dir) != before
        # What was refused is sent again, as senders do, and is there once.
        for _ in range(2):
            for number in range(5):
                assert await hook(world, f"during {number} {LONG}", f"during-hook-{number}") == 200
        for number in range(5):
            await until(
                lambda number=number: accepted(world, token, number),  # type: ignore[misc]
                "the visitor's message is taken",
            )
        found = await texts(client)
        assert len(found) == len(set(found)) + 5  # both channels wrote the same five
        assert len(found) == 14


async def test_sqlite_says_full(tmp_path: Path) -> None:
    async with InProcessWorld(tmp_path) as world:

        async def story() -> AsyncIterator[None]:
            await world.limit_pages(0)
            yield
            await world.limit_pages(None)

        await in_trouble_and_out(world, tmp_path / "data", story())


async def test_somebody_else_holds_the_write_lock(tmp_path: Path) -> None:
    async with HarshWorld(tmp_path) as world:

        async def story() -> AsyncIterator[None]:
            other = sqlite3.connect(world.data / DATABASE, isolation_level=None)
            try:
                other.execute("BEGIN IMMEDIATE")
                yield
                other.execute("ROLLBACK")
            finally:
                other.close()
            return

        await in_trouble_and_out(world, world.data, story())
        assert "Traceback" not in world.log_text()


async def test_no_file_may_grow_any_more(tmp_path: Path) -> None:
    """A quota, or a file system that went bad: the log cannot be written either, and nobody minds."""
    async with HarshWorld(tmp_path) as world:

        async def story() -> AsyncIterator[None]:
            forbid_growth(world.pid)
            yield
            allow_growth(world.pid)

        await in_trouble_and_out(world, world.data, story())


async def full_disk(folder: Path, settings: dict[str, str], leave: int) -> None:
    folder.mkdir()
    with tmpfs(folder, 64):
        async with HarshWorld(folder, settings) as world:

            async def story() -> AsyncIterator[None]:
                ballast = fill(folder, leave)
                if leave:
                    # The server looks from time to time, and stops before it is too late.
                    await until(lambda: in_trouble(world), "the server notices")
                yield
                ballast.unlink()

            await in_trouble_and_out(world, world.data, story(), operators_too=not leave)


async def in_trouble(world: World) -> bool:
    async with world.http.get(f"{world.base_url}/healthz") as answer:
        return answer.status == 503


if can_mount():
    # Where mounting is forbidden, test_no_file_may_grow_any_more and test_sqlite_says_full remain.

    async def test_the_disk_is_full_log_and_all(tmp_path: Path) -> None:
        settings = {'data_dir = "data"': 'data_dir = "data"\ndisk_reserve_mb = 0'}
        await full_disk(tmp_path / "disk", settings, leave=0)

    async def test_the_disk_is_nearly_full(tmp_path: Path) -> None:
        settings = {'data_dir = "data"': 'data_dir = "data"\ndisk_reserve_mb = 20'}
        await full_disk(tmp_path / "disk", settings, leave=10 * MIB)


async def test_a_trouble_is_over_even_if_nobody_writes(tmp_path: Path) -> None:
    async with (
        InProcessWorld(tmp_path) as world,
        ServerClient(str(world.socket)) as client,
        watching(client) as console,
    ):
        await world.limit_pages(0)
        assert await hook(world, LONG, "only-this") == 503
        await until(console.told, "the console is told of the trouble")
        await world.limit_pages(None)
        await until(console.told_that_it_is_over, "the console is told that it is over")
