"""The client against the fake operator API: each event once and in order, whatever the connection does."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web

from omni_console.client import BACKOFF_MAX_S, Backoff, Link, RefusedError, ServerClient, UnreachableError
from server.protocol import Envelope
from tests.fakes.operator_api import serving
from tests.fakes.operator_api_server import FakeServer

IVAN = 2
SCAN = b"scan" * 1000


class Ears:
    def __init__(self) -> None:
        self.heard: list[Envelope] = []
        self.links: list[Link] = []

    @property
    def seqs(self) -> list[int]:
        return [envelope.seq for envelope in self.heard if envelope.type == "event"]

    async def until(self, true: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not true():  # noqa: ASYNC110 - there is no event to wait for
                await asyncio.sleep(0.01)


async def no_pause(_seconds: float) -> None:
    await asyncio.sleep(0.01)


@asynccontextmanager
async def listening(
    path: Path, ears: Ears, *, offline_after: float = 4.5, seq: int | None = None
) -> AsyncIterator[ServerClient]:
    async with ServerClient(str(path), offline_after=offline_after, sleep=no_pause) as client:
        client.seq = seq
        task = asyncio.create_task(client.listen(ears.heard.append, ears.links.append))
        try:
            yield client
        finally:
            task.cancel()


async def test_every_event_once_and_in_order_over_many_connections(world: FakeServer, tmp_path: Path) -> None:
    path, ears = tmp_path / "s", Ears()
    async with serving(world, path), listening(path, ears, seq=world.seq):
        await ears.until(lambda: ears.links)
        pushed: list[int] = []
        for number in range(60):
            if number % 15 == 7:
                await ears.until(lambda: ears.seqs == pushed)
                await world.cut()
            pushed.append((await world.push("conversation.state", conversation_id=IVAN)).seq)
        await ears.until(lambda: len(ears.seqs) >= 60)
    assert ears.seqs == pushed
    assert [link.state for link in ears.links].count("offline") >= 4


async def test_what_was_missed_while_the_server_was_away_comes_on_return(
    world: FakeServer, tmp_path: Path
) -> None:
    path, ears = tmp_path / "s", Ears()
    async with listening(path, ears, seq=world.seq):
        await ears.until(lambda: ears.links and ears.links[0].state == "offline")
        first = (await world.push("conversation.state", conversation_id=IVAN)).seq
        async with serving(world, path):
            await ears.until(lambda: ears.seqs == [first])
        await ears.until(lambda: ears.links[-1].state == "offline")
        second = (await world.push("conversation.state", conversation_id=IVAN)).seq
        async with serving(world, path):
            await ears.until(lambda: ears.seqs == [first, second])
            assert ears.links[-1].state == "online"


async def test_silence_is_offline(world: FakeServer, tmp_path: Path) -> None:
    path, ears = tmp_path / "s", Ears()
    async with serving(world, path), listening(path, ears, offline_after=1.0, seq=world.seq):
        await ears.until(lambda: ears.links)
        world.go_silent()
        await ears.until(lambda: ears.links[-1].state == "offline")
        assert ears.links[-1].why == "no sign of life"
        world.silent = False
        await ears.until(lambda: ears.links[-1].state == "online")


async def test_a_log_that_no_longer_reaches_back_says_reset(world: FakeServer, tmp_path: Path) -> None:
    path, ears = tmp_path / "s", Ears()
    world.log_from = world.seq
    async with serving(world, path), listening(path, ears, seq=5) as client:
        await ears.until(lambda: ears.heard)
        assert [envelope.type for envelope in ears.heard] == ["reset"]
        assert client.seq == world.seq


async def test_heartbeats_move_the_place_to_resume_from(world: FakeServer, tmp_path: Path) -> None:
    path, ears = tmp_path / "s", Ears()
    async with serving(world, path), listening(path, ears, seq=world.seq) as client:
        await ears.until(lambda: ears.links)
        world.seq += 50  # events that are not for us
        await ears.until(lambda: client.seq == world.seq)
    assert ears.heard == []


async def test_a_refusal_is_typed(world: FakeServer, tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with serving(world, path), ServerClient(str(path)) as client:
        with pytest.raises(RefusedError) as caught:
            await client.detail(404)
        assert caught.value.status == 404
        assert caught.value.body.code == "not_found"
        world.fail_next["/counts"] = "503"
        with pytest.raises(RefusedError, match="the disk is full"):
            await client.counts()


async def test_no_answer_says_whether_the_command_left(world: FakeServer, tmp_path: Path) -> None:
    path = tmp_path / "s"
    async with ServerClient(str(path)) as client:
        with pytest.raises(UnreachableError) as caught:
            await client.release(IVAN)
        assert not caught.value.maybe_done
        async with serving(world, path):
            world.fail_next["/release"] = "drop"
            with pytest.raises(UnreachableError) as caught:
                await client.release(IVAN)
            assert caught.value.maybe_done
            assert world.conversations[IVAN].assignee_id is None


def test_pauses_grow_to_a_limit_and_are_never_in_step() -> None:
    longest = Backoff(lambda: 0.0)
    pauses = [longest.pause() for _ in range(10)]
    assert pauses == sorted(pauses)
    assert pauses[-1] == BACKOFF_MAX_S
    shortest = Backoff(lambda: 1.0)
    assert [shortest.pause() * 2 for _ in range(10)] == pauses
    longest.reset()
    assert longest.pause() == pauses[0]


async def test_a_large_file_may_take_longer_than_an_answer(
    world: FakeServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omni_console.client.ANSWER_S", 0.05)
    path = tmp_path / "s"

    async def slowly(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await asyncio.sleep(0.2)
        await response.write(SCAN)
        return response

    app = web.Application()
    app.router.add_get("/v1/files/5", slowly)
    app.router.add_get("/v1/hello", slowly)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.UnixSite(runner, str(path)).start()
    try:
        async with ServerClient(str(path)) as client:
            assert await client.file(5) == SCAN
            with pytest.raises(UnreachableError):
                await client.hello()
    finally:
        await runner.cleanup()
