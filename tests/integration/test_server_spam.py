"""Spam: set apart, barred, visible, and put back exactly as it was."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from server.protocol import SpamDone
from tests.fakes.running_server import IVAN, OLGA, RITA, Running, only, refusal, running_server

HOUR_MS = 3_600_000


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


async def judge(run: Running, *ids: int, uid: int = OLGA, **fields: Any) -> SpamDone:
    body = json.dumps({"conversation_ids": ids} | fields).encode()
    status, answer = await run.ask("POST", "/v1/spam", body, uid)
    assert status == 200, answer
    return msgspec.json.decode(answer, type=SpamDone)


async def rows(run: Running) -> list[dict[str, Any]]:
    """What an undo must restore."""
    return await run.read(
        "SELECT c.id, state, assignee_id, waiting_since, sort_at, snooze_until, closed_at, topic, result,"
        " spam, a.id AS address, a.barred FROM conversation c JOIN address a ON a.customer_id = c.customer_id"
        " ORDER BY c.id, a.id"
    )


async def test_spam_is_apart_and_comes_back_as_it_was(run: Running) -> None:
    olga, ivan = await run.client(), await run.client(IVAN)
    for name in ("queued", "claimed", "waiting", "snoozed", "closed"):
        await run.letters.hear(f"{name}@example.org", name)
        run.clock.advance(1000)
    ids = {row.customer.partition("@")[0]: row.id for row in (await olga.conversations("queue")).items}
    await ivan.claim(ids["claimed"], None)
    await run.answer(olga, ids["waiting"], "an answer")
    await olga.snooze(ids["snoozed"], run.clock.now() + HOUR_MS)
    await olga.close_conversation(ids["closed"], "a", "b")
    await run.settled()
    before = await rows(run)
    run.clock.advance(1000)
    done = await judge(run, *ids.values())
    assert (done.conversation_ids, done.addresses_barred) == (sorted(ids.values()), 5)
    for view in ("queue", "mine", "waiting", "all", "closed"):
        assert (await olga.conversations(view)).items == []
    apart = await olga.conversations("spam")
    assert [row.id for row in apart.items] == sorted(ids.values(), reverse=True)
    assert all(row.spam and row.state == "closed" for row in apart.items)
    assert apart.counts.spam == 5
    assert (await judge(run, *ids.values())).addresses_barred == 0  # again: nothing more
    run.clock.advance(1000)
    assert (await judge(run, *ids.values(), spam=False)).addresses_barred == 5
    assert await rows(run) == before
    assert (await olga.counts()).spam == 0


async def test_what_a_barred_sender_writes_is_kept_and_wakes_nobody(run: Running) -> None:
    olga = await run.client()
    console = await run.listen()
    await run.letters.hear("robot@example.org", "buy now")
    row = await only(olga)
    await judge(run, row.id)
    run.clock.advance(1000)
    receipt = await run.letters.hear("robot@example.org", "buy NOW", subject="Another matter")
    assert receipt.conversation_id == row.id
    assert (await olga.counts()).queue == 0
    [apart] = (await olga.conversations("spam")).items
    assert (apart.preview, apart.state, apart.sort_at) == ("buy NOW", "closed", run.clock.now())
    await console.reached(await run.newest())
    heard = console.bodies("message.received")[-1]
    assert heard.conversation is not None and heard.conversation.spam
    assert heard.message is not None and heard.message.reason == "the sender is barred"
    # It was no spam: what came meanwhile waits, since it came.
    run.clock.advance(1000)
    await judge(run, row.id, spam=False)
    back = await only(olga)
    assert (back.id, back.state, back.preview) == (row.id, "open", "buy NOW")
    assert back.waiting_since == row.waiting_since
    await run.letters.hear("robot@example.org", "I am a person")
    assert (await only(olga)).preview == "I am a person"


async def test_a_chat_is_barred_too(run: Running) -> None:
    olga = await run.client()
    visitor = await run.visitor()
    await visitor.say("casino")
    row = await only(olga)
    await judge(run, row.id)
    await visitor.say("casino!")
    assert (await olga.conversations("all")).items == []
    assert [one["text"] for one in await visitor.read(2)] == ["casino", "casino!"]  # he notices nothing
    await judge(run, row.id, spam=False)
    await visitor.say("sorry")
    assert (await only(olga)).id == row.id


async def test_without_a_bar_the_next_mail_is_a_new_matter(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("anna@example.org", "odd")
    row = await only(olga)
    assert (await judge(run, row.id, bar=False)).addresses_barred == 0
    await run.letters.hear("anna@example.org", "serious")
    assert (await only(olga)).id != row.id


async def test_a_bar_ends_with_the_last_mark_that_wants_it(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("robot@example.org", "one")
    first = await only(olga)
    await olga.close_conversation(first.id, "a", "b")
    run.clock.advance(30 * 24 * HOUR_MS)
    await run.letters.hear("robot@example.org", "two")
    second = await only(olga)
    await judge(run, first.id, second.id)
    assert (await judge(run, second.id, spam=False)).addresses_barred == 0
    await run.letters.hear("robot@example.org", "still barred")
    assert (await only(olga)).preview == "two"
    assert (await judge(run, first.id, spam=False)).addresses_barred == 1


async def test_what_is_apart_is_not_answered(run: Running) -> None:
    olga = await run.client()
    await run.letters.hear("robot@example.org", "buy")
    row = await only(olga)
    detail = await olga.detail(row.id)
    await judge(run, row.id)
    command = run.command("no", detail.ways[0], await run.newest())
    assert "spam" in (await refusal(olga.reply(row.id, command))).body.message
    assert "spam" in (await refusal(olga.reopen(row.id))).body.message
    body = json.dumps({"conversation_ids": [row.id]}).encode()
    assert (await run.ask("POST", "/v1/spam", body, RITA))[0] == 403
    assert (await run.ask("POST", "/v1/spam", b'{"conversation_ids": [99]}'))[0] == 404


async def test_a_barred_caller_rings_nowhere(run: Running) -> None:
    olga = await run.client()
    call = {"direction": "in", "number": "8 800 555-35-35", "result": "missed"}
    await run.hook("", kind="call", call=call)
    row = await only(olga)
    await judge(run, row.id)
    await run.hook("", kind="call", call=call)
    assert (await olga.conversations("all")).items == []
    assert len(await run.read("SELECT 1 FROM message WHERE conversation_id = ?", row.id)) == 2


async def test_after_its_conversation_went_elsewhere_a_barred_sender_gets_another_one_apart(
    run: Running,
) -> None:
    olga = await run.client()
    await run.letters.hear("robot@example.org", "buy")
    row = await only(olga)
    await judge(run, row.id)
    await run.server.database.write(
        lambda tx: tx.run("UPDATE conversation SET spam = 0 WHERE id = ?", (row.id,))
    )
    receipt = await run.letters.hear("robot@example.org", "buy again")
    [apart] = (await olga.conversations("spam")).items
    assert (apart.id, apart.preview) == (receipt.conversation_id, "buy again")
    # Said to be no spam, it is a conversation that waits since then, and its sender is believed.
    assert (await judge(run, apart.id, spam=False)).addresses_barred == 1
    back = next(one for one in (await olga.conversations("queue")).items if one.id == apart.id)
    assert (back.state, back.waiting_since) == ("open", run.clock.now())
