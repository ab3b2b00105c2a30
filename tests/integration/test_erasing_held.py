"""Whoever is erased leaves no byte in what waits out its hold, in what came back as a draft, or in what could
be taken back; and a backup brings what waited back as drafts, once, and never whoever was erased since."""

from __future__ import annotations

import asyncio
import io
import shutil
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from server.backup import Backup
from server.cases import leaving
from server.protocol import Draft, DraftKind, FirstMessage, ForwardCommand, Message
from server.restore import restore
from server.settings import SendingSettings
from server.store import offline
from tests.fakes.post_office import PostOffice, post_office, written
from tests.fakes.running_server import IVAN
from tests.integration.test_erasing import CANARY, MAIL, traces

ANNA, CAROL = "anna@x.example", "carol@z.example"
HOLD = SendingSettings(hold_letters_seconds=10, hold_chats_seconds=0)


@pytest.fixture
async def post() -> AsyncIterator[PostOffice]:
    async with post_office(tables={"sending": HOLD}) as office:
        yield office


async def first(post: PostOffice, to: Message, text: str) -> Message:
    detail = await post.detail(to.conversation_id)
    command = FirstMessage(
        client_id=text,
        text=text,
        subject=f"About {CANARY}",
        channel_id="mail",
        address_id=detail.ways[0].address_id,
        beside=to.conversation_id,
        despite=["open_conversation"],
    )
    return await post.client.people.first_message(to.customer_id, command)


async def forward(post: PostOffice, of: Message, to: str, text: str, cc: str = "") -> Message:
    copies = written(cc) if cc else []
    command = ForwardCommand(
        client_id=text, channel_id="mail", to=written(to), cc=copies, text=text, hold=True
    )
    return await post.client.forward(of.id, command)


async def leaves(post: PostOffice, count: int) -> None:
    post.server.clock.advance(11_000)
    async with asyncio.timeout(10):
        while len(post.smtp.mails) < count:  # noqa: ASYNC110 - another task's data
            await asyncio.sleep(0.02)
    await post.server.settled()


async def erase(post: PostOffice, card: int) -> tuple[int, bytes]:
    person = (await post.client.people.find(CANARY)).items[0].name
    body = msgspec.json.encode({"name": person, "reason": "asked for it"})
    return await post.server.ask("POST", f"/v1/customers/{card}/erase", body, uid=None)


async def held_drafts_and_deeds(post: PostOffice) -> Message:
    """In a conversation of the canary's: each of what is younger than erasing itself; his message."""
    his = await post.receive(MAIL, f"{CANARY} wants a parcel", subject=CANARY)
    client, ivan = post.client, await post.server.client(IVAN)
    # Taken back: a draft of each kind, the line that says so, and what the forward was to.
    await client.withdraw((await first(post, his, f"dear {CANARY}")).id)
    await client.withdraw((await forward(post, his, CAROL, f"ask {CANARY}", cc=MAIL)).id)
    assert {one.kind for one in await client.drafts()} == {"first", "forward"}
    kinds: tuple[DraftKind, ...] = ("first", "forward", "note", "reply")
    for kind in kinds:
        await ivan.save_draft(
            Draft(
                conversation_id=his.conversation_id, kind=kind, text=CANARY, to=written(MAIL), subject=CANARY
            )
        )
    # And still waiting.
    await first(post, his, f"news for {CANARY}")
    await forward(post, his, CAROL, f"look at {CANARY}")
    for number in range(2):
        await client.close_conversation(his.conversation_id, f"{CANARY} {number}", f"{CANARY} went")
        row = await client.reopen(his.conversation_id)
        if number:
            await client.undo(his.conversation_id, row.seq)
    assert await post.server.read("SELECT seq FROM deed WHERE before LIKE ?", f"%{CANARY}%")
    return his


async def test_no_byte_is_left_of_what_waits_came_back_or_could_be_taken_back(post: PostOffice) -> None:
    data = post.server.server.config.server.data_dir
    his = await held_drafts_and_deeds(post)
    await post.server.context.indexer.catch_up()
    assert len(await post.client.held()) == 2
    status, body = await erase(post, his.customer_id)
    assert status == 200, body
    assert traces(data) == []
    assert (await post.client.held(), await post.client.drafts()) == ([], [])
    post.server.clock.advance(60_000)
    await post.receive(ANNA, "Hello")
    await post.server.settled()
    assert post.smtp.mails == []


