"""Deadlines on a running server, in the test's own time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from channels.secret import Secret
from channels.webchat import WebchatSettings
from server.protocol import Conversation, DeadlineFigure, Recomputed
from server.queue.deadlines import DeadlineSettings
from server.queue.hours import HoursSettings
from tests.fakes.running_server import CHAT_KEY, OLGA, SHOP, Running, running_server

M = 60_000
# The held clock begins on Monday, 21 September 2026, at 14:13 UTC.
OFFICE = {"office": HoursSettings(time_zone="UTC", monday="14:00-18:00", tuesday="09:00-18:00")}
RULES = (
    DeadlineSettings(priority="urgent", first_reply="4m", next_reply="4m"),
    DeadlineSettings(channel="market", first_reply="8m", next_reply="20m", resolution="4h", hours="office"),
)


async def shown(run: Running, true: Callable[[Conversation], bool]) -> Conversation:
    """The one conversation, as soon as it is so."""
    client = await run.client()
    async with asyncio.timeout(10):
        while True:
            [row] = (await client.conversations("all")).items
            if true(row):
                return row
            await asyncio.sleep(0.01)


async def figures(run: Running, conversation_id: int) -> list[DeadlineFigure]:
    _, body = await run.ask("GET", f"/v1/conversations/{conversation_id}/deadlines")
    return msgspec.json.decode(body, type=list[DeadlineFigure])


def level(name: str) -> Callable[[Conversation], bool]:
    return lambda row: row.deadline is not None and row.deadline.level == name


async def test_a_warning_a_breach_and_the_figures_that_stay() -> None:
    async with running_server(hours=OFFICE, deadlines=RULES) as run:
        begun = run.clock.now()
        listening = await run.listen()
        await run.hook("where is my order?")
        row = await shown(run, level("running"))
        assert row.deadline is not None
        assert (row.deadline.kind, row.deadline.due_at) == ("first_reply", begun + 8 * M)
        client = await run.client()
        counts = (await client.conversations("queue")).counts
        assert (counts.at_risk, counts.late) == (0, 0)

        run.clock.advance(6 * M)
        await shown(run, level("risk"))
        counts = (await client.conversations("queue")).counts
        assert (counts.at_risk, counts.late) == (1, 0)
        run.clock.advance(2 * M)
        await shown(run, level("late"))
        counts = (await client.conversations("mine")).counts
        assert (counts.at_risk, counts.late) == (0, 1)
        run.clock.advance(M)
        await run.answer(client, row.id, "on its way")
        row = await shown(run, lambda row: row.deadline is None)
        first, resolution = await figures(run, row.id)
        assert (first.kind, first.status, first.spent_ms, first.late) == ("first_reply", "done", 9 * M, True)
        assert (resolution.status, resolution.spent_ms, resolution.due_at) == ("paused", 9 * M, None)

        run.clock.advance(60 * M)
        await run.hook("and the other one?")
        row = await shown(run, level("running"))
        assert row.deadline is not None
        assert (row.deadline.kind, row.deadline.due_at) == ("next_reply", run.clock.now() + 20 * M)
        run.clock.advance(M)
        await run.settled()
        await client.close_conversation(row.id, "order", "told")
        await shown_closed(run, row.id)
        _, resolution, after = sorted(await figures(run, row.id), key=lambda one: (one.since, one.kind))
        assert (resolution.status, resolution.spent_ms, resolution.late) == ("done", 10 * M, False)
        assert (after.kind, after.status) == ("next_reply", "dropped")
        await listening.reached(await run.newest())
        told = [
            body.data["level"] for body in listening.bodies("conversation.deadline") if "level" in body.data
        ]
        assert told == ["risk", "late"]


async def shown_closed(run: Running, conversation_id: int) -> None:
    async with asyncio.timeout(10):
        while any(one.status in ("running", "paused") for one in await figures(run, conversation_id)):  # noqa: ASYNC110 - it happens in the server
            await asyncio.sleep(0.01)


async def test_an_urgent_conversation_follows_the_rule_of_urgent_ones() -> None:
    async with running_server(hours=OFFICE, deadlines=RULES) as run:
        begun = run.clock.now()
        await run.hook("help")
        row = await shown(run, level("running"))
        await run.ask("PATCH", f"/v1/conversations/{row.id}", b'{"priority": "urgent"}')
        await shown(run, lambda row: row.deadline is not None and row.deadline.due_at == begun + 4 * M)
        assert [one.kind for one in await figures(run, row.id)] == ["first_reply"]


async def test_other_hours_are_followed_after_the_next_start_and_by_command(tmp_path: Path) -> None:
    async with running_server(tmp_path, hours=OFFICE, deadlines=RULES) as run:
        begun = run.clock.now()
        await run.hook("one")
        row = await shown(run, level("running"))
        client = await run.client()
        await run.answer(client, row.id, "yes?")
        await shown(run, lambda row: row.deadline is None)
        await run.settled()
        await client.close_conversation(row.id, "nothing", "nothing")
        await shown_closed(run, row.id)
        await run.hook("two", sender="buyer-2", key="order-2")
        await shown(run, level("running"))
    later = {"office": HoursSettings(time_zone="UTC", tuesday="09:00-18:00")}
    async with running_server(tmp_path, hours=later, deadlines=RULES) as run:
        tuesday = begun - begun % (24 * 60 * M) + (24 + 9) * 60 * M
        row_two = await shown(
            run, lambda row: row.deadline is not None and row.deadline.due_at == tuesday + 8 * M
        )
        assert row_two.id != row.id
        status, body = await run.ask("POST", "/v1/deadlines/recompute", uid=None)
        assert status == 200
        done = msgspec.json.decode(body, type=Recomputed)
        assert done.conversations == 2
        status, _ = await run.ask("POST", "/v1/deadlines/recompute", uid=OLGA)
        assert status == 403
    async with running_server(tmp_path) as run:
        await shown(run, lambda row: row.deadline is None)


async def test_an_answer_in_the_last_moment_is_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # It reads the log only when it must.
    monkeypatch.setattr("server.queue.timekeeper.Timekeeper.gather_s", 3600.0)
    async with running_server(hours=OFFICE, deadlines=RULES) as run:
        await run.hook("now?")
        await run.server.timekeeper.catch_up()
        row = await shown(run, level("running"))
        run.clock.advance(8 * M - 1)
        await run.answer(await run.client(), row.id, "now!")
        run.clock.advance(M)
        await shown(run, lambda row: row.deadline is None)
        told = await run.read("SELECT data FROM event WHERE kind = 'conversation.deadline'")
        assert not any("late" in (one["data"] or "") for one in told)
        first, _ = await figures(run, row.id)
        assert (first.status, first.spent_ms, first.late) == ("done", 8 * M - 1, False)


async def test_what_is_split_off_has_deadlines_of_its_own() -> None:
    async with running_server(hours=OFFICE, deadlines=RULES) as run:
        await run.hook("the first thing")
        await run.hook("quite another thing")
        row = await shown(run, level("running"))
        [second] = await run.read("SELECT max(id) AS id FROM message WHERE kind = 'in'")
        body = msgspec.json.encode({"message_ids": [second["id"]]})
        status, found = await run.ask("POST", f"/v1/conversations/{row.id}/split", body)
        assert status == 200, found
        client = await run.client()
        async with asyncio.timeout(10):
            while True:
                rows = (await client.conversations("all")).items
                if len(rows) == 2 and all(one.deadline for one in rows):
                    break
                await asyncio.sleep(0.01)


async def test_channels_say_whether_they_are_open_and_visitors_read_when() -> None:
    site = WebchatSettings(kind="webchat", origins=[SHOP], identity_secret=Secret(CHAT_KEY), hours="office")
    async with running_server(hours=OFFICE, channels={"site": site}) as run:
        client = await run.client()
        [channel] = await client.channels()
        words = "Mon 14:00-18:00, Tue 09:00-18:00"
        assert (channel.is_open, channel.opens_at, channel.hours) == (True, None, words)
        run.clock.advance(4 * 60 * M)
        [channel] = await client.channels()
        assert channel.is_open is False
        assert channel.opens_at is not None and channel.opens_at > run.clock.now()


async def test_where_nothing_is_configured_nothing_is_due_and_nothing_is_written() -> None:
    async with running_server() as run:
        await run.hook("hello")
        row = await shown(run, lambda row: True)
        assert row.deadline is None and await figures(run, row.id) == []
        assert await run.read("SELECT 1 FROM state_change") == []
