"""What an operator did with a conversation is taken back exactly, or refused with who was in between."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from omni_console.client import ServerClient
from server.cases import undoing
from server.protocol import Conversation, NoteCommand
from server.queue.deadlines import DeadlineSettings
from server.store import cases, deeds
from tests.fakes.running_server import IVAN, RITA, Running, only, refusal, running_server, until

HOUR = 3_600_000
FIELDS = (
    *("state", "assignee_id", "waiting_since", "snooze_until", "closed_at", "topic", "result", "sort_at"),
    *("reopened", "transfers", "team", "assigned_why", "decline_until"),
)

Move = Callable[[ServerClient, Conversation], Awaitable[Conversation]]


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


def looks(row: Conversation) -> dict[str, Any]:
    return {name: getattr(row, name) for name in FIELDS}


async def people(client: ServerClient) -> dict[str, int]:
    return {one.login: one.id for one in await client.operators()}


async def case(run: Running, state: str, holder: str = "olga") -> Conversation:
    """The one conversation, made so by `holder`; Ivan's deeds are none that Olga could take back."""
    await run.hook("where is my order?")
    olga, ivan = await run.client(), await run.client(IVAN)
    theirs = {"olga": olga, "ivan": ivan}.get(holder)
    row = await only(olga)
    if theirs is not None:
        row = await theirs.claim(row.id, None)
    if state == "waiting":
        await run.answer(theirs or olga, row.id, "on its way")
        await run.settled()
    elif state == "snoozed":
        await (theirs or olga).snooze(row.id, run.clock.now() + HOUR)
    elif state == "closed":
        await (theirs or olga).close_conversation(row.id, "order", "told")
    run.clock.advance(60_000)
    return (await olga.detail(row.id)).conversation


def snoozed(run: Running) -> Move:
    return lambda olga, row: olga.snooze(row.id, run.clock.now() + 3 * HOUR)


async def given_to_ivan(olga: ServerClient, row: Conversation) -> Conversation:
    return await olga.assign(row.id, (await people(olga))["ivan"], "look at it")


CASES: dict[str, tuple[str, str, Callable[[Running], Move]]] = {
    "claim": ("open", "nobody", lambda _run: lambda olga, row: olga.claim(row.id, None)),
    "take over": ("open", "ivan", lambda _run: lambda olga, row: olga.claim(row.id, row.assignee_id)),
    "release": ("waiting", "olga", lambda _run: lambda olga, row: olga.release(row.id)),
    "release his": ("open", "ivan", lambda _run: lambda olga, row: olga.release(row.id)),
    "assign": ("open", "olga", lambda _run: given_to_ivan),
    "assign what nobody has": ("open", "nobody", lambda _run: given_to_ivan),
    "close": ("open", "olga", lambda _run: lambda olga, row: olga.close_conversation(row.id, "a", "b")),
    "close his": ("open", "ivan", lambda _run: lambda olga, row: olga.close_conversation(row.id, "a", "b")),
    "close what waits": (
        *("waiting", "olga"),
        lambda _run: lambda olga, row: olga.close_conversation(row.id, "a", "b"),
    ),
    "close what sleeps": (
        *("snoozed", "olga"),
        lambda _run: lambda olga, row: olga.close_conversation(row.id, "a", "b"),
    ),
    "reopen": ("closed", "ivan", lambda _run: lambda olga, row: olga.reopen(row.id)),
    "snooze": ("open", "nobody", snoozed),
    "snooze what waits": ("waiting", "olga", snoozed),
    "snooze again": ("snoozed", "ivan", snoozed),
    "wake": ("snoozed", "olga", lambda _run: lambda olga, row: olga.wake(row.id)),
}


@pytest.mark.parametrize("name", CASES)
async def test_each_deed_is_taken_back_exactly(run: Running, name: str) -> None:
    state, holder, made = CASES[name]
    before = await case(run, state, holder)
    assert before.state == state
    olga = await run.client()
    river = [one.id for one in (await olga.detail(before.id)).history.messages if not one.deleted]
    stopped = (await olga.detail(before.id)).stopped
    done = await made(run)(olga, before)
    assert looks(done) != looks(before)
    run.clock.advance(1000)
    listening = await run.listen()
    back = await olga.undo(before.id, done.seq)
    assert looks(back) == looks(before)
    assert back.seq > done.seq
    detail = await olga.detail(before.id)
    assert (detail.stopped.wants, detail.stopped.acted, detail.stopped.acted_by) == (
        stopped.wants,
        stopped.acted,
        stopped.acted_by,
    )
    left = [one.id for one in detail.history.messages if not one.deleted and one.kind != "note"]
    assert left == river
    await until(lambda: bool(listening.events()))
    assert {event.kind for event in listening.events()} <= {
        *("conversation.assigned", "conversation.state", "message.withdrawn")
    }
    # Asked once more, because the answer was lost: nothing happens.
    assert looks(await olga.undo(before.id, done.seq)) == looks(before)


