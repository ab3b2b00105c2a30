"""docs/api.md: its program does what it says, and its table has every error."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import aiohttp

from server.api.openapi import STATUS
from server.settings import ApiSettings
from tests.fakes.distant import Distant, new_token
from tests.fakes.running_server import Running, running_server

TEXT = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


async def _notes(run: Running, count: int) -> list[str]:
    """The client ids of the program's notes, once there are as many."""
    async with asyncio.timeout(30):
        while True:
            rows = await run.read("SELECT client_id FROM message WHERE kind = 'note' ORDER BY id")
            if len(rows) >= count:
                return [row["client_id"] for row in rows]
            await asyncio.sleep(0.02)


async def _seen(folder: Path, seq: int) -> None:
    """Until the program wrote down that it has dealt with everything up to here."""
    async with asyncio.timeout(30):
        while True:
            if (folder / "seen").exists() and int((folder / "seen").read_text()) >= seq:
                return
            await asyncio.sleep(0.02)


async def test_the_program_misses_nothing_and_notes_nothing_twice(tmp_path: Path) -> None:
    [program] = re.findall(r"```python\n(.*?)```", TEXT, re.DOTALL)
    (tmp_path / "bot.py").write_text(program)
    async with running_server(api=ApiSettings(listen="127.0.0.1:0")) as run:
        (tmp_path / "token").write_text((await new_token(run)).token)
        environ = os.environ | {"OMNI_URL": Distant(run).url, "PYTHONWARNINGS": "ignore"}

        async def started() -> asyncio.subprocess.Process:
            return await asyncio.create_subprocess_exec(
                sys.executable, "bot.py", cwd=tmp_path, env=environ, stdout=asyncio.subprocess.PIPE
            )

        bot = await started()
        await _seen(tmp_path, await run.newest())
        await run.hook("one")
        await _notes(run, 1)
        bot.kill()  # perhaps before it wrote down that it has dealt with it
        await bot.wait()
        await run.hook("two")
        await run.hook("three")
        bot = await started()
        try:
            await _seen(tmp_path, await run.newest())
            found = await _notes(run, 3)
            rows = await run.read("SELECT id FROM message WHERE kind = 'in' ORDER BY id")
            assert sorted(found) == sorted(f"night-bot-{row['id']}" for row in rows)
            for made in await run.read("SELECT id FROM token"):
                assert (await run.ask("POST", f"/v1/tokens/{made['id']}/revoke", uid=None))[0] == 200
            async with asyncio.timeout(30):
                assert await bot.wait() == 1  # it does not knock for ever
        finally:
            if bot.returncode is None:
                bot.kill()
                await bot.wait()


def test_the_table_of_errors_is_complete() -> None:
    table = set(re.findall(r"^\| [0-9, ]+ \| `(\w+)` \|", TEXT, re.MULTILINE))
    assert table == set(STATUS) - {"compressed"}


async def test_curl_by_the_socket(tmp_path: Path) -> None:
    """The three questions of the first example, asked as curl asks them."""
    examples = re.findall(
        r"curl --unix-socket \$SOCKET '?(http://omni\S+?)'?(?: --json '(\{\})')?$", TEXT, re.M
    )
    assert len(examples) == 3
    async with running_server() as run:
        for number in range(7):
            await run.hook("hello", sender=f"buyer-{number}", key=f"order-{number}")
        async with aiohttp.ClientSession(connector=aiohttp.UnixConnector(run.socket)) as session:
            for url, body in examples:
                headers = {"Accept": "application/json", "Content-Type": "application/json"} if body else {}
                method = "POST" if body else "GET"
                async with session.request(method, url, data=body or None, headers=headers) as answer:
                    assert answer.status == 200, await answer.text()
