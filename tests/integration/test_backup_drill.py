"""The drill: a backup while everybody writes, restored elsewhere, and a server that goes on from it."""

from __future__ import annotations

import asyncio
import json
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from omni_console.client import ServerClient
from omni_console.commands.errors import Code
from server.lock import DataLock
from server.store import offline
from tests.chaos.checker import History
from tests.chaos.evidence import collect
from tests.chaos.load import Crowd, Operator
from tests.fakes.harsh_world import HarshWorld
from tests.fakes.patience import until

ROOT = Path(__file__).parents[2]


@pytest.fixture
def short() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="omni-") as made:  # short, for the socket's sake
        yield Path(made)


async def omni(world: HarshWorld, *arguments: str) -> tuple[int, str, str]:
    """One command, as an administrator types it: its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "omni_console",
        "--config",
        str(world.config),
        *arguments,
        cwd=ROOT,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **world.secrets.environment()},
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def well(world: HarshWorld, *arguments: str) -> dict[str, Any]:
    code, out, err = await omni(world, *arguments, "--json")
    assert code == Code.OK, err
    found = json.loads(out)
    assert isinstance(found, dict)
    return found


async def test_a_backup_under_load_is_a_server_again(short: Path, tmp_path: Path) -> None:
    history = History()
    archive = tmp_path / "backup.tar"
    async with HarshWorld(short) as world:
        crowd = Crowd(world, history, seed=7)
        async with ServerClient(str(world.socket)) as client:
            operator = Operator(client, history)
            working = asyncio.create_task(operator.work())
            talking = asyncio.create_task(crowd.talk())
            try:
                await until(lambda: _enough(history), "customers and replies")
                said = [one for one in history.said if one.acknowledged]
                replies = [reply for reply in history.replies if reply.message_id is not None]
                made = await well(world, "backup", str(archive))
                crowd.stop()
                await talking
                await operator.until_quiet(crowd)
            finally:
                for task in (talking, working):
                    task.cancel()
                await asyncio.gather(talking, working, return_exceptions=True)
        assert crowd.market.refusals == [], "nobody may notice that a backup is made"
        assert stat.S_IMODE(archive.stat().st_mode) == 0o600
        assert [found.name for found in tmp_path.iterdir()] == ["backup.tar"]
        await world.stop_server()

        restored = await well(world, "restore", str(archive), "--data-dir", str(short / "again"))
        assert restored["newest_seq"] == made["newest_seq"]
        found = collect(short / "again", tmp_path)
        # The index follows the messages: the server that is started on them brings it up.
        assert [line for line in found.broken if "text index" not in line] == []
        assert {one.text for one in said} <= {row.text for row in found.messages}
        assert {reply.message_id for reply in replies} <= {row.id for row in found.messages}
        assert {row.state for row in found.outbox} <= {"sent", "unknown", "failed"}
        assert sum(row.state == "unknown" for row in found.outbox) >= restored["unknown"]
        heard = len(history.heard)

        text = world.config.read_text(encoding="utf-8")
        world.config.write_text(text.replace('data_dir = "data"', 'data_dir = "again"'), encoding="utf-8")
        await world.start_server()
        async with ServerClient(str(world.socket)) as client:
            operator = Operator(client, history)
            assert [one.text for one in said[::5] if not await operator.found(one.text)] == []
            # Mail that came after the backup is still in the mailbox: it comes again, and once.
            mails = [one.text for one in history.said if one.customer.startswith("Writer")]
            for mail in mails[-3:]:

                async def there(mail: str = mail) -> bool:
                    return bool(await operator.found(mail))

                await until(there, f"the mail {mail!r}")
            newest = max(row.id for row in found.messages)
            await world.market.customer("Buyer 0", "buyer-0").say("after the restore")
            await until(lambda: operator.found("after the restore"), "a message after the restore")
        await world.stop_server()
        found = collect(short / "again", tmp_path)
        texts = [row.text for row in found.messages if row.kind == "in"]
        assert len(texts) == len(set(texts)), "something was taken in twice"
        assert found.broken == []
        [after] = [row for row in found.messages if row.text == "after the restore"]
        assert after.id > 1_000_000 > newest
        assert len(history.heard) == heard, "something was sent again by itself"


async def _enough(history: History) -> bool:
    acknowledged = sum(one.acknowledged for one in history.said)
    return acknowledged > 40 and sum(one.message_id is not None for one in history.replies) > 8


async def test_the_commands_without_a_server(short: Path, tmp_path: Path) -> None:
    async with HarshWorld(short) as world:
        code, _, err = await omni(world, "restore", str(short / "nothing"))
        assert (code, "No such file" in err) == (Code.NOT_OK, True), err
        folder = tmp_path / "backups"
        folder.mkdir()
        await well(world, "backup", str(folder))
        [first] = folder.iterdir()
        code, _, err = await omni(world, "restore", str(first), "--replace")
        assert (code, "is in use by process" in err) == (Code.NOT_OK, True), err
        code, _, err = await omni(world, "backup", str(first))
        assert (code, "exists already" in err) == (Code.USAGE, True), err
        await world.stop_server()

        made = await well(world, "backup", str(tmp_path / "offline.tar"))
        assert made["counts"]["operator"] == 1
        with DataLock(world.data):
            code, _, err = await omni(world, "backup", str(tmp_path / "locked.tar"))
            assert (code, "is in use" in err) == (Code.NOT_OK, True), err
        assert not list(tmp_path.glob("*locked*"))
        first.rename(folder / "omni-20200101T000000Z.tar")
        await well(world, "backup", str(folder), "--keep", "1")
        assert "2020" not in " ".join(found.name for found in folder.iterdir())

        code, out, err = await omni(world, "restore", str(tmp_path / "offline.tar"), "--check")
        assert (code, "whole" in out) == (Code.OK, True), err
        code, _, err = await omni(world, "restore", str(tmp_path / "offline.tar"))
        assert (code, "--replace" in err) == (Code.NOT_OK, True), err
        restored = await well(world, "restore", str(tmp_path / "offline.tar"), "--replace")
        assert (Path(restored["aside"]) / offline.DATABASE).is_file()
        raw = (tmp_path / "offline.tar").read_bytes()
        (tmp_path / "cut.tar").write_bytes(raw[: len(raw) - 20_000])
        code, _, err = await omni(world, "restore", str(tmp_path / "cut.tar"), "--replace")
        assert (code, "cut off" in err) == (Code.NOT_OK, True), err
        await world.start_server()


async def test_to_a_pipe_and_back(short: Path, tmp_path: Path) -> None:
    """As `omni backup - | age … ` and `age -d … | omni restore -` do."""
    async with HarshWorld(short) as world:
        environ = {**os.environ, **world.secrets.environment(), "OMNI": str(world.config)}
        command = f"{sys.executable} -m omni_console --config $OMNI"
        target = tmp_path / "target"
        script = f"{command} backup - | {command} restore - --data-dir {target}"
        process = await asyncio.create_subprocess_exec(
            "bash", "-ceo", "pipefail", script, cwd=ROOT, env=environ
        )
        async with asyncio.timeout(60):
            assert await process.wait() == 0
    assert (target / offline.DATABASE).is_file()


async def test_a_server_that_stops_breaks_a_backup_off(short: Path, tmp_path: Path) -> None:
    async with HarshWorld(short) as world:
        await world.stop_server()
        offline.write(
            world.data, lambda tx: [tx.emit("filler", data={"x": "y" * 60_000}) for _ in range(1000)]
        )
        await world.start_server()
        reader, writer = await asyncio.open_unix_connection(str(world.socket))
        writer.write(b"POST /v1/backup HTTP/1.1\r\nHost: omni\r\nContent-Length: 0\r\n\r\n")
        assert b"200" in await reader.readline()
        # Nobody reads on: the archive is larger than all buffers between.
        assert world.process is not None
        world.process.terminate()
        async with asyncio.timeout(10):
            assert await world.process.wait() == 0
        assert not list(world.data.glob("backup.partial*"))
        writer.close()