async def test_one_after_the_other(run: Running) -> None:
    before = await case(run, "open", "nobody")
    olga = await run.client()
    deeds_done = [
        await olga.claim(before.id, None),
        await olga.snooze(before.id, run.clock.now() + HOUR),
        await olga.close_conversation(before.id, "a", "b"),
        await olga.reopen(before.id),
    ]
    refused = await refusal(olga.undo(before.id, deeds_done[0].seq))
    assert (refused.status, refused.body.message) == (409, "it was moved since")
    for done in reversed(deeds_done):
        back = await olga.undo(before.id, done.seq)
    assert looks(back) == looks(before)


async def test_who_was_in_between_is_named(run: Running) -> None:
    before = await case(run, "open", "nobody")
    olga, ivan = await run.client(), await run.client(IVAN)
    claimed = await olga.claim(before.id, None)
    await ivan.claim(before.id, claimed.assignee_id)
    taken = await refusal(olga.undo(before.id, claimed.seq))
    assert (taken.body.code, taken.body.holder) == ("taken", "Ivan")

    asleep = await ivan.snooze(before.id, run.clock.now() + HOUR)
    await olga.close_conversation(before.id, "a", "b")
    refused = await refusal(ivan.undo(before.id, asleep.seq))
    assert refused.body.message == "Olga did something there meanwhile"
    refused = await refusal(olga.undo(before.id, asleep.seq))
    assert refused.body.message == "a colleague did this"


async def test_what_the_customer_began_is_not_put_away_again(run: Running) -> None:
    before = await case(run, "waiting")
    olga = await run.client()
    asleep = await olga.snooze(before.id, run.clock.now() + HOUR)
    await run.hook("hello?")
    refused = await refusal(olga.undo(before.id, asleep.seq))
    assert refused.body.message == "the customer wrote meanwhile"
    # What he says in a conversation that stays as it is, is in nobody's way.
    now = await only(olga)
    released = await olga.release(now.id)
    await run.hook("hello??")
    assert (await olga.undo(now.id, released.seq)).assignee == "Olga"


@pytest.mark.parametrize("name", ["reopen", "wake"])
async def test_whoever_wrote_meanwhile_is_not_put_away_unheard(run: Running, name: str) -> None:
    before = await case(run, "closed" if name == "reopen" else "snoozed")
    olga = await run.client()
    done = await (olga.reopen(before.id) if name == "reopen" else olga.wake(before.id))
    await run.hook("hello?")
    refused = await refusal(olga.undo(before.id, done.seq))
    assert refused.body.message == "the customer wrote meanwhile"
    assert (await only(olga)).state == "open"


async def test_closed_over_a_colleague_s_head_it_is_his_as_it_was(run: Running) -> None:
    before = await case(run, "open", "ivan")
    olga, ivan = await run.client(), await run.client(IVAN)
    await ivan.note(before.id, NoteCommand(client_id="n", text="I look at it"))
    done = await olga.close_conversation(before.id, "a", "b")
    assert looks(await olga.undo(before.id, done.seq)) == looks(before)
    # But what was given to him is not taken away under his hands.
    row = await olga.claim(before.id, before.assignee_id)
    given = await given_to_ivan(olga, row)
    await ivan.note(before.id, NoteCommand(client_id="n2", text="and again"))
    refused = await refusal(olga.undo(before.id, given.seq))
    assert refused.body.message == "whoever has it has begun"


async def test_there_and_back_again_is_moved(run: Running) -> None:
    """What a colleague did once more, after a deed like it was taken back, is his."""
    before = await case(run, "snoozed")
    olga, ivan = await run.client(), await run.client(IVAN)
    woken = await olga.wake(before.id)
    await olga.undo(before.id, woken.seq)
    again = await ivan.wake(before.id)
    refused = await refusal(olga.undo(before.id, woken.seq))
    assert refused.body.message == "Ivan did something there meanwhile"
    assert looks(await only(ivan)) == looks(again)
    given = await given_to_ivan(olga, again)
    await ivan.release(before.id)
    await ivan.claim(before.id, None)
    refused = await refusal(olga.undo(before.id, given.seq))
    assert refused.body.message == "Ivan did something there meanwhile"


