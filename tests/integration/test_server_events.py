"""The event stream: everything once and in order, over any number of connections."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from channels.base import ChannelHealth
from server.api import events as stream_module
from server.cut_off import ALARM_MS
from server.protocol import PROTOCOL, Draft
from server.store import events as log_of_events
from tests.fakes.letters import LettersChannel
from tests.fakes.running_server import IVAN, OLGA, Listening, Running, only, refusal, running_server, until


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


class Wire:
    """A console that speaks the protocol by hand."""

    def __init__(self, run: Running, uid: int = OLGA) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.UnixConnector(path=run.socket), headers={"Authorization": f"Bearer {uid}"}
        )
        self.socket: aiohttp.ClientWebSocketResponse

    async def __aenter__(self) -> Wire:
        self.socket = await self._session.ws_connect("http://omni/v1/events")
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.socket.close()
        await self._session.close()

    async def say(self, text: str) -> None:
        await self.socket.send_str(text)

    async def subscribe(self, **fields: Any) -> dict[str, Any]:
        await self.say(json.dumps({"protocol": PROTOCOL, **fields}))
        return await self.frame()

    async def frame(self) -> dict[str, Any]:
        found: dict[str, Any] = await self.socket.receive_json(timeout=10)
        return found


async def speak(run: Running, count: int) -> None:
    await run.letters.hear_all([run.letters.letter("ivan@example.org", f"line {n}") for n in range(count)])


def seqs(listening: Listening) -> list[int]:
    return [one.seq for one in listening.events()]


async def test_a_welcome_and_nothing_old(run: Running) -> None:
    await speak(run, 3)
    async with Wire(run) as wire:
        welcome = await wire.subscribe()
        assert (welcome["type"], welcome["seq"]) == ("welcome", await run.newest())
        await speak(run, 1)
        assert (await wire.frame())["seq"] > welcome["seq"]


async def test_resuming_loses_and_doubles_nothing(run: Running) -> None:
    """A console whose link breaks over and over, while customers write."""
    start = await run.newest()
    chance = random.Random(7)
    client = await run.client()
    client.seq = start
    heard: list[int] = []
    writing = asyncio.create_task(_write_on(run, 60))
    connections = 0
    while not writing.done() or (client.seq or 0) < await run.newest():
        listening = Listening(client)
        target = (client.seq or 0) + chance.randint(1, 40)
        await until(
            lambda at=listening, goal=target: (  # type: ignore[misc]
                (at.client.seq or 0) >= goal or (writing.done() and bool(at.heard or at.links))
            )
        )
        await listening.stop()
        await client.close()
        heard += seqs(listening)
        connections += 1
    assert connections > 3
    rows = await run.read("SELECT seq FROM event WHERE seq > ? ORDER BY seq", start)
    assert heard == [row["seq"] for row in rows]


async def _write_on(run: Running, groups: int) -> None:
    for _ in range(groups):
        await speak(run, 10)
        await asyncio.sleep(0.002)


async def test_a_long_absence_is_replayed_in_pages(run: Running) -> None:
    start = await run.newest()
    for _ in range(7):
        await speak(run, 200)
    assert await run.newest() > start + 2 * 500  # more than two pages of the replay
    listening = await run.listen(resume=start)
    await listening.reached(await run.newest())
    rows = await run.read("SELECT seq FROM event WHERE seq > ? ORDER BY seq", start)
    assert seqs(listening) == [row["seq"] for row in rows]


async def test_a_trimmed_log_says_reset(run: Running) -> None:
    old = await run.newest()
    await speak(run, 20)
    await speak(run, 1)  # what was committed together is forgotten together
    run.clock.advance(1000)
    now = run.clock.now()
    await run.server.database.write(lambda tx: log_of_events.forget_before(tx, now))
    newest = await run.newest()
    listening = await run.listen(resume=old)
    await until(lambda: bool(listening.heard))
    assert [(one.type, one.seq) for one in listening.heard] == [("reset", newest)]
    await speak(run, 1)
    await listening.reached(await run.newest())
    assert seqs(listening) == [newest + 1]


async def test_a_number_from_another_life_of_the_log_says_reset(run: Running) -> None:
    """The database was restored from a backup: what the console remembers never happened here."""
    await speak(run, 3)
    async with Wire(run) as wire:
        assert (await wire.subscribe(resume=10**9))["type"] == "welcome"
        assert (await wire.frame())["type"] == "reset"
    listening = await run.listen(resume=10**9)
    await until(lambda: bool(listening.heard))
    await speak(run, 1)
    await until(lambda: bool(listening.events("message.received")))


async def test_private_events_only_to_their_owner_also_on_a_resume(run: Running) -> None:
    start = await run.newest()
    olga = await run.client()
    await run.hook("hello")
    conversation = await only(olga)
    await olga.save_draft(Draft(conversation_id=conversation.id, text="secret thoughts"))
    await olga.seen(conversation.id, start)
    newest = await run.newest()
    mine, theirs = await run.listen(OLGA, start), await run.listen(IVAN, start)
    await mine.reached(newest)
    await until(lambda: bool(theirs.events("message.received")))
    assert [one.kind for one in mine.events()][-2:] == ["draft.saved", "conversation.seen"]
    assert [one.kind for one in theirs.events()] == ["conversation.opened", "message.received"]
    # What he may not hear counts as examined all the same.
    await olga.claim(conversation.id, None)
    await theirs.reached(newest + 1)
    assert not any(body.conversation and body.conversation.seen_seq for body in mine.bodies())


async def test_heartbeats_carry_what_was_examined(run: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream_module, "HEARTBEAT_S", 0.02)
    olga = await run.client()
    await run.hook("hello")
    conversation = await only(olga)
    async with Wire(run, IVAN) as wire:
        welcome = await wire.subscribe()
        await olga.save_draft(Draft(conversation_id=conversation.id, text="not for Ivan"))
        for _ in range(200):
            frame = await wire.frame()
            assert frame["type"] == "heartbeat"
            if frame["seq"] > welcome["seq"]:
                break
        assert frame["seq"] == await run.newest()
        assert frame["at"] == run.clock.now()


async def test_a_slow_console_is_cut_off_and_the_others_go_on(
    run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.hub.QUEUE_EVENTS_MAX", 50)
    quick = await run.listen(IVAN)
    start = await run.newest()
    hold = asyncio.Event()
    original = aiohttp.web.WebSocketResponse.send_str
    forward = stream_module._forward
    slow: list[object] = []

    async def noted(socket: aiohttp.web.WebSocketResponse, *more: Any) -> None:
        slow.append(socket)
        await forward(socket, *more)

    async def send(self: Any, data: str, *more: Any) -> None:
        if any(self is socket for socket in slow):
            await hold.wait()
        await original(self, data, *more)

    monkeypatch.setattr(stream_module, "_forward", noted)
    monkeypatch.setattr(aiohttp.web.WebSocketResponse, "send_str", send)
    async with Wire(run, OLGA) as wire:
        await wire.subscribe()
        [subscription] = [one for one in run.server.hub._subscriptions if one.operator.login == "olga"]
        await until(lambda: bool(slow))
        for _ in range(5):
            await speak(run, 40)
        await quick.reached(await run.newest())
        assert subscription.cut_off
        hold.set()
        got: list[int] = []
        while (frame := await wire.frame())["type"] == "event":
            got.append(frame["seq"])
        assert frame["type"] == "bye"
        assert frame["seq"] == (got[-1] if got else start)
        assert f"resume from {frame['seq']}" in frame["text"]
    # Resumed from there nothing is missing.
    again = await run.listen(OLGA, resume=frame["seq"])
    await again.reached(await run.newest())
    rows = await run.read("SELECT seq FROM event WHERE seq > ? ORDER BY seq", start)
    assert got + seqs(again) == [row["seq"] for row in rows] == seqs(quick)


async def test_a_disabled_operator_is_cut_off_at_once(run: Running) -> None:
    admin, olga = await run.client(None), await run.client(OLGA)
    theirs = await run.listen(OLGA)
    await run.hook("hello")
    conversation = await only(olga)
    await olga.claim(conversation.id, None)
    status, _ = await run.ask("POST", "/v1/operators/olga/disable", uid=None)
    assert status == 200
    async with asyncio.timeout(10):
        await theirs.task  # refused for good: the client does not try again
    assert theirs.links[-1].state == "refused"
    assert (await refusal(olga.hello())).status == 401
    assert (await only(admin)).assignee_id is None
    await until(lambda: not run.server.hub.is_online(1))


@pytest.mark.parametrize(
    "first",
    ["", "no json", "[]", '"x"', '{"protocol": "one"}', '{"resume": "x"}', '{"protocol": 99}', "null"],
)
async def test_a_first_frame_that_is_none_ends_in_bye(first: str, run: Running) -> None:
    async with Wire(run) as wire:
        await wire.say(first)
        frame = await wire.frame()
        assert frame["type"] == "bye"
        assert frame["text"]
        assert (await wire.socket.receive(timeout=10)).type in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
        )


async def test_another_protocol_is_refused_in_words(run: Running) -> None:
    status, body = await run.ask("GET", "/v1/hello", headers={"Omni-Protocol": "99"})
    assert status == 426
    assert json.loads(body)["error"]["code"] == "version"
    async with Wire(run) as wire:
        await wire.say('{"protocol": 99}')
        assert "protocol 1" in (await wire.frame())["text"]


async def test_unknown_fields_and_later_frames_are_ignored(run: Running) -> None:
    async with Wire(run) as wire:
        welcome = await wire.subscribe(colour="blue", resume=None)
        assert welcome["type"] == "welcome"
        await wire.say("whatever a newer console may say")
        await speak(run, 1)
        assert (await wire.frame())["type"] == "event"
    status, _ = await run.ask("POST", "/v1/conversations/1/claim", b'{"expect": null, "colour": "blue"}')
    assert status == 200


async def test_a_server_that_stops_says_bye() -> None:
    frames: list[dict[str, Any]] = []

    async def hear_all(wire: Wire) -> None:
        async for message in wire.socket:
            frames.append(message.json())

    async with running_server() as run:
        wire = await Wire(run).__aenter__()
        await wire.subscribe()
        hearing = asyncio.create_task(hear_all(wire))
    await hearing
    assert (frames[-1]["type"], frames[-1]["text"]) == ("bye", "the server is stopping")
    await wire.__aexit__()


async def test_trouble_is_told_and_taken_back(run: Running) -> None:
    stream = await run.listen()
    run.server.trouble.writing_changed("the disk is full: nothing can be written")
    run.server.trouble.writing_changed("")
    await until(lambda: len([one for one in stream.heard if one.type == "trouble"]) == 2)
    texts = [one.text for one in stream.heard if one.type == "trouble"]
    assert texts == ["the disk is full: nothing can be written", ""]
    client = await run.client()
    assert (await client.hello()).trouble == ""


async def test_a_channel_that_is_cut_off_is_told_to_everybody_and_named_to_its_owner() -> None:
    letters = LettersChannel.spec.settings(kind="letters", title="Support", owner="olga")
    async with running_server(channels={"mail": letters}) as run:
        olga, ivan = await run.listen(OLGA), await run.listen(IVAN)

        def told(stream: Listening) -> list[str]:
            return [one.text for one in stream.heard if one.type == "trouble"]

        run.letters.host.report(ChannelHealth(state="retrying", detail="connection refused"))
        run.clock.advance(ALARM_MS - 1)
        await run.read("SELECT 1")
        assert not told(olga)
        run.clock.advance(1)
        await until(lambda: bool(told(olga) and told(ivan)))
        assert told(olga) == ["cut off: Support (yours)"]
        assert told(ivan) == ["cut off: Support (olga)"]
        assert (await (await run.client(OLGA)).hello()).trouble == told(olga)[0]
        run.letters.host.report(ChannelHealth(state="connected"))
        await until(lambda: told(olga)[-1] == "" and told(ivan)[-1] == "")
