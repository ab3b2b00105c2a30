"""Stories of waiting: who looked after the borscht, in time or too late; who asked on a Saturday night."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from channels.secret import Secret
from channels.webchat import WebchatSettings
from server.protocol import Conversation
from server.queue.deadlines import DeadlineSettings
from server.queue.hours import HoursSettings
from server.queue.silence import SilenceSettings
from server.queue.team_settings import MemberSettings, RoomSettings, TeamSettings
from tests.fakes.desks import be, holder, present, row_of
from tests.fakes.letters import LettersChannel
from tests.fakes.running_server import CHAT_KEY, IVAN, OLGA, SHOP, Running, running_server

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    team = TeamSettings(
        channels=["site", "mail"],
        members={"olga": MemberSettings(), "ivan": MemberSettings()},
        capacity=RoomSettings(chat=1),
    )
    async with running_server(teams={"shop": team}) as running:
        yield running


async def case_of(run: Running, name: str) -> int:
    """The conversation of the customer of this name."""
    [row] = await run.read(
        "SELECT c.id FROM conversation c JOIN customer k ON k.id = c.customer_id WHERE k.name = ?", name
    )
    return int(row["id"])


async def until_row(run: Running, key: int, true: Callable[[Conversation], bool]) -> Conversation:
    """The conversation, as soon as it is so."""
    ivan = await run.client(IVAN)
    async with asyncio.timeout(10):
        while True:
            row = (await ivan.detail(key)).conversation
            if true(row):
                return row
            await asyncio.sleep(0.01)


async def test_borscht(run: Running) -> None:
    """She asks, switches to the recipe and forgets; nobody closes her question, and nobody waits for her."""
    await run.listen(OLGA)
    await present(run, "olga", "available")
    olga = await run.client()
    cook = await run.visitor(sub="1", name="Анна")
    await cook.say("Какая посуда подходит для индукции?")
    anna = await case_of(run, "Анна")
    await holder(run, anna, "olga")
    other = await run.visitor(sub="2", name="Борис")
    await other.say("Есть ли доставка?")
    boris = await case_of(run, "Борис")
    assert (await row_of(run, boris))["assignee_id"] is None  # she has room for one chat

    # She answers; the ball is with Anna, and with the same moment the room is Boris'.
    await run.answer(olga, anna, "Чугун и сталь с магнитным дном. Вам кастрюлю?")
    await holder(run, boris, "olga")
    await run.answer(olga, boris, "Завтра.")
    run.clock.advance(15 * MINUTE_MS)
    row = await row_of(run, anna)
    assert (row["state"], row["assignee_id"]) == ("waiting", (await row_of(run, boris))["assignee_id"])
    # How long she has been silent is in the list of those who are waited for.
    silent = (await olga.conversations("waiting")).items
    assert {one.id: run.clock.now() - one.sort_at for one in silent} == dict.fromkeys(
        (anna, boris), 15 * MINUTE_MS
    )

    # Three days later she is back, on the same tab: the same operator, the same conversation, all of it.
    run.clock.advance(72 * HOUR_MS)
    assert (await row_of(run, anna))["state"] == "waiting"  # silence closes nothing by itself
    await cook.say("Да, кастрюлю, пять литров")
    row = await row_of(run, anna)
    assert (row["state"], row["waiting_since"]) == ("open", run.clock.now())
    await holder(run, anna, "olga")
    detail = await olga.detail(anna)
    assert [message.text for message in detail.history.messages][-3:] == [
        "Какая посуда подходит для индукции?",
        "Чугун и сталь с магнитным дном. Вам кастрюлю?",
        "Да, кастрюлю, пять литров",
    ]
    await run.answer(olga, anna, "Есть такая.")

    # And once more, when Olga has gone home: she does not wait for who is not there, nor repeat anything.
    await run.listen(IVAN)
    await present(run, "ivan", "available")
    await be(run, OLGA, "offline")
    await cook.say("Беру")
    await holder(run, anna, "ivan")
    ivan = await run.client(IVAN)
    assert len((await ivan.detail(anna)).history.messages) == 5
    await run.answer(ivan, anna, "Оформил.")
    assert [one["text"] for one in await cook.read(6)][-1] == "Оформил."


async def test_a_question_on_a_saturday_night(run: Running) -> None:
    """Nobody is there. On Monday the first who comes has it first, and knows how long it has waited."""
    asked_at = run.clock.now()
    lead = await run.visitor(sub="1", name="Ольга")
    await lead.say("Хочу заказать кухню. Сколько стоит?")
    run.clock.advance(10 * HOUR_MS)
    for number in range(3):
        await run.letters.hear(f"later{number}@example.org", "a question that came later")
    case = await case_of(run, "Ольга")
    run.clock.advance(26 * HOUR_MS)
    assert (await row_of(run, case))["assignee_id"] is None

    console = await run.listen(IVAN)
    await present(run, "ivan", "available")
    await holder(run, case, "ivan")
    given = [
        row["conversation_id"]
        for row in await run.read(
            "SELECT conversation_id FROM event WHERE kind = 'conversation.assigned' ORDER BY seq"
        )
    ]
    assert given[0] == case
    ivan = await run.client(IVAN)
    detail = await ivan.detail(case)
    assert detail.conversation.waiting_since == asked_at
    assert detail.conversation.assigned_why == "least in hand"
    await run.answer(ivan, case, "Доброе утро! Измерим и посчитаем.")
    assert [one["text"] for one in await lead.read(2)][1] == "Доброе утро! Измерим и посчитаем."
    await console.reached(await run.newest())


async def test_the_borscht_that_boiled_over() -> None:
    """She stays silent in the chat: she is told that her question will be closed, it is, and a day later she
    writes a letter about it. It is the same question, the same operator, and all of it is there."""
    terms = (SilenceSettings(channel="site", announce_after="72h", close_after="24h"),)
    async with running_server(silence=terms) as run:
        await run.listen(OLGA)
        olga = await run.client()
        cook = await run.visitor(sub="1", name="Анна", email="anna@example.org", email_verified=True)
        await cook.say("Какая посуда подходит для индукции?")
        anna = await case_of(run, "Анна")
        await run.answer(olga, anna, "Чугун и сталь с магнитным дном. Вам кастрюлю?")

        run.clock.advance(15 * MINUTE_MS)
        await until_row(run, anna, lambda row: row.silence is not None and row.silence.proposed)
        run.clock.advance(72 * HOUR_MS)
        row = await until_row(run, anna, lambda row: bool(row.silence and row.silence.closes_at))
        assert (row.state, row.assignee) == ("waiting", "Olga")
        said = (await cook.read(3))[2]
        assert "closed in 24 hours" in said["text"] and not said["mine"]
        run.clock.advance(24 * HOUR_MS)
        row = await until_row(run, anna, lambda row: row.state == "closed")
        assert (row.topic, row.result) == ("silence", "no answer")

        run.clock.advance(DAY_MS)
        await run.letters.hear("anna@example.org", "Да, кастрюлю, пять литров", "Анна")
        row = await until_row(run, anna, lambda row: row.state == "open")
        assert (row.assignee, row.reopened, row.channel_id) == ("Olga", 1, "mail")
        detail = await olga.detail(anna)
        assert [message.kind for message in detail.history.messages] == ["in", "out", "out", "system", "in"]
        assert detail.stopped.wants == "Да, кастрюлю, пять литров"
        assert detail.ways[0].channel_id == "mail"
        _, figures = await run.ask("GET", "/metrics", uid=None)
        assert b'omni_conversations_reopened_total{by="customer",closed_by="term"} 1.0' in figures


async def test_a_lead_out_of_hours() -> None:
    """On Saturday night he hears at once that he was heard, and when somebody is back; on Monday morning his
    question is due like one that came as the doors opened."""
    week = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "09:00-18:00")
    hours = {"office": HoursSettings(time_zone="Europe/Moscow", holidays=(), **week)}  # type: ignore[arg-type]
    chat = WebchatSettings(
        kind="webchat",
        origins=[SHOP],
        identity_secret=Secret(CHAT_KEY),
        hours="office",
        out_of_hours="default",
    )
    mail = LettersChannel.spec.settings(kind="letters", hours="office", out_of_hours="Back {opens}, {site}")
    async with running_server(
        hours=hours,
        channels={"site": chat, "mail": mail},
        deadlines=(DeadlineSettings(channel="site", first_reply="15m"),),
    ) as run:
        # Monday, 21 September 2026, 17:13 in Moscow: somebody is there, and nothing is said by itself.
        early = await run.visitor(sub="1", name="Early")
        await early.say("Are you there?")
        saturday = run.clock.now() + 5 * DAY_MS + 4 * HOUR_MS
        run.clock.advance(saturday - run.clock.now())
        lead = await run.visitor(sub="2", name="Ольга")
        await lead.say("Хочу заказать кухню. Сколько стоит?")
        case = await case_of(run, "Ольга")
        [_, told] = await lead.read(2)
        assert "when we are back: Monday September 28, 09:00 (Europe/Moscow)." in told["text"]
        await lead.say("И стол")  # once for this time of rest
        await lead.post("/contact", {"email": "lead@example.org"})
        monday = saturday // DAY_MS * DAY_MS + 2 * DAY_MS + 6 * HOUR_MS
        row = await until_row(run, case, lambda row: row.deadline is not None)
        assert row.deadline is not None and row.deadline.due_at == monday + 15 * MINUTE_MS
        assert (row.state, row.waiting_since) == ("open", saturday)
        await run.letters.hear("bot@example.org", "Out of office", automatic=True)
        await run.letters.hear("anna@example.org", "A letter at night", "Anna")
        await run.settled()
        assert [(one.to, one.text, one.automatic) for one in run.letters.sent] == [
            ("anna@example.org", "Back Monday September 28, 09:00 (Europe/Moscow), Shop", True)
        ]
        automatic = "SELECT count(*) AS n FROM message WHERE conversation_id = ? AND automatic = 1"
        assert await run.read(automatic, case) == [{"n": 1}]
        # The address that he typed is a claim: nothing goes there by itself.
        ivan = await run.client(IVAN)
        detail = await ivan.detail(case)
        assert [way.channel_id for way in detail.ways] == ["site"]
        assert ("lead@example.org", False) in [
            (one.external_id, one.verified) for one in detail.customer.addresses
        ]

        # Ivan works late on Sunday, and answers: whoever reads an answer need not hear that nobody is there.
        run.clock.advance(DAY_MS)
        await run.answer(ivan, case, "Измерим и посчитаем.")
        await run.settled()
        await lead.say("Когда?")
        assert await run.read(automatic, case) == [{"n": 1}]
        run.clock.advance(monday - run.clock.now())
        await run.answer(ivan, case, "Сегодня.")
        texts = [one["text"] for one in await lead.read(7)]
        assert texts[-3:] == ["Измерим и посчитаем.", "Когда?", "Сегодня."]
