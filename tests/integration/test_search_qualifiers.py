"""Search by words and qualifiers over everything that was said."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any
from unittest.mock import patch
from urllib.parse import quote

import pytest

from channels.base import Attachment
from omni_console.client import ServerClient
from server.protocol import CaseCommand, NoteCommand, SearchPage
from server.store import finding
from tests.fakes.asking import ask, refused
from tests.fakes.running_server import IVAN, Running, running_server

DAY_MS = 86_400_000

FIRST = "please refund the blue kettle"

# What is typed, and which texts it finds, newest first.
QUESTIONS = [
    ("refund", ["your refund is on its way", FIRST]),
    ("refunds -kettle", ["your refund is on its way"]),
    ('"blue kettle"', [FIRST]),
    ('"kettle blue"', []),
    ("from:anna", ["here is the photo", FIRST]),
    ("from:anna@example.org photo", ["here is the photo"]),
    ("from:olga", ["she is right", "your refund is on its way"]),
    ("from:me", ["she is right", "your refund is on its way"]),
    ("from:me -is:note", ["your refund is on its way"]),
    ("to:anna", ["your refund is on its way"]),
    ("to:me", ["here is the photo", FIRST]),
    ("channel:market", ["where is my parcel"]),
    ("channel:webhook", ["where is my parcel"]),
    ("channel:mail from:bert", ["a kettle, please"]),
    ("has:attachment", ["here is the photo"]),
    ("is:note", ["she is right"]),
    ("note:x", None),
    ("is:queued", ["where is my parcel", "a kettle, please"]),
    ("is:queued kettle", ["a kettle, please"]),
    ("is:mine photo", ["here is the photo"]),
    ("is:open -from:me", ["where is my parcel", "here is the photo", "a kettle, please", FIRST]),
    ("is:closed", []),
    ("tag:refund is:note", ["she is right"]),
    ("-tag:refund", ["where is my parcel", "a kettle, please"]),
    ("assignee:nobody", ["where is my parcel", "a kettle, please"]),
    ("assignee:olga from:anna", ["here is the photo", FIRST]),
    ("before:yesterday", [FIRST]),
    ("after:yesterday is:unread", ["where is my parcel", "here is the photo", "a kettle, please"]),
    ("on:2d", [FIRST]),
    ("-from:anna -from:olga", ["where is my parcel", "a kettle, please"]),
    ("priority:urgent is:note", ["she is right"]),
    ("topic:delivery", []),
    ("from:nobody@example.org", []),
    ("from:mela", []),
    ("...", []),
]


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


async def said(run: Running) -> ServerClient:
    """Three customers over three days; Anna's conversation is Olga's."""
    olga = await run.client()
    await run.letters.hear("anna@example.org", FIRST, "Anna Schmidt")
    run.clock.advance(DAY_MS)
    await run.letters.hear("bert@example.org", "a kettle, please", "Bert Vogel")
    run.clock.advance(DAY_MS)
    await olga.claim(1, None)
    await run.answer(olga, 1, "your refund is on its way")
    await run.settled()
    run.clock.advance(1000)
    photo = Attachment(name="photo.png", content_type="image/png", data=b"x")
    await run.letters.hear("anna@example.org", "here is the photo", attachments=[photo])
    run.clock.advance(1000)
    await olga.note(1, NoteCommand(client_id="note-000001", text="she is right"))
    await olga._ask(
        "PATCH", "/v1/conversations/1", dict[str, Any], CaseCommand(tags=["refund"], priority="urgent")
    )
    run.clock.advance(1000)
    await run.hook("where is my parcel")
    return olga


@pytest.fixture(params=["as it is", "in small steps"])
def _steps(request: pytest.FixtureRequest) -> Iterator[None]:
    """A page looks at three candidates and no more: what is found in the end must not depend on it."""
    if request.param == "as it is":
        yield
        return
    with patch.multiple(finding, EXAMINED_MAX=2, CHUNK_MAX=2, CHUNK_FIRST=1, PEOPLE_MAX=0):
        yield


async def everything(client: ServerClient, query: str, limit: int) -> list[str]:
    found: list[str] = []
    before = None
    while True:
        page = await client.search(query, before, limit)
        found += [hit.message.text for hit in page.hits]
        before = page.next
        if before is None:
            return found


@pytest.mark.usefixtures("_steps")
async def test_every_qualifier_finds_what_it_says(run: Running) -> None:
    olga = await said(run)
    for query, texts in QUESTIONS:
        if texts is None:
            await refused(run, 400, "GET", f"/v1/search?q={quote(query)}")
            continue
        for limit in (1, 2, 50):
            assert await everything(olga, query, limit) == texts, (query, limit)


async def test_unread_is_ones_own(run: Running) -> None:
    olga = await said(run)
    ivan = await run.client(IVAN)
    await olga.seen(1, await run.newest())
    assert await everything(olga, "is:unread from:anna", 9) == []
    assert len(await everything(ivan, "is:unread from:anna", 9)) == 2


async def test_a_page_that_looked_far_says_how_far(run: Running) -> None:
    await said(run)
    with patch.multiple(finding, EXAMINED_MAX=2, CHUNK_MAX=2, CHUNK_FIRST=2):
        page = await ask(
            run, SearchPage, "GET", f"/v1/search?q={quote('-is:note -from:olga -has:attachment')}"
        )
    assert page.hits and page.next is not None
    assert page.reached is not None and page.reached <= min(hit.message.at for hit in page.hits)


async def test_any_key_of_a_page_is_a_place(run: Running) -> None:
    """Also one whose time no clock ever shows: everything is before it."""
    await said(run)
    largest = 2**63 - 1
    for key in ("682254055723916464.2", f"{largest}.{largest}", str(largest), "0.0"):
        page = await ask(run, SearchPage, "GET", f"/v1/search?q=kettle&before={key}")
        assert bool(page.hits) == (key != "0.0"), key


async def test_what_cannot_be_meant_is_refused_with_advice(run: Running) -> None:
    await said(run)
    for query, message, hint in (
        ("form:anna", "there is no qualifier form:", "did you mean from:?"),
        ("assignee:ogla", "assignee: there is no 'ogla'", "did you mean assignee:olga?"),
        ("channel:mial", "channel: there is no 'mial'", "did you mean channel:mail?"),
        ("team:sales", "team: there is no 'sales'", ""),
        ("before:soon", "before: 'soon' is no date", "such as 2026-11-03"),
    ):
        error = await refused(run, 400, "GET", f"/v1/search?q={quote(query)}")
        assert error.message == message and error.hint.startswith(hint)
