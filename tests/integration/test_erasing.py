"""Whoever is erased leaves no byte: in the database, its log and indexes, the files, the logs; nor does an
older backup bring him back. Everybody else stays as he was."""

from __future__ import annotations

import asyncio
import io
import os
import shutil
import sqlite3
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from channels.base import Attachment, Contact, Reference, Sender
from omni_console.cli import run as omni
from omni_console.commands.erasure_record import record
from server.backup import Backup
from server.protocol import Draft, ErasureReport, NoteCommand
from server.restore import restore
from server.store import audit, erasure, merges, offline
from server.store import operators as accounts
from server.store.migrations import migrate
from server.store.transaction import Snapshot, Transaction
from tests.fakes.running_server import IVAN, Running, running_server

CANARY = "kanarejka"  # in every word of the one who goes
MAIL = f"{CANARY}@example.org"


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


def traces(folder: Path) -> list[str]:
    """Files below the folder that hold a byte of the canary, however it is written."""
    wanted = [CANARY.encode(), CANARY.upper().encode(), CANARY.title().encode(), CANARY.encode("utf-16-le")]
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            if any(one in data for one in wanted):
                found.append(path.name)
    return found


async def _lives(run: Running) -> tuple[int, int]:
    """Two people, of whom one is a canary through and through; their cards."""
    olga = await run.client()
    other = await run.letters.hear("anna@example.org", "a word of Anna", "Anna")
    assert other.conversation_id is not None
    picture = Attachment(name=f"{CANARY}.txt", content_type="text/plain", data=f"{CANARY} in a file".encode())
    shared = Attachment(name="price list.txt", content_type="text/plain", data=b"the price list of all")
    first = await run.letters.hear(
        MAIL,
        f"{CANARY} wants a parcel",
        CANARY.title(),
        subject=f"Re: {CANARY}",
        attachments=(picture, shared),
        sender=Sender(
            external_id=MAIL,
            name=CANARY.title(),
            contacts=(Contact(scheme="phone", external_id="+79161234567", verified=False),),
        ),
    )
    await run.letters.hear("anna@example.org", "look", attachments=(shared,))
    assert first.conversation_id is not None
    await run.answer(olga, first.conversation_id, f"dear {CANARY}, it is on its way")
    await run.settled()
    # As a stranger in Anna's conversation, by an answer that she sent on to him.
    reply = await run.answer(olga, other.conversation_id, "hello Anna")
    await run.settled()
    ours = run.letters.sent[-1].remote_id
    assert reply.id
    assert ours is not None
    await run.letters.hear(
        MAIL, f"{CANARY} answers for Anna", references=(Reference(remote_id=ours, trusted=True),)
    )
    visitor = await run.visitor(sub="7", name=CANARY.title(), email=MAIL, email_verified=True)
    await visitor.say(f"{CANARY} in the chat")
    note = NoteCommand(client_id="note-1", text=f"{CANARY} called twice")
    await olga.note(first.conversation_id, note)
    await olga.save_draft(Draft(conversation_id=first.conversation_id, text=f"draft for {CANARY}"))
    [row] = await run.read("SELECT customer_id FROM conversation WHERE id = ?", first.conversation_id)
    card = int(row["customer_id"])
    patch = {"fields": {}, "tags": [CANARY], "language": "ru"}
    assert (await run.ask("PATCH", f"/v1/customers/{card}", msgspec.json.encode(patch)))[0] == 200
    order = {"scheme": "email", "address": MAIL, "title": f"a cage for {CANARY}"}
    assert (await run.ask("PUT", "/v1/records/order/1187", msgspec.json.encode(order)))[0] == 200
    score = {
        "scheme": "email",
        "address": MAIL,
        "title": "csat",
        "amount": "5",
        "details": {"comment": CANARY},
    }
    assert (await run.ask("PUT", "/v1/records/score/1", msgspec.json.encode(score)))[0] == 200
    for name, sought in (("his", f"from:{CANARY}"), (CANARY, "is:open"), ("others", "from:anna")):
        view = msgspec.json.encode({"name": name, "base": "all", "filter": sought})
        assert (await run.ask("POST", "/v1/views", view))[0] == 200
    ways = (await olga.detail(first.conversation_id)).ways
    later = run.command(f"{CANARY}, it came", ways[0], await run.newest(), at=run.clock.now() + 3_600_000)
    await olga.reply(first.conversation_id, later)
    # And a second card, by the market, that turned out to be he.
    await run.hook(f"{CANARY} by the market", person={"email": MAIL, "name": CANARY})
    [second] = await run.read("SELECT max(id) AS id FROM customer")
    merged = msgspec.json.encode({"other_id": second["id"], "reason": CANARY})
    assert (await run.ask("POST", f"/v1/customers/{card}/merge", merged))[0] == 200
    await run.context.indexer.catch_up()
    [anna] = await run.read("SELECT customer_id FROM conversation WHERE id = ?", other.conversation_id)
    return card, int(anna["customer_id"])


