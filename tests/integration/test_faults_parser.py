"""The process that parses mail: what ends with the server, what survives a mail that kills or hangs it."""

from __future__ import annotations

from pathlib import Path

from omni_console.client import ServerClient
from tests.fakes.desk_view import texts
from tests.fakes.harsh_world import HarshWorld, kill_quietly, workers_of
from tests.fakes.patience import until


def alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


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
