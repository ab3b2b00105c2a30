"""Two stories of waiting: who went to look after the borscht, and who asked on a Saturday night."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from server.queue.team_settings import MemberSettings, RoomSettings, TeamSettings
from tests.fakes.desks import be, holder, present, row_of
from tests.fakes.running_server import IVAN, OLGA, Running, running_server

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


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