def _age(run: Running) -> None:
    """Nobody is just storing these bytes."""
    before = time.time() - 3600
    for path in run.context.blobs.root.rglob("*"):
        if path.is_file():
            os.utime(path, (before, before))


async def _erase(run: Running, card: int, uid: int | None = None) -> tuple[int, bytes]:
    body = msgspec.json.encode({"name": CANARY.title(), "reason": "asked for it on 3 November"})
    return await run.ask("POST", f"/v1/customers/{card}/erase", body, uid=uid)


async def _of_anna(run: Running, anna: int) -> list[tuple[str, str]]:
    olga = await run.client()
    return [(one.kind, one.text) for one in (await olga.history(anna, None)).messages]


async def test_no_byte_is_left(run: Running, capsys: pytest.CaptureFixture[str]) -> None:
    card, anna = await _lives(run)
    data = run.server.config.server.data_dir
    assert {"omni.sqlite3"} <= {name.removesuffix("-wal") for name in traces(data)}
    _age(run)
    stream = await run.listen()
    before = await _of_anna(run, anna)
    status, body = await _erase(run, card)
    assert status == 200, body
    assert traces(data) == []
    captured = capsys.readouterr()
    assert CANARY not in (captured.out + captured.err).lower()

    report = msgspec.json.decode(body, type=ErasureReport)
    assert (report.person, report.files) == (CANARY.title(), 1)
    assert report.counts["message"] >= 5
    assert report.counts["message elsewhere"] == 1
    assert f"email: {MAIL}" in report.addresses
    told = record(report)
    assert "asked for it on 3 November" in told
    assert MAIL in told

    # Anna has everything but his words; the file that both sent is still there.
    after = await _of_anna(run, anna)
    assert [one for one in after if one[1]] == [one for one in before if CANARY not in one[1]]
    [shared] = await run.read("SELECT DISTINCT sha256 FROM attachment")
    assert run.context.blobs.read(shared["sha256"]) == b"the price list of all"

    # The log is whole, tells that it happened, and tells consoles.
    status, body = await run.ask("GET", "/v1/audit", uid=None)
    assert msgspec.json.decode(body)["problem"] == ""
    await stream.reached(await run.newest())
    [gone] = stream.bodies("customer.erased")
    assert gone.customer_id == card
    assert (await run.ask("GET", f"/v1/customers/{card}"))[0] == 404
    assert await run.read("SELECT finished_at FROM erasure WHERE finished_at IS NULL") == []


async def test_numbers_of_the_erased_do_not_come_back(run: Running) -> None:
    await run.letters.hear("anna@example.org", "first", "Anna")
    last = await run.letters.hear(MAIL, "second", CANARY.title())
    [row] = await run.read("SELECT customer_id AS id FROM conversation WHERE id = ?", last.conversation_id)
    assert (await _erase(run, row["id"]))[0] == 200
    again = await run.letters.hear(MAIL, "it is me again", CANARY.title())
    assert last.conversation_id is not None
    assert last.message_id is not None
    assert (again.conversation_id or 0) > last.conversation_id
    assert (again.message_id or 0) > last.message_id
    [new] = await run.read("SELECT customer_id AS id FROM conversation WHERE id = ?", again.conversation_id)
    assert new["id"] > row["id"]


