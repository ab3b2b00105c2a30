"""The next conversation: claimed for who asks, one each, with its reasons."""

from __future__ import annotations

import asyncio

import msgspec

from server.protocol import Urgency
from server.queue.deadlines import DeadlineSettings
from server.queue.team_settings import MemberSettings, TeamSettings
from tests.fakes.running_server import IVAN, OLGA, RITA, Running, running_server

M = 60_000


async def take_next(run: Running, uid: int = OLGA, skip: list[int] | None = None) -> Urgency:
    body = msgspec.json.encode({"skip": skip or []})
    status, found = await run.ask("POST", "/v1/next", body, uid)
    assert status == 200, found
    return msgspec.json.decode(found, type=Urgency)


async def test_the_most_urgent_one_is_mine_and_says_why() -> None:
    rules = (DeadlineSettings(channel="market", first_reply="10m"),)
    async with running_server(deadlines=rules) as run:
        visitor = await run.visitor()
        await visitor.say("hello")
        run.clock.advance(5 * M)
        await run.hook("where is it?")
        client = await run.client()
        async with asyncio.timeout(10):
            while not any(row.deadline for row in (await client.conversations("queue")).items):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        found = await take_next(run)
        assert found.conversation is not None
        assert (found.conversation.channel_id, found.conversation.assignee) == ("market", "Olga")
        assert [(part.name, part.points) for part in found.parts] == [("deadline", 85)]
        assert [(one.kind, one.target_ms) for one in found.deadlines] == [("first_reply", 10 * M)]

        run.clock.advance(M)
        again = await take_next(run)
        assert again.conversation is not None and again.conversation.id == found.conversation.id
        assert {part.name for part in again.parts} == {"deadline", "own"}
        other = await take_next(run, skip=[found.conversation.id])
        assert other.conversation is not None and other.conversation.channel_id == "site"
        assert (await take_next(run, IVAN)).conversation is None

        path = f"/v1/conversations/{found.conversation.id}/why"
        status, body = await run.ask("GET", path, uid=RITA)
        assert status == 200
        seen = msgspec.json.decode(body, type=Urgency)
        assert {part.name for part in seen.parts} == {"deadline"}  # it is not hers
        status, _ = await run.ask("POST", "/v1/next", b"{}", RITA)
        assert status == 403


async def test_two_who_ask_at_once_never_get_the_same_one() -> None:
    async with running_server() as run:
        for number in range(12):
            await run.hook(f"order {number}", sender=f"buyer-{number}", key=f"order-{number}")
        mine: dict[int, list[int]] = {OLGA: [], IVAN: []}

        async def work(uid: int) -> None:
            while (one := await take_next(run, uid, mine[uid])).conversation is not None:
                mine[uid].append(one.conversation.id)

        await asyncio.gather(*(work(uid) for uid in (OLGA, IVAN) for _ in range(2)))
        assert not set(mine[OLGA]) & set(mine[IVAN])
        owners = await run.read("SELECT count(*) AS n FROM conversation WHERE assignee_id IS NULL")
        assert owners == [{"n": 0}]
        claims = await run.read("SELECT count(*) AS n FROM event WHERE kind = 'conversation.assigned'")
        assert claims == [{"n": 12}]


async def test_who_is_in_a_team_is_given_that_teams_work() -> None:
    teams = {
        "shop": TeamSettings(channels=["market"], members={"ivan": MemberSettings()}, assignment="claim")
    }
    async with running_server(teams=teams) as run:
        await run.hook("for the shop")
        visitor = await run.visitor()
        await visitor.say("for whoever is there")
        found = await take_next(run, IVAN)
        assert found.conversation is not None and found.conversation.channel_id == "market"
        other = await take_next(run, IVAN, [found.conversation.id])
        assert other.conversation is not None and other.conversation.channel_id == "site"


async def test_what_is_handed_to_a_team_is_the_next_of_that_team_and_of_no_other() -> None:
    teams = {
        "shop": TeamSettings(channels=["market"], members={"olga": MemberSettings()}, assignment="claim"),
        "sales": TeamSettings(channels=["mail"], members={"ivan": MemberSettings()}, assignment="claim"),
    }
    async with running_server(teams=teams) as run:
        await run.hook("what does a hundred cost?")
        mine = await take_next(run)
        assert mine.conversation is not None
        assert (await take_next(run, IVAN)).conversation is None
        body = {"team": "sales", "note": "a hundred"}
        path = f"/v1/conversations/{mine.conversation.id}/assign"
        status, found = await run.ask("POST", path, msgspec.json.encode(body), OLGA)
        assert status == 200, found
        assert (await take_next(run)).conversation is None
        theirs = await take_next(run, IVAN)
        assert theirs.conversation is not None and theirs.conversation.id == mine.conversation.id
