"""A backup over the operators' socket: who may, one at a time, and the same answers from what it restores."""

from __future__ import annotations

import asyncio
import io
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest

from server.restore import restore, verify
from tests.fakes.running_server import IVAN, OLGA, Running, only, running_server, until

ANSWERS = (
    "/v1/conversations?view=all",
    "/v1/conversations?view=queue",
    "/v1/conversations/1",
    "/v1/customers/1",
    "/v1/customers/1/history",
    "/v1/search?q=kettle",
    "/v1/counts",
    "/v1/operators",
    "/v1/drafts",
)


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="omni-") as made:  # short, for the socket's sake
        yield Path(made)


async def answers(running: Running) -> list[Any]:
    """What an operator sees, without the numbers of events, which go on."""
    found = []
    for path in ANSWERS:
        status, body = await running.ask("GET", path)
        assert status == 200, (path, body)
        found.append(_without_seq(msgspec.json.decode(body)))
    return found


def _without_seq(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_seq(item) for name, item in value.items() if name != "seq"}
    return [_without_seq(item) for item in value] if isinstance(value, list) else value


async def test_only_an_administrator_may() -> None:
    async with running_server() as running:
        for uid in (OLGA, IVAN, 99_999):
            status, body = await running.ask("POST", "/v1/backup", uid=uid)
            assert status in (401, 403), body
        status, body = await running.ask("POST", "/v1/backup", uid=None)
        assert status == 200
        assert verify(io.BytesIO(body)).counts["operator"] == 4
        assert not list((running.folder / "data").glob("backup.partial*"))


async def test_one_at_a_time() -> None:
    async with running_server() as running:
        both = await asyncio.gather(
            running.ask("POST", "/v1/backup", uid=None), running.ask("POST", "/v1/backup", uid=None)
        )
        assert sorted(status for status, _ in both) == [200, 409]
        status, _ = await running.ask("POST", "/v1/backup", uid=None)
        assert status == 200


async def test_the_same_answers_from_what_was_restored(folder: Path) -> None:
    async with running_server(folder) as running:
        await running.hook("where is my kettle?", person={"name": "Boris"})
        await running.hook("and my spoon?", sender="buyer-2", key="order-2")
        client = await running.client()
        await running.answer(client, 1, "on its way")
        await running.settled()
        await until(lambda: running.receiver.texts() == ["on its way"])
        before = await answers(running)
        status, archive = await running.ask("POST", "/v1/backup", uid=None)
        assert status == 200
        # The old server goes on, and a console reads what the restored one will never know.
        await running.hook("forget that", sender="buyer-3", key="order-3")
        lost = await running.newest()
    restored = restore(io.BytesIO(archive), folder / "data", replace=True)
    assert restored.unknown == 0
    async with running_server(folder) as running:
        assert await answers(running) == before
        listening = await running.listen(resume=lost)
        await until(lambda: any(one.type == "reset" for one in listening.heard))
        assert running.receiver.texts() == []
        running.numbers = itertools.count(100)  # the market does not begin anew
        await running.hook("new after all", sender="buyer-4", key="order-4")
        await until(lambda: bool(listening.events("message.received")))
        newest = listening.bodies("message.received")[-1]
        assert (newest.message_id or 0) > 1_000_000


async def test_what_waited_is_not_sent_by_itself_and_can_be_settled(folder: Path) -> None:
    async with running_server(folder) as running:
        running.receiver.answers.extend([503] * 3)
        await running.hook("where is my kettle?")
        client = await running.client()
        await running.answer(client, 1, "on its way")
        await until(lambda: bool(running.receiver.tries))
        status, archive = await running.ask("POST", "/v1/backup", uid=None)
        assert status == 200
    assert restore(io.BytesIO(archive), folder / "data", replace=True).unknown == 1
    async with running_server(folder) as running:
        client = await running.client()
        assert (await only(client)).unsettled == 1
        [item] = await client.outbox()
        assert (item.state, "backup" in item.error) == ("unknown", True)
        assert running.receiver.tries == []
        await client.settle("again", [item.message.id])
        await until(lambda: running.receiver.texts() == ["on its way"])
        await running.settled()
        assert (await only(client)).unsettled == 0


async def test_a_full_disk_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    async with running_server() as running:
        monkeypatch.setattr("server.backup.shutil.disk_usage", lambda path: SimpleNamespace(free=0))
        status, body = await running.ask("POST", "/v1/backup", uid=None)
        assert status == 503
        assert b"a backup needs" in body
        monkeypatch.undo()
        assert (await running.ask("POST", "/v1/backup", uid=None))[0] == 200