async def test_cards_that_may_be_the_same_person_are_named(run: Running) -> None:
    """Whoever erases must know of the card that was never brought together with this one."""
    heard = await run.letters.hear(MAIL, "hello", CANARY.title())
    await run.hook("me too", person={"email": MAIL})
    [row] = await run.read("SELECT customer_id AS id FROM conversation WHERE id = ?", heard.conversation_id)
    [other] = await run.read("SELECT max(id) AS id FROM customer")
    status, body = await _erase(run, row["id"])
    assert status == 200
    assert msgspec.json.decode(body, type=ErasureReport).others == [other["id"]]


async def test_who_may_and_whom(run: Running) -> None:
    heard = await run.letters.hear(MAIL, "hello", CANARY.title())
    [row] = await run.read("SELECT customer_id AS id FROM conversation WHERE id = ?", heard.conversation_id)
    assert (await _erase(run, row["id"], uid=IVAN))[0] == 403
    wrong = msgspec.json.encode({"name": "Anna", "reason": "by a slip"})
    assert (await run.ask("POST", f"/v1/customers/{row['id']}/erase", wrong, uid=None))[0] == 409
    assert (await _erase(run, row["id"] + 1))[0] == 404
    assert await run.read("SELECT id FROM erasure") == []


async def test_nobody_is_erased_while_a_reply_is_on_its_way(run: Running) -> None:
    olga = await run.client()
    heard = await run.letters.hear(MAIL, "hello", CANARY.title())
    assert heard.conversation_id is not None
    run.letters.gate.clear()
    await run.answer(olga, heard.conversation_id, "one moment")
    async with asyncio.timeout(10):
        while not run.letters.sent:  # noqa: ASYNC110 - what is waited for happens in the server
            await asyncio.sleep(0.005)
    [row] = await run.read("SELECT customer_id AS id FROM conversation WHERE id = ?", heard.conversation_id)
    status, body = await _erase(run, row["id"])
    assert status == 409
    assert b"being sent" in body
    run.letters.gate.set()
    await run.settled()
    assert (await _erase(run, row["id"]))[0] == 200


async def test_bytes_that_somebody_is_just_sending_are_kept(run: Running) -> None:
    """His row comes a moment after his bytes: a file that was stored a moment ago is looked at later."""
    card, _ = await _lives(run)
    [mine] = await run.read("SELECT sha256 FROM attachment WHERE name LIKE ?", f"{CANARY}%")
    assert (await _erase(run, card))[0] == 200
    assert run.context.blobs.path(mine["sha256"]).exists()
    assert len(await run.read("SELECT id FROM erasure WHERE finished_at IS NULL")) == 1
    again = Attachment(name="copy.txt", content_type="text/plain", data=f"{CANARY} in a file".encode())
    await run.letters.hear("anna@example.org", "the same bytes", attachments=(again,))
    _age(run)
    await run.server.eraser.finish()
    assert run.context.blobs.path(mine["sha256"]).exists()
    assert await run.read("SELECT id FROM erasure WHERE finished_at IS NULL") == []


async def test_an_older_backup_comes_back_without_him(run: Running, tmp_path: Path) -> None:
    card, anna = await _lives(run)
    data = run.server.config.server.data_dir
    archive = io.BytesIO()
    backup = Backup(data)
    await asyncio.to_thread(backup.prepare)
    await asyncio.to_thread(backup.write, archive, "1", run.clock.now())
    backup.close()
    assert CANARY.encode() in archive.getvalue()
    _age(run)
    assert (await _erase(run, card))[0] == 200
    elsewhere = tmp_path / "data"
    elsewhere.mkdir()
    shutil.copy(data / "erased.jsonl", elsewhere)
    archive.seek(0)
    await asyncio.to_thread(restore, archive, elsewhere)
    assert traces(elsewhere) == []
    connection = sqlite3.connect(elsewhere / offline.DATABASE)
    names = [row[0] for row in connection.execute("SELECT name FROM customer")]
    texts = [row[0] for row in connection.execute("SELECT text FROM message WHERE customer_id = ?", (anna,))]
    connection.close()
    assert "Anna" in names
    assert "a word of Anna" in texts
    assert offline.verify_audit(elsewhere, None).problem == ""


