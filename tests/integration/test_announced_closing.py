"""Closing by an announced term on a running server, in the test's own time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from channels.base import Failed, Unknown
from server import failpoints
from server.protocol import Conversation, SpamDone
from server.queue.hours import HoursSettings
from server.queue.silence import BARRED, NO_WAY, NOT_DELIVERED, NOT_KNOWN, SilenceSettings
from server.store import silences
from server.store.errors import StoreUnavailableError
from tests.fakes.asking import ask
from tests.fakes.letters import LettersChannel
from tests.fakes.running_server import IVAN, OLGA, Running, running_server, until

M = 60_000
H = 60 * M
TERMS = (
    SilenceSettings(channel="site", announce_after="72h", close_after="24h"),
    SilenceSettings(channel="mail", announce_after="7d", close_after="48h", topic="quiet", result="gone"),
)
ANNA = "anna@example.org"


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server(silence=TERMS) as running:
        yield running


async def until_row(run: Running, key: int, true: Callable[[Conversation], bool]) -> Conversation:
    """The conversation, as soon as it is so."""
    olga = await run.client()
    async with asyncio.timeout(10):
        while True:
            row = (await olga.detail(key)).conversation
            if true(row):
                return row
            await asyncio.sleep(0.01)


async def kept(run: Running, key: int, **wanted: Any) -> dict[str, Any]:
    """The row of the silence, as soon as it is as wanted."""
    async with asyncio.timeout(10):
        while True:
            rows = await run.read("SELECT * FROM silence WHERE conversation_id = ?", key)
            if rows and wanted.items() <= rows[0].items():
                return rows[0]
            await asyncio.sleep(0.01)


async def forgotten(run: Running, key: int) -> None:
    """Until nothing is kept of its silence."""
    async with asyncio.timeout(10):
        while True:
            if not await run.read("SELECT 1 FROM silence WHERE conversation_id = ?", key):
                return
            await asyncio.sleep(0.01)


async def looked(run: Running) -> None:
    """Until the server has read all that happened up to now and did what was due."""
    keeper = run.server.silences
    assert keeper is not None
    await keeper.catch_up()
    await run.settled()
    await keeper.catch_up()


async def answered(run: Running, sender: str = ANNA, text: str = "A question") -> int:
    """A letter that was answered; its conversation."""
    receipt = await run.letters.hear(sender, text, subject="Order 12")
    assert receipt.conversation_id is not None
    await run.answer(await run.client(), receipt.conversation_id, "An answer. And you?")
    await run.settled()
    return receipt.conversation_id


def announcements(run: Running) -> list[str]:
    return [one.text for one in run.letters.sent if one.automatic]


async def test_silence_is_announced_then_closed_and_the_customer_opens_it_again(run: Running) -> None:
    await run.listen(OLGA)
    case = await answered(run)
    await kept(run, case, step="announce", next_at=run.clock.now() + 7 * 24 * H)
    run.clock.advance(7 * 24 * H - M)
    await looked(run)
    assert not announcements(run)
    run.clock.advance(M)
    row = await until_row(
        run, case, lambda row: row.silence is not None and row.silence.closes_at is not None
    )
    assert row.state == "waiting" and row.silence is not None
    assert row.silence.closes_at == run.clock.now() + 48 * H
    [said] = announcements(run)
    assert "closed in 2 days" in said
    [letter] = [one for one in run.letters.sent if one.automatic]
    assert (letter.to, letter.subject, letter.author) == (ANNA, "Order 12", "")
    # It was no answer of an operator, and holds nobody's.
    [before] = await run.read("SELECT reply_seq, preview FROM conversation WHERE id = ?", case)
    assert before["preview"] == "An answer. And you?"

    run.clock.advance(48 * H)
    row = await until_row(run, case, lambda row: row.state == "closed")
    assert (row.topic, row.result, row.assignee, row.closed_at) == ("quiet", "gone", "Olga", run.clock.now())
    olga = await run.client()
    line = (await olga.detail(case)).history.messages[-1]
    assert (line.kind, line.kind_of_event, line.text) == ("system", "closed", "quiet: gone")
    assert line.detail["by"] == "silence"
    # Two days later he is back: the same operator, who is there; one closing in the river; counted.
    run.clock.advance(48 * H)
    await run.letters.hear(ANNA, "Here I am", subject="Re: Order 12")
    row = await until_row(run, case, lambda row: row.state == "open")
    assert (row.assignee, row.reopened, row.silence) == ("Olga", 1, None)
    texts = [one.kind_of_event for one in (await olga.detail(case)).history.messages]
    assert texts.count("closed") == 1
    _, page = await run.ask("GET", "/metrics", uid=None)
    assert b'omni_conversations_reopened_total{by="customer",closed_by="term"} 1.0' in page
    assert b"omni_conversations_closed_by_term_total 1.0" in page


async def test_whoever_writes_or_is_written_to_has_his_time_anew(run: Running) -> None:
    case = await answered(run)
    run.clock.advance(7 * 24 * H)
    await kept(run, case, step="close")
    # What the customer says on another channel counts as well: he is the same person.
    visitor = await run.visitor(sub="1", name="Anna", email=ANNA, email_verified=True)
    run.clock.advance(H)
    await visitor.say("I am here")
    await until_row(run, case, lambda row: row.state == "open" or row.silence is None)
    [row] = await run.read("SELECT state, channel_id FROM conversation WHERE id = ?", case)
    assert row == {"state": "open", "channel_id": "site"}

    # A new answer, a promise, and a colleague's putting away: each begins it anew.
    olga = await run.client()
    await run.answer(olga, case, "And now?")
    begun = run.clock.now()
    await kept(run, case, step="propose", next_at=begun + 15 * M)
    run.clock.advance(H)
    await kept(run, case, proposed=1, step="announce", next_at=begun + 72 * H)
    await ask(
        run, Conversation, "PATCH", f"/v1/conversations/{case}", next_step="call", due_at=begun + 200 * H
    )
    await kept(run, case, since=run.clock.now())
    run.clock.advance(150 * H)
    await looked(run)
    [row] = await run.read("SELECT announced_id, next_at FROM silence WHERE conversation_id = ?", case)
    assert row == {"announced_id": None, "next_at": begun + 272 * H}
    await olga.snooze(case, run.clock.now() + H)
    await forgotten(run, case)


@pytest.mark.parametrize("deed", ["close", "snooze"])
async def test_a_deed_that_is_taken_back_announces_nothing_twice(run: Running, deed: str) -> None:
    case = await answered(run)
    run.clock.advance(7 * 24 * H)
    before = await kept(run, case, step="close")
    olga = await run.client()
    run.clock.advance(H)
    done = await (
        olga.close_conversation(case, "a", "b")
        if deed == "close"
        else olga.snooze(case, run.clock.now() + 30 * 24 * H)
    )
    await forgotten(run, case)
    back = await olga.undo(case, done.seq)
    assert back.silence is not None and back.silence.closes_at == before["next_at"]
    await looked(run)
    assert await kept(run, case) == before
    assert len(announcements(run)) == 1
    run.clock.advance(47 * H)
    await until_row(run, case, lambda row: row.closed_at == before["next_at"])


async def test_a_machine_s_answer_stops_nothing(run: Running) -> None:
    case = await answered(run)
    run.clock.advance(7 * 24 * H)
    row = await kept(run, case, step="close")
    await run.letters.hear(ANNA, "I am on holiday", subject="Out of office", automatic=True)
    await looked(run)
    assert (await kept(run, case))["next_at"] == row["next_at"]


@pytest.mark.parametrize(
    ("result", "obstacle"),
    [(Failed("no such mailbox"), NOT_DELIVERED), (Unknown("the line broke"), NOT_KNOWN)],
)
async def test_nothing_closes_when_the_announcement_may_not_have_arrived(
    run: Running, result: Any, obstacle: str
) -> None:
    case = await answered(run)
    run.letters.results.append(result)
    run.clock.advance(7 * 24 * H)
    row = await until_row(run, case, lambda row: row.silence is not None and bool(row.silence.obstacle))
    assert row.silence is not None and row.silence.obstacle == obstacle
    # The answer before it had arrived: the ball stays where it is, and no deadline counts it as missed.
    assert (row.state, row.unsettled) == ("waiting", 1)
    run.clock.advance(90 * 24 * H)
    await looked(run)
    assert (await (await run.client()).detail(case)).conversation.state == "waiting"
    assert len(announcements(run)) == 1

    # Somebody knows better: it did arrive, and the term runs from now.
    olga = await run.client()
    [item] = await olga.outbox()
    await olga.settle("arrived", [item.message.id])
    row = await until_row(
        run, case, lambda row: row.silence is not None and row.silence.closes_at is not None
    )
    assert row.silence is not None and row.silence.closes_at == run.clock.now() + 48 * H


async def test_whoever_cannot_be_told_is_not_closed_and_everybody_sees_why(run: Running) -> None:
    case = await answered(run)
    other = await answered(run, "boris@example.org")
    await run.server.database.write(
        lambda tx: tx.run("UPDATE address SET barred = 1 WHERE external_id = ?", (ANNA,))
    )
    await run.server.database.write(
        lambda tx: tx.run("UPDATE address SET blocked = 1 WHERE external_id = ?", ("boris@example.org",))
    )
    run.clock.advance(7 * 24 * H)
    for key, why in ((case, BARRED), (other, NO_WAY)):
        row = await until_row(run, key, lambda row: row.silence is not None)
        assert row.silence is not None and (row.silence.obstacle, row.state) == (why, "waiting")
    assert not announcements(run)


async def test_spam_and_what_was_joined_away_are_left_alone(run: Running) -> None:
    case = await answered(run)
    await kept(run, case)
    await ask(run, SpamDone, "POST", "/v1/spam", conversation_ids=[case])
    run.clock.advance(30 * 24 * H)
    await looked(run)
    assert not await run.read("SELECT 1 FROM silence")
    assert not announcements(run)


async def test_an_announcement_waits_for_the_channel_s_hours_and_leaves_room_for_others() -> None:
    # The held clock begins on Monday, 21 September 2026, at 14:13 UTC.
    hours = {"office": HoursSettings(time_zone="UTC", tuesday="10:00-10:30")}
    terms = (SilenceSettings(announce_after="1h", close_after="30d"),)
    letters = LettersChannel.spec.settings(kind="letters", title="mail", hours="office")
    async with running_server(silence=terms, hours=hours, channels={"mail": letters}) as run:
        cases = [await answered(run, f"person{number}@example.org") for number in range(25)]
        run.clock.advance(H)
        # An hour after the answers it is Monday: nobody is there, and nothing is said.
        await looked(run)
        assert not announcements(run)
        day = 24 * H
        opening = run.clock.now() // day * day + day + 10 * H
        await kept(run, cases[0], step="announce", next_at=opening)
        run.clock.advance(opening - run.clock.now())
        await until(lambda: len(announcements(run)) >= 20)
        await looked(run)
        assert len(announcements(run)) == 20
        # The rest is said when there is room again and somebody is there: a week later.
        run.clock.advance(H)
        await looked(run)
        assert len(announcements(run)) == 20
        run.clock.advance(7 * day - H)
        await kept(run, cases[-1], step="close")
        assert len(announcements(run)) == 25


async def test_turned_on_later_it_finds_who_is_silent_and_turned_off_it_forgets(tmp_path: Path) -> None:
    async with running_server(tmp_path) as run:
        case = await answered(run)
        begun = run.clock.now()
    async with running_server(tmp_path, silence=TERMS) as run:
        await kept(run, case, since=begun, step="announce", next_at=begun + 7 * 24 * H)
    shorter = (SilenceSettings(announce_after="2d"),)
    async with running_server(tmp_path, silence=shorter) as run:
        await kept(run, case, since=begun, next_at=begun + 48 * H)
    async with running_server(tmp_path) as run:
        await looked(run)
        assert not await run.read("SELECT 1 FROM silence")


async def test_whenever_the_server_ends_each_step_is_done_once(tmp_path: Path) -> None:
    """It ends while the announcement is being sent, after it was sent, and when the closing is long due."""
    async with running_server(tmp_path, silence=TERMS) as run:
        unsure, sure = await answered(run), await answered(run, "boris@example.org")
        begun = run.clock.now()
        await kept(run, sure, step="announce")
        await run.server.database.write(lambda tx: silences.put_off(tx, sure, begun + 8 * 24 * H))
        run.letters.gate.clear()
        run.clock.advance(7 * 24 * H)
        await until(lambda: len(announcements(run)) == 1)
    async with running_server(tmp_path, silence=TERMS) as run:
        run.clock.advance(8 * 24 * H)
        row = await kept(run, unsure, obstacle=NOT_KNOWN)
        assert row["next_at"] is None
        await kept(run, sure, step="close")
        assert announcements(run) and len(announcements(run)) == 1
    async with running_server(tmp_path, silence=TERMS) as run:
        run.clock.advance(60 * 24 * H)
        await until_row(run, sure, lambda row: row.state == "closed")
        await looked(run)
        assert not announcements(run)
        closings = "SELECT 1 FROM message WHERE event_kind = 'closed' AND conversation_id = ?"
        assert len(await run.read(closings, sure)) == 1
        still = (await (await run.client()).detail(unsure)).conversation
        assert (still.state, still.unsettled) == ("waiting", 1)


async def test_what_fails_half_way_leaves_nothing_and_is_done_again(run: Running) -> None:
    case = await answered(run)
    await kept(run, case, step="announce")
    rules = {failpoints.RULES_VARIABLE: "outbox.queued=error@1", failpoints.TESTING_VARIABLE: "1"}
    failpoints.arm(rules)
    try:
        run.clock.advance(7 * 24 * H)
        keeper = run.server.silences
        assert keeper is not None
        with contextlib.suppress(OSError, StoreUnavailableError):
            await keeper.catch_up()
        whole = (
            "SELECT (announced_id IS NULL) = (NOT EXISTS (SELECT 1 FROM auto_answer)) AS whole FROM silence"
        )
        assert await run.read(whole) == [{"whole": 1}]
        await keeper.catch_up()
    finally:
        failpoints.arm({})
    await kept(run, case, step="close")
    assert len(announcements(run)) == 1


async def test_who_is_silent_in_the_site_chat_may_be_reached_elsewhere(run: Running) -> None:
    console = await run.listen(IVAN)
    visitor = await run.visitor(sub="1", name="Anna")
    await visitor.say("Which pot?")
    ivan = await run.client(IVAN)
    [row] = (await ivan.conversations("all")).items
    await run.answer(ivan, row.id, "Which stove?")
    run.clock.advance(14 * M)
    await looked(run)
    assert (await ivan.detail(row.id)).conversation.silence is None
    run.clock.advance(M)
    row = await until_row(run, row.id, lambda row: row.silence is not None and row.silence.proposed)
    assert row.state == "waiting"
    await console.reached(await run.newest())
    assert [body.data for body in console.bodies("conversation.silence")] == [{"step": "propose"}]
    await visitor.say("Induction")
    row = await until_row(run, row.id, lambda row: row.state == "open")
    assert row.silence is None
