"""The event log's chain: any edit of it is found, what was forgotten in order is not one."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from omni_console.cli import run as omni
from server.protocol import AuditVerdict
from server.store import audit, events, offline
from tests.fakes.running_server import IVAN, Running, running_server

EDITS = {
    "changed": "UPDATE event SET operator_id = 99 WHERE seq = :seq",
    "reworded": "UPDATE event SET data = '{\"to\":1}' WHERE seq = :seq",
    "removed": "DELETE FROM event WHERE seq = :seq",
    "moved": "UPDATE event SET at = at + 1 WHERE seq = :seq",
    "another in its place": "UPDATE event SET kind = 'conversation.assigned' WHERE seq = :seq",
}


@pytest.fixture
async def run() -> AsyncIterator[Running]:
    async with running_server() as running:
        yield running


async def _verify(run: Running, expect: str = "") -> AuditVerdict:
    status, body = await run.ask("GET", f"/v1/audit?expect={expect}", uid=None)
    assert status == 200, body
    return msgspec.json.decode(body, type=AuditVerdict)


async def _lived(run: Running) -> None:
    for number in range(6):
        await run.hook(f"message {number}", sender=f"buyer-{number % 3}", key=f"order-{number % 3}")
    client = await run.client()
    for row in (await client.conversations("all")).items:
        await run.answer(client, row.id, "thank you")
    await run.settled()


async def test_what_was_written_is_verified(run: Running) -> None:
    await _lived(run)
    first = await _verify(run)
    newest = await run.newest()
    assert (first.problem, first.last, first.events, first.first) == ("", newest, newest, 1)
    await run.hook("one more")
    noted = f"{first.last}:{first.digest}"
    later = await _verify(run, noted)
    assert later.problem == ""
    assert later.digest != first.digest
    assert "is not the one that was noted" in (await _verify(run, f"{first.last}:{'0' * 64}")).problem
    assert "nothing was sealed" in (await _verify(run, f"{first.last + 10_000}:{first.digest}")).problem


async def test_only_administrators_ask_and_only_with_a_digest(run: Running) -> None:
    assert (await run.ask("GET", "/v1/audit", uid=IVAN))[0] == 403
    assert (await run.ask("GET", "/v1/audit?expect=yesterday", uid=None))[0] == 400


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("place", ["first", "middle", "last"])
async def test_any_edit_is_found(run: Running, name: str, place: str) -> None:
    await _lived(run)
    newest = await run.newest()
    seq = {"first": 1, "middle": newest // 2, "last": newest}[place]
    await run.server.database.write(lambda tx: tx.run(EDITS[name], {"seq": seq}))
    found = await _verify(run)
    assert found.problem
    assert found.last < newest


async def test_an_event_that_this_server_did_not_write_is_found(run: Running) -> None:
    await _lived(run)
    newest = await run.newest()
    await run.server.database.write(
        lambda tx: tx.run("INSERT INTO event (seq, at, kind) VALUES (?, 1, 'note.added')", (newest + 1,))
    )
    assert f"event {newest + 1} was not written" in (await _verify(run)).problem
    await run.hook("and the server goes on")
    assert (await _verify(run)).problem


async def test_what_is_forgotten_in_order_is_no_edit(run: Running) -> None:
    await _lived(run)
    run.clock.advance(1000)
    now = run.clock.now()
    assert await run.server.database.write(lambda tx: events.forget_before(tx, now)) > 0
    await run.hook("afterwards")
    found = await _verify(run)
    assert found.problem == ""
    assert found.first is not None
    assert found.first > 1
    # Forgotten by somebody else, it is one.
    await run.server.database.write(
        lambda tx: tx.run("DELETE FROM event WHERE seq = (SELECT min(seq) FROM event)")
    )
    assert (await _verify(run)).problem


def test_a_log_older_than_the_chain_begins_with_it(tmp_path: Path) -> None:
    offline.create(tmp_path)
    connection = sqlite3.connect(tmp_path / offline.DATABASE)
    connection.execute("DELETE FROM audit")
    connection.execute("DELETE FROM event")
    connection.execute("INSERT INTO event (seq, at, kind) VALUES (7, 1, 'note.added')")
    connection.execute("INSERT INTO audit (last, first, digest) VALUES (7, 0, zeroblob(32))")
    connection.commit()
    connection.close()
    offline.write(tmp_path, lambda tx: tx.emit("note.added"))
    found = offline.verify_audit(tmp_path, None)
    assert (found.problem, found.events, found.first) == ("", 1, 8)
    assert offline.write(tmp_path, lambda tx: events.forget_before(tx, tx.now + 1)) == 1
    assert offline.verify_audit(tmp_path, None).problem == ""


def test_the_command_says_it_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    offline.create(tmp_path)
    offline.write(tmp_path, lambda tx: tx.emit("note.added"))
    config = tmp_path / "omni.toml"
    config.write_text(f'[server]\ndata_dir = "{tmp_path}"\nsocket = "{tmp_path / "omni.sock"}"\n')
    command = ["--config", str(config), "audit", "verify"]
    assert omni(command) == 0
    shown = capsys.readouterr().out
    assert "1 events are as they were written" in shown
    noted = shown.split("; ")[1].strip()
    assert omni([*command, "--expect", noted]) == 0
    assert omni([*command, "--expect", "yesterday"]) == 2
    connection = sqlite3.connect(tmp_path / offline.DATABASE)
    connection.execute("UPDATE event SET kind = 'note.changed'")
    connection.commit()
    connection.close()
    assert omni(command) == 1
    assert "was changed" in capsys.readouterr().err


def test_leaves_do_not_run_into_each_other() -> None:
    assert audit.digest_of(b"", [b"ab", b"c"]) != audit.digest_of(b"", [b"a", b"bc"])
    assert audit.leaf((1, None, "1")) != audit.leaf((1, 1, None))