async def test_a_slip_in_the_list_of_the_erased_stops_a_restore(run: Running, tmp_path: Path) -> None:
    archive = io.BytesIO()
    backup = Backup(run.server.config.server.data_dir)
    await asyncio.to_thread(backup.prepare)
    await asyncio.to_thread(backup.write, archive, "1", run.clock.now())
    backup.close()
    (tmp_path / "erased.jsonl").write_text('{"cards":"all"}\n{"cards":[[1,1]]}\n')
    archive.seek(0)
    with pytest.raises(Exception, match="line 1"):
        await asyncio.to_thread(restore, archive, tmp_path)
    assert not (tmp_path / offline.DATABASE).exists()


async def test_the_command_asks_for_the_name_and_writes_the_record(run: Running, tmp_path: Path) -> None:
    card, _ = await _lives(run)
    target = tmp_path / "record.md"
    command = [
        "--socket",
        run.socket,
        "people",
        "erase",
        str(card),
        "--reason",
        "asked",
        "--report",
        str(target),
    ]
    assert await asyncio.to_thread(omni, [*command, "--name", "Somebody Else"]) == 1
    assert not target.exists()
    assert await asyncio.to_thread(omni, [*command, "--name", CANARY.title()]) == 0
    assert MAIL in target.read_text(encoding="utf-8")
    assert target.stat().st_mode & 0o077 == 0
    assert await run.read("SELECT id FROM customer WHERE id = ?", card) == []


def test_every_table_that_refers_to_a_person_is_decided_about(tmp_path: Path) -> None:
    migrate(tmp_path / "omni.sqlite3", "1")
    connection = sqlite3.connect(tmp_path / "omni.sqlite3")
    tables = [
        row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    ]
    found = {
        (table, row[3], row[2])
        for table in tables
        for row in connection.execute(f"PRAGMA foreign_key_list({table})")
        if row[2] in ("customer", "conversation", "message", "address", "merge")
    }
    by_another_column = {("address", "card_id", "customer")} & found
    decided = set(erasure.OWNED) | set(erasure.MENTIONED)
    assert found - decided == set()
    assert decided - found == set()
    assert by_another_column


def test_of_two_erasures_each_is_in_the_list_once(tmp_path: Path) -> None:
    offline.create(tmp_path)

    def three(tx: Transaction) -> list[int]:
        accounts.add(tx, "olga", "Olga", "admin", 1)
        return [
            tx.insert("INSERT INTO customer (name, created_at) VALUES (?, ?)", (name, tx.now))
            for name in ("one", "two", "three")
        ]

    one, two, three_ = offline.write(tmp_path, three)
    assert offline.write(tmp_path, lambda tx: merges.root_of(tx, one)) == one
    offline.write(tmp_path, lambda tx: erasure.erase(tx, one, 1))
    offline.write(tmp_path, lambda tx: erasure.erase(tx, two, 1))

    def left(tx: Snapshot) -> list[list[tuple[int, int]]]:
        return [found.cards for found in erasure.remaining(tx)]

    lists = offline.write(tmp_path, left)
    assert [[card for card, _ in cards] for cards in lists] == [[one], [two]]
    assert offline.write(tmp_path, lambda tx: erasure.known_by(tx, lists[0])) == []
    assert offline.write(tmp_path, lambda tx: erasure.known_by(tx, [(three_, 1)])) == []
    assert offline.write(tmp_path, lambda tx: audit.verify(tx)).problem == ""