async def test_what_was_urgent_is_urgent_again(run: Running) -> None:
    """To open a conversation again forgets that a rule found it urgent."""
    before = await case(run, "closed")
    olga = await run.client()
    await run.server.database.write(
        lambda tx: cases.save_priority(tx, before.id, 0, why="help")  # as a configured word does
    )
    opened = await olga.reopen(before.id)
    assert opened.priority == "normal"
    back = await olga.undo(before.id, opened.seq)
    assert (back.priority, back.priority_why) == ("urgent", "help")


async def test_only_what_was_done_and_by_whom(run: Running) -> None:
    before = await case(run, "open")
    olga, rita = await run.client(), await run.client(RITA)
    again = await olga.claim(before.id, None)  # hers already: no deed
    for seq in (again.seq + 1, 0):
        refused = await refusal(olga.undo(before.id, seq))
        assert refused.body.message == "there is nothing to take back"
    assert (await refusal(rita.undo(before.id, again.seq))).status == 403
    assert (await refusal(rita.wake(before.id))).status == 403


async def test_after_a_day_it_is_forgotten(run: Running) -> None:
    before = await case(run, "open", "nobody")
    olga = await run.client()
    done = await olga.claim(before.id, None)
    run.clock.advance(undoing.KEPT_MS + 1)
    await run.server.database.write(lambda tx: deeds.forget_before(tx, tx.now - undoing.KEPT_MS))
    assert (await refusal(olga.undo(before.id, done.seq))).body.message == "there is nothing to take back"


async def test_whoever_is_gone_is_given_nothing(run: Running) -> None:
    before = await case(run, "open", "ivan")
    olga = await run.client()
    done = await olga.claim(before.id, before.assignee_id)
    assert (await run.ask("POST", "/v1/operators/ivan/disable", uid=None))[0] == 200
    assert (await olga.undo(before.id, done.seq)).assignee_id is None


async def test_a_closing_that_was_none_leaves_the_deadline_running() -> None:
    rules = (DeadlineSettings(channel="market", first_reply="10m"),)
    async with running_server(deadlines=rules) as run:
        begun = run.clock.now()
        row = await case(run, "open")
        olga = await run.client()
        closed = await olga.close_conversation(row.id, "a", "b")
        run.clock.advance(60_000)
        await olga.undo(row.id, closed.seq)
        async with asyncio.timeout(10):
            while (due := (await only(olga)).deadline) is None:  # noqa: ASYNC110 - another process's work
                await asyncio.sleep(0.01)
        assert (due.kind, due.due_at) == ("first_reply", begun + 600_000)
        # Nor was anything opened again.
        _, body = await run.ask("GET", "/metrics", uid=99_999)
        assert b"omni_conversations_reopened_total{" not in body


# --- waking ---------------------------------------------------------------------------------------


async def test_a_snooze_is_ended_before_its_time(run: Running) -> None:
    asleep = await case(run, "snoozed")
    olga, ivan = await run.client(), await run.client(IVAN)
    listening = await run.listen()
    awake = await ivan.wake(asleep.id)
    assert (awake.state, awake.assignee, awake.snooze_until, awake.waiting_since) == (
        *("open", "Olga", None),
        asleep.waiting_since,
    )
    await until(lambda: bool(listening.events("conversation.state")))
    [body] = listening.bodies("conversation.state")
    assert body.data == {"from": "snoozed", "to": "open"}
    assert (await olga.detail(asleep.id)).stopped.acted == "woken"
    assert (await refusal(olga.wake(asleep.id))).body.hint == "it can be answered as it is"
    await run.answer(olga, asleep.id, "on its way")
    await run.settled()
    await olga.snooze(asleep.id, run.clock.now() + HOUR)
    assert (await refusal(olga.reopen(asleep.id))).body.hint == "wake it"
    assert (await olga.wake(asleep.id)).state == "waiting"


async def test_what_is_scheduled_leaves_all_the_same(run: Running) -> None:
    before = await case(run, "open")
    olga = await run.client()
    detail = await olga.detail(before.id)
    at = run.clock.now() + HOUR
    await olga.reply(before.id, run.command("good morning", detail.ways[0], detail.history.seq, at=at))
    assert (await only(olga)).snooze_until == at
    assert (await olga.wake(before.id)).state == "open"
    run.clock.advance(HOUR + 1000)
    await until(lambda: run.receiver.texts() == ["good morning"])
    await run.settled()
    assert (await only(olga)).state == "waiting"