async def test_nor_of_what_was_to_go_to_him_from_anothers_conversation(post: PostOffice) -> None:
    data = post.server.server.config.server.data_dir
    hers = await post.receive(ANNA, "My order is broken")
    # He was asked once, and is a card since.
    await forward(post, hers, MAIL, "can you help?")
    await leaves(post, 1)
    his = await post.receive(MAIL, "no", in_reply_to=post.sent()["Message-ID"])
    assert his.customer_id != hers.customer_id
    # In its hold: it would go to nobody.
    waits = await forward(post, hers, MAIL, "and now?")
    status, body = await erase(post, his.customer_id)
    assert (status, b"in its hold" in body) == (409, True), body
    await post.client.withdraw(waits.id)
    # Taken back: a draft that names him, among others.
    await post.client.withdraw((await forward(post, hers, CAROL, "again", cc=MAIL)).id)
    # To her, with a copy to him, tomorrow.
    detail = await post.detail(hers.conversation_id)
    way = next(one for one in detail.ways if one.channel_id == "mail")
    at = post.server.clock.now() + 3_600_000
    later = post.server.command("later", way, detail.history.seq, at=at, cc=written(MAIL), keep=True)
    await post.client.reply(hers.conversation_id, later)
    await post.server.context.indexer.catch_up()
    status, body = await erase(post, his.customer_id)
    assert status == 200, body
    assert traces(data) == []
    # Hers is whole, but for him.
    [draft] = await post.client.drafts()
    assert (draft.kind, draft.text, [one.address for one in draft.to], draft.cc) == (
        *("forward", "again"),
        *([CAROL], []),
    )
    notes = [
        one.text for one in (await post.detail(hers.conversation_id)).history.messages if one.kind == "note"
    ]
    assert notes == ["forwarded"]
    post.server.clock.advance(3_601_000)
    async with asyncio.timeout(10):
        while len(post.smtp.mails) < 2:  # noqa: ASYNC110 - another task's data
            await asyncio.sleep(0.02)
    assert post.smtp.mails[-1].rcpt_tos == [ANNA]


def archived(data: Path, now: int) -> io.BytesIO:
    archive = io.BytesIO()
    with closing(Backup(data)) as backup:
        backup.prepare()
        backup.write(archive, "1", now)
    archive.seek(0)
    return archive


async def test_a_backup_brings_what_waited_back_as_drafts_once(post: PostOffice, tmp_path: Path) -> None:
    anna = await post.receive(ANNA, "My order is broken")
    held = await first(post, anna, "News"), await forward(post, anna, CAROL, "Can you help?")
    # And another one was begun since.
    begun = Draft(conversation_id=anna.conversation_id, kind="first", text="begun")
    await post.client.save_draft(begun)
    server = post.server
    archive = await asyncio.to_thread(archived, server.server.config.server.data_dir, server.clock.now())
    await leaves(post, 2)
    for number in range(2):  # of what was restored a backup is made, and restored in turn
        elsewhere = tmp_path / str(number)
        elsewhere.mkdir()
        await asyncio.to_thread(restore, archive, elsewhere)
        with closing(sqlite3.connect(elsewhere / offline.DATABASE)) as found:
            drafts = found.execute("SELECT kind, text FROM draft ORDER BY kind").fetchall()
            assert drafts == [("first", "News\n\nbegun"), ("forward", "Can you help?")]
            assert found.execute("SELECT message_id FROM scheduled").fetchall() == []
            assert found.execute("SELECT message_id FROM outbox").fetchall() == []
            lines = found.execute("SELECT id, status, error FROM message WHERE kind = 'system' ORDER BY id")
            assert lines.fetchall() == [(one.id, "withdrawn", leaving.RESTORED) for one in held]
            assert found.execute("SELECT count(*) FROM conversation").fetchone() == (1,)
        archive = await asyncio.to_thread(archived, elsewhere, server.clock.now())


async def test_nor_does_an_older_backup_bring_him_back(post: PostOffice, tmp_path: Path) -> None:
    data = post.server.server.config.server.data_dir
    hers = await post.receive(ANNA, "My order is broken")
    his = await held_drafts_and_deeds(post)
    waits = await forward(post, hers, MAIL, "and now?")
    archive = await asyncio.to_thread(archived, data, post.server.clock.now())
    await post.client.withdraw(waits.id)
    assert (await erase(post, his.customer_id))[0] == 200
    elsewhere = tmp_path / "data"
    elsewhere.mkdir()
    shutil.copy(data / "erased.jsonl", elsewhere)
    await asyncio.to_thread(restore, archive, elsewhere)
    assert traces(elsewhere) == []
    with closing(sqlite3.connect(elsewhere / offline.DATABASE)) as found:
        assert found.execute("SELECT kind, text FROM draft").fetchall() == [("forward", "and now?")]
