"""The process that parses mail: what ends with the server, what survives a mail that kills or hangs it."""

from __future__ import annotations

import os
from pathlib import Path

import aiohttp
import msgspec
import pytest

from omni_console.client import ServerClient
from server.protocol import JournalItem
from tests.fakes import poisoned_mail
from tests.fakes.desk_view import received, texts
from tests.fakes.harsh_world import HarshWorld, kill_quietly, workers_of
from tests.fakes.patience import until
from tests.fakes.processes import alive


async def test_a_server_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    async with HarshWorld(tmp_path) as world, ServerClient(str(world.socket)) as client:
        await world.mailer("Anna", "anna@example.org").say("wake the parser")

        async def taken() -> bool:
            return len(await texts(client)) == 1

        await until(taken, "the mail is taken in")
        children = workers_of(world.pid)
        assert children
        await world.kill_server()

        async def gone() -> bool:
            return not any(alive(pid) for pid in children)

        try:
            await until(gone, "the parser ends with its server")
        finally:
            for pid in children:
                kill_quietly(pid)


async def test_mails_that_wait_together_are_taken_in_as_they_came(tmp_path: Path) -> None:
    """Also where some carry files, whose writing takes longer than a short mail."""
    async with HarshWorld(tmp_path) as world, ServerClient(str(world.socket)) as client:
        await world.kill_server()
        writer = world.mailer("Anna", "anna@example.org")
        written = [f"mail number {number}" for number in range(12)]
        for number, text in enumerate(written):
            file = ("photo.png", "image/png", bytes([number]) * 200_000) if number % 3 == 0 else None
            await writer.say(text, file=file)
        await world.recover()

        async def taken() -> bool:
            return len(await texts(client)) == len(written)

        await until(taken, "all mails are taken in")
        assert await texts(client) == written


async def quarantined(socket: Path) -> list[JournalItem]:
    connector = aiohttp.UnixConnector(path=str(socket))
    async with (
        aiohttp.ClientSession(connector=connector) as http,
        http.get("http://omni/v1/journal", params={"state": "quarantined"}) as answer,
    ):
        return msgspec.json.decode(await answer.read(), type=list[JournalItem])


async def test_a_mail_that_hangs_or_kills_the_parser_is_put_aside_and_the_others_pass(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    poisoned_mail.install(tmp_path / "site")
    monkeypatch.setenv("PYTHONPATH", f"{tmp_path / 'site'}{os.pathsep}{Path.cwd()}")
    folder = tmp_path / "world"
    folder.mkdir()
    async with (
        HarshWorld(folder, {'kind = "email"': 'kind = "poisoned"'}) as world,
        ServerClient(str(world.socket)) as client,
    ):
        await world.kill_server()
        writer = world.mailer("Anna", "anna@example.org")
        poisons = [poisoned_mail.HANG, poisoned_mail.KILL, poisoned_mail.EAT]
        for number, poison in enumerate(poisons):
            await writer.say(f"sound {number}")
            await world.mail.append(
                b"From: mallory@example.org\r\nMessage-ID: <%d@x>\r\n%s\r\n\r\nhello" % (number, poison)
            )
        await writer.say("sound, after all that")
        await world.recover()

        async def put_aside() -> bool:
            return len(await quarantined(world.socket)) == len(poisons)

        await until(put_aside, "the poisoned mails are quarantined")

        async def passed() -> bool:
            return set(writer.said) <= set(await texts(client))

        await until(passed, "the sound mails pass")
        # And what comes later passes at once: nothing is tried over and over.
        await writer.say("later")
        await until(passed, "the mail after them passes")

        # Operators see them among the conversations, and the raw mail can be had.
        shown = [message for message in await received(client) if message.kind_of_event == "unsupported"]
        assert len(shown) == len(poisons)
        raws = [await client.file(message.files[0].id) for message in shown]
        for poison in poisons:
            assert sum(poison in raw for raw in raws) == 1
        assert all(item.error for item in await quarantined(world.socket))
