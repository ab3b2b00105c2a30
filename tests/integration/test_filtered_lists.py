"""Lists that a filter narrows: the server's pages and a console's own judgement are the same."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from omni_console.client import ServerClient
from omni_console.desk import Desk
from omni_console.desk_events import apply
from omni_console.views import VIEWS, ListWindow, Narrowed, belongs
from server.protocol import CaseCommand, Conversation, ConversationPage, View
from server.protocol.filtering import Known, Tests, filter_of, lets_through
from server.protocol.query import parse
from server.store import lists
from tests.fakes.asking import ask, refused
from tests.fakes.running_server import IVAN, Running, running_server

FILTERS = [
    "kettle",
    '"blue kettle"',
    "-kettle",
    "from:anna",
    "from:анна",
    "channel:mail",
    "-channel:mail is:open",
    "is:open",
    "is:waiting",
    "is:snoozed",
    "is:closed",
    "is:unread",
    "-is:unread",
    "is:mine",
    "is:queued",
    "tag:VIP",
    "-tag:vip",
    "topic:доставка",
    "assignee:olga",
    "assignee:nobody",
    "-assignee:nobody",
    "priority:urgent",
    "after:2d",
    "before:yesterday",
    "on:yesterday -is:closed",
    "лампа tag:ремонт after:1w -is:snoozed",
]


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


async def work_of_a_week(run: Running, count: int) -> ServerClient:
    """Conversations of every kind, some of which only one of two operators has read."""
    olga, ivan = await run.client(), await run.client(IVAN)
    chance = random.Random(7)
    texts = ["a blue kettle", "the kettle is blue", "Лампа не горит", "where is my ёлка"]
    for number in range(1, count + 1):
        run.clock.advance(chance.randrange(0, 4 * 3_600_000))
        text, name = chance.choice(texts), chance.choice(["Anna Schmidt", "Анна Иванова", "Bert"])
        if chance.random() < 0.3:
            await run.hook(text, sender=f"s{number}", key=f"k{number}", person={"name": name})
        else:
            await run.letters.hear(f"writer{number}@example.org", text, name)
        rows = (await olga.conversations("all", limit=200)).items
        key = max(row.id for row in rows)
        who = chance.choice([olga, ivan])
        if chance.random() < 0.7:
            await who.claim(key, None)
        if chance.random() < 0.4:
            tags = chance.sample(["vip", "Ремонт", "b2b"], 2)
            command = CaseCommand(tags=tags, priority=chance.choice(["urgent", "low"]))
            await who._ask("PATCH", f"/v1/conversations/{key}", dict[str, Any], command)
        move = chance.random()
        if move < 0.2:
            await who.snooze(key, run.clock.now() + 90 * 86_400_000)
        elif move < 0.4:
            await who.close_conversation(key, chance.choice(["Доставка заказа", "refund"]), "done")
        elif move < 0.6:
            await run.answer(who, key, "we look into it")
            await run.settled()
        if chance.random() < 0.5:
            await olga.seen(key, await run.newest())
    return olga


async def whole(client: ServerClient, view: View, filtered: str, limit: int) -> list[Conversation]:
    found: list[Conversation] = []
    after = None
    while True:
        page = await client.conversations(view, after, limit, filtered=filtered)
        assert len(page.items) <= limit
        found += page.items
        after = page.next
        if after is None:
            return found


def judged_by(filtered: str, run: Running, people: Any) -> Tests:
    hello = people
    known = Known(me=hello.operator.id, operators=hello.operators, channels=hello.channels)
    return filter_of(parse(filtered), known, datetime.fromtimestamp(run.clock.now() / 1000, UTC))


@pytest.mark.parametrize("steps", [False, True], ids=["as it is", "in small steps"])
async def test_a_filtered_list_is_what_the_predicate_lets_through_of_the_whole(
    run: Running, steps: bool
) -> None:
    olga = await work_of_a_week(run, 60)
    hello = await olga.hello()
    for view in VIEWS:
        everything = await whole(olga, view, "", 200)
        for filtered in FILTERS:
            tests = judged_by(filtered, run, hello)
            wanted = [
                row.id for row in everything if lets_through(tests, row, hello.operator.id, row.seen_seq)
            ]
            with patch.multiple(lists, EXAMINED_MAX=7 if steps else 5000, DECODED=3 if steps else 250):
                found = [row.id for row in await whole(olga, view, filtered, 2 if steps else 50)]
            assert found == wanted, (view, filtered)


async def test_a_window_that_hears_everything_holds_what_a_new_page_would_bring(run: Running) -> None:
    """One page at the beginning, then only events: in the end the same rows in the same order."""
    olga = await run.client()
    await run.letters.hear("first@example.org", "a blue kettle", "Anna Schmidt")
    hello = await olga.hello()
    desk = Desk()
    desk.greet(hello)
    windows: list[tuple[View, str, ListWindow]] = []
    for view in VIEWS:
        for filtered in ("kettle", "-is:unread", "assignee:olga -tag:vip", "is:open from:anna"):
            place = f"{view} {filtered}"
            desk.narrow(place, view, Narrowed(judged_by(filtered, run, hello), filtered, filtered))
            page = await olga.conversations(view, filtered=filtered)
            desk.put_page(place, page, first=True, asked=filtered)
            windows.append((view, filtered, desk.window(place)))
    listening = await run.listen(resume=hello.seq)
    await work_of_a_week(run, 40)
    newest = await run.newest()
    await listening.reached(newest)
    for envelope in listening.heard:
        apply(desk, envelope)
    for view, filtered, window in windows:
        fresh = await whole(olga, view, filtered, 200)
        assert window.ids() == [row.id for row in fresh], (view, filtered)


async def test_what_lists_cannot_be_asked_is_refused(run: Running) -> None:
    for filtered, message in (
        ("has:attachment", "has:attachment is for searching messages, not for lists of conversations"),
        ("is:note", "is:note is for searching messages, not for lists of conversations"),
        ("assignee:ogla", "assignee: there is no 'ogla'"),
    ):
        error = await refused(run, 400, "GET", f"/v1/conversations?view=all&filter={filtered}")
        assert error.message == message
    page = await ask(run, ConversationPage, "GET", "/v1/conversations?view=all&filter=is:open")
    assert page.items == [] and page.next is None


ROWS = st.builds(
    Conversation,
    id=st.integers(1, 9),
    seq=st.integers(1, 99),
    customer_id=st.just(1),
    customer=st.sampled_from(["Anna", "Ёлка", ""]),
    state=st.sampled_from(["open", "waiting", "snoozed", "closed"]),
    assignee_id=st.sampled_from([None, 1, 2]),
    tags=st.lists(st.sampled_from(["vip", "VIP", "b2b"]), max_size=2),
    customer_seq=st.integers(0, 9),
)


@settings(max_examples=200)
@given(ROWS, st.sampled_from(["is:unread", "tag:vip", "assignee:me", "from:елка", "is:queued"]))
def test_excluding_is_the_opposite(row: Conversation, typed: str) -> None:
    known = Known(me=1, operators=[], channels=[])
    here = datetime(2026, 11, 30, tzinfo=UTC)
    plain, excluded = (filter_of(parse(text), known, here) for text in (typed, f"-{typed}"))
    assert lets_through(plain, row, 1, 4) != lets_through(excluded, row, 1, 4)
    assert belongs(row, "all", 1) == (row.state != "closed")
