"""Work finds who has room for it: through the doors of customers and operators, on a clock that is held."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Literal

import pytest

from server.protocol import Conversation, Draft
from server.queue import assigning
from server.queue.assigning import Desks
from server.queue.team_settings import MemberSettings, QueueSettings, RoomSettings, TeamSettings
from server.store.transaction import Snapshot
from tests.fakes.asking import ask, refused
from tests.fakes.desks import be, holder, presence_of, present, row_of
from tests.fakes.running_server import IVAN, OLGA, Running, running_server, until

MINUTE_MS = 60_000
LOOK = assigning.look


def team(assignment: Literal["rules", "claim"] = "rules") -> TeamSettings:
    members = {
        "olga": MemberSettings(skills=["refunds"], languages=["ru", "en"]),
        "ivan": MemberSettings(languages=["en"], capacity=RoomSettings(email=1)),
    }
    return TeamSettings(channels=["site", "mail", "market"], members=members, assignment=assignment)


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    queue = QueueSettings(topics={"refunds": ["refund", "возврат"]})
    async with running_server(teams={"support": team()}, queue=queue) as running:
        yield running


async def test_who_opens_a_console_gets_the_oldest_work(run: Running) -> None:
    first = await run.letters.hear("a@example.org", "one")
    run.clock.advance(MINUTE_MS)
    second = await run.letters.hear("b@example.org", "two")
    assert (await row_of(run, first.conversation_id))["assignee_id"] is None
    await run.listen(IVAN)
    await holder(run, first.conversation_id, "ivan")
    assert (await row_of(run, first.conversation_id))["assigned_why"] == "least in hand"
    # He has room for one letter; the second waits until he has answered the first.
    assert (await row_of(run, second.conversation_id))["assignee_id"] is None
    ivan = await run.client(IVAN)
    info = next(one for one in await ivan.operators() if one.login == "ivan")
    assert (info.presence, info.room) == ("available", 7)
    assert first.conversation_id is not None
    await run.answer(ivan, first.conversation_id, "done")
    await holder(run, second.conversation_id, "ivan")
    # Who went to cook comes back to the same operator, whatever he has in hand.
    await run.letters.hear("a@example.org", "one more question")
    row = await row_of(run, first.conversation_id)
    assert row["state"] == "open"
    await holder(run, first.conversation_id, "ivan")


async def test_words_ask_for_a_skill(run: Running) -> None:
    await run.listen(OLGA)
    await run.listen(IVAN)
    await present(run, "olga", "available")
    await present(run, "ivan", "available")
    asked = await run.letters.hear("a@example.org", "Хочу оформить возврат")
    await holder(run, asked.conversation_id, "olga")
    detail = await (await run.client()).detail(asked.conversation_id or 0)
    assert detail.conversation.tags == ["refunds"]
    assert detail.conversation.assigned_why == "skill refunds"
    [event] = await run.read(
        "SELECT data FROM event WHERE kind = 'conversation.assigned' AND conversation_id = ?",
        asked.conversation_id,
    )
    assert '"by":["skill"]' in str(event["data"])


async def test_a_pause_takes_no_new_work_but_what_colleagues_hand_over(run: Running) -> None:
    await run.listen(IVAN)
    await present(run, "ivan", "available")
    await be(run, IVAN, "pause")
    waits = await run.letters.hear("a@example.org", "one")
    olga = await run.client()
    assert waits.conversation_id is not None
    people = {one.login: one.id for one in await olga.operators()}
    await olga.claim(waits.conversation_id, None)
    path = f"/v1/conversations/{waits.conversation_id}"
    no = await refused(run, 409, "POST", f"{path}/assign", operator_id=people["ivan"])
    assert "needs a note" in no.message
    before = await row_of(run, waits.conversation_id)
    run.clock.advance(MINUTE_MS)
    given = await ask(
        run, Conversation, "POST", f"{path}/assign", operator_id=people["ivan"], note="he asks for the price"
    )
    assert (given.assignee, given.decline_until) == ("Ivan", run.clock.now() + 60_000)
    assert (given.waiting_since, given.sort_at) == (before["waiting_since"], before["sort_at"])
    # He declines, in time, and says why: it is hers again, and still waits since the beginning.
    run.clock.advance(59_000)
    back = await ask(run, Conversation, "POST", f"{path}/decline", IVAN, reason="I do not know prices")
    assert (back.assignee, back.assigned_why, back.decline_until) == ("Olga", "declined", None)
    assert back.waiting_since == before["waiting_since"]
    notes = await run.read("SELECT text FROM message WHERE kind = 'note' ORDER BY id")
    assert [note["text"] for note in notes] == ["he asks for the price", "I do not know prices"]
    # The second time he thinks it over for too long.
    await ask(run, Conversation, "POST", f"{path}/assign", operator_id=people["ivan"], note="please")
    run.clock.advance(61_000)
    assert "is over" in (await refused(run, 409, "POST", f"{path}/decline", IVAN, reason="no")).message
    # Nobody hands work to who is not there.
    await be(run, IVAN, "offline")
    await holder(run, waits.conversation_id, None)  # untouched: it waits for nobody who is gone
    no = await refused(run, 409, "POST", f"{path}/assign", operator_id=people["ivan"], note="please")
    assert no.message == "Ivan is not there"


async def test_a_lost_console_gives_back_what_was_not_begun(run: Running) -> None:
    console = await run.listen(OLGA)
    await present(run, "olga", "available")
    olga = await run.client()
    begun = await run.letters.hear("a@example.org", "one")
    untouched = await run.letters.hear("b@example.org", "two")
    for heard in (begun, untouched):
        await holder(run, heard.conversation_id, "olga")
    draft = Draft(conversation_id=begun.conversation_id or 0, text="I am just looking")
    await olga.save_draft(draft)
    await console.stop()
    await olga.close()
    dispatcher = run.server.dispatcher
    assert dispatcher is not None
    await until(lambda: bool(dispatcher.gone_since))
    run.clock.advance(59_000)
    await holder(run, untouched.conversation_id, "olga")
    assert await presence_of(run, "olga") == "available"
    run.clock.advance(2_000)
    await present(run, "olga", "away")
    await holder(run, untouched.conversation_id, None)
    assert (await row_of(run, untouched.conversation_id))["assigned_why"] == "operator lost"
    await holder(run, begun.conversation_id, "olga")
    # The customer asks again: now a colleague who is there has to look at it, draft or no draft.
    await run.letters.hear("a@example.org", "are you there?")
    await holder(run, begun.conversation_id, None)
    await run.listen(OLGA)
    await present(run, "olga", "available")
    await holder(run, untouched.conversation_id, "olga")


async def test_nothing_is_given_where_a_team_takes_by_hand(run: Running) -> None:
    async with running_server(teams={"support": team(assignment="claim")}) as by_hand:
        await by_hand.listen(OLGA)
        await present(by_hand, "olga", "available")
        heard = await by_hand.letters.hear("a@example.org", "one")
        await by_hand.newest()
        olga = await by_hand.client()
        assert heard.conversation_id is not None
        assert (await olga.claim(heard.conversation_id, None)).assignee == "Olga"


async def test_what_somebody_gave_back_is_not_pressed_on_him_again(run: Running) -> None:
    await run.listen(OLGA)
    await present(run, "olga", "available")
    olga = await run.client()
    heard = await run.letters.hear("a@example.org", "one")
    await holder(run, heard.conversation_id, "olga")
    assert heard.conversation_id is not None
    await olga.release(heard.conversation_id)
    other = await run.letters.hear("b@example.org", "two")
    await holder(run, other.conversation_id, "olga")  # the dispatcher has looked at both of them
    await holder(run, heard.conversation_id, None)
    await run.listen(IVAN)
    await holder(run, heard.conversation_id, "ivan")


async def test_who_is_said_to_be_there_needs_a_console_all_the_same(run: Running) -> None:
    assert (await be(run, OLGA, "available")).presence == "available"
    heard = await run.letters.hear("a@example.org", "one")
    await holder(run, heard.conversation_id, "olga")
    run.clock.advance(61_000)
    await present(run, "olga", "away")
    await holder(run, heard.conversation_id, None)


async def test_what_cannot_be_done_at_once_is_tried_again(
    run: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing = [RuntimeError("planted")]

    def look(tx: Snapshot, desks: Desks) -> assigning.Distribution:
        if failing:
            raise failing.pop()
        return LOOK(tx, desks)

    monkeypatch.setattr(assigning, "look", look)
    monkeypatch.setattr("server.queue.dispatcher.Dispatcher.retry_s", 0.01)
    await be(run, OLGA, "available")
    heard = await run.letters.hear("a@example.org", "one")
    await holder(run, heard.conversation_id, "olga")
    assert not failing


async def test_what_waited_for_a_skill_long_enough_goes_to_whoever_is_free(run: Running) -> None:
    await be(run, OLGA, "available")
    full = [await run.letters.hear(f"c{number}@example.org", "one") for number in range(7)]
    for heard in full:
        await holder(run, heard.conversation_id, "olga")
    await be(run, IVAN, "available")
    asked = await run.letters.hear("a@example.org", "a refund, please")
    other = await run.letters.hear("b@example.org", "anything")
    await holder(run, other.conversation_id, "ivan")
    await (await run.client(IVAN)).release(other.conversation_id or 0)
    assert (await row_of(run, asked.conversation_id))["assignee_id"] is None
    for _ in range(5):  # both are still there: they say so before their minute is over
        run.clock.advance(30_000)
        await be(run, OLGA, "available")
        await be(run, IVAN, "available")
    await holder(run, asked.conversation_id, "ivan")
