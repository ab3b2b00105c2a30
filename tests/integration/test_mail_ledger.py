"""`omni mail`: the ledger, the quarantine, archives. A real Dovecot, the whole server, the real command."""

from __future__ import annotations

import itertools
import json
import mailbox
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.dovecot import Dovecot
from tests.fakes.mail_account import settings
from tests.fakes.mail_corpus import plain
from tests.fakes.mail_world import MailWorld

pytestmark = pytest.mark.dovecot

_names = itertools.count(1)

OURS = (
    b"From: Shop <support@shop.example>\r\nTo: anna@customer.example\r\nSubject: Re: A question\r\n"
    b"Date: Sat, 21 Nov 2020 11:00:00 +0300\r\nMessage-ID: <ours1@shop.example>\r\n"
    b"In-Reply-To: <old1@customer.example>\r\n\r\nIt is on its way.\r\n"
)


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    server = Dovecot(sent="Sent")
    server.start()
    yield server
    server.close()


@pytest.fixture
def user() -> str:
    return f"ledger{next(_names)}"


async def test_every_mail_is_accounted_for(dovecot: Dovecot, user: str) -> None:
    for number in (901, 902):
        dovecot.deliver(user, plain(number), count=number)
    async with MailWorld({"mail": settings(dovecot.port, username=user, max_message_bytes=100_000)}) as world:
        await world.connected()
        loop = plain(5, sender="support@shop.example")
        for number, raw in enumerate((plain(1), plain(1), plain(2), plain(3, text="x" * 200_000), loop)):
            dovecot.deliver(user, raw, count=number)
        await world.until("SELECT count(*) FROM place", 5)
        await world.until("SELECT count(*) FROM journal WHERE state = 'received'", 0)
        code, out, err = await world.omni("mail", "ledger", "--json")
        assert (code, err) == (0, "")
        told = json.loads(out)
        assert told["unaccounted"] == 0
        [inbox, sent] = told["mailboxes"]["mail"]
        assert (inbox["kept"], inbox["taken"], inbox["quarantined"], inbox["before"]) == (7, 3, 2, 2)
        assert (sent["box"], sent["kept"]) == ("Sent", 0)
        code, out, _ = await world.omni("mail", "ledger")
        assert code == 0
        assert out.endswith("0 unaccounted\n")
        # What was taken may be deleted there; what was never taken is named.
        await dovecot.command(user, b"SELECT INBOX", b"STORE 3 +FLAGS (\\Deleted)", b"EXPUNGE")
        assert world.server is not None
        await world.server.database.write(lambda tx: tx.run("DELETE FROM place WHERE number = 5"))
        code, out, _ = await world.omni("mail", "ledger")
        assert code == 1
        assert "mail, INBOX, UID 5 " in out
        assert "was never taken" in out
        assert out.endswith("1 unaccounted\n")


async def test_what_is_in_quarantine_can_be_opened_and_imported(
    dovecot: Dovecot, user: str, tmp_path: Path
) -> None:
    given = settings(dovecot.port, username=user, max_message_bytes=100_000)
    async with MailWorld({"mail": given}) as world:
        await world.connected()
        assert (await world.omni("mail", "quarantine", "list"))[1] == "nothing is in quarantine\n"
        big = plain(1, text="\r\n".join(["A long line of a long mail."] * 9_000))
        copy = OURS.replace(b"old1", b"m1").replace(b"ours1", b"copy")
        broken = b"From: eve@customer.example\r\nSubject: boxes\r\nMessage-ID: <b@x>\r\n" + (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + b"--b\r\n\r\nx\r\n" * 3_000 + b"--b--\r\n"
        )
        for number, raw in enumerate((big, copy, broken)):
            dovecot.deliver(user, raw, count=number)
        await world.until("SELECT count(*) FROM journal WHERE state = 'quarantined'", 3)
        assert (
            await world.value("SELECT count(*) FROM message") == 2
        )  # the stub, and the file of the broken one
        items = json.loads((await world.omni("mail", "quarantine", "list", "--json"))[1])
        why = {item["error"].partition(":")[0]: str(item["id"]) for item in items}
        assert set(why) == {"too big", "own loop", "unparseable"}

        target = tmp_path / "big.eml"
        code, out, err = await world.omni("mail", "quarantine", "open", why["too big"], "-o", str(target))
        assert (code, err) == (0, ""), out
        assert target.read_bytes() == big
        code, _, err = await world.omni("mail", "quarantine", "open", why["too big"], "-o", str(target))
        assert (code, "such a file already" in err) == (1, True)
        code, out, _ = await world.omni("mail", "quarantine", "open", why["own loop"])
        assert (code, out.encode()) == (0, copy)

        code, out, err = await world.omni("mail", "quarantine", "import", why["too big"])
        assert (code, err) == (0, ""), out
        [row] = await world.read(
            "SELECT text, edited_at FROM message WHERE remote_id = '<m1@customer.example>'"
        )
        assert row["text"].startswith("A long line of a long mail.")
        assert row["edited_at"] is None
        code, out, err = await world.omni("mail", "quarantine", "import", why["own loop"], "--json")
        assert (code, err) == (0, "")
        [row] = await world.read(
            "SELECT kind, status FROM message WHERE id = ?", json.loads(out)["message_id"]
        )
        assert row == {"kind": "out", "status": "sent"}
        code, _, err = await world.omni("mail", "quarantine", "import", why["unparseable"])
        assert code == 1
        assert "still cannot be taken apart" in err
        code, _, err = await world.omni("mail", "quarantine", "import", why["own loop"])
        assert code == 1
        assert "not in quarantine" in err
        assert await world.value("SELECT count(*) FROM journal WHERE state = 'quarantined'") == 1


def _old(number: int, **more: str) -> bytes:
    raw = plain(number, message_id=f"<old{number}@customer.example>", **more)
    return raw.replace(b"21 Nov 2026", b"21 Nov 2020")


@pytest.mark.parametrize("kind", ["mbox", "maildir", "eml"])
async def test_history_is_brought_in_once_and_disturbs_nobody(
    kind: str, dovecot: Dovecot, user: str, tmp_path: Path
) -> None:
    answer = _old(2, extra="In-Reply-To: <ours1@shop.example>").replace(b"10:00:00", b"12:00:00")
    mails = [answer, OURS, _old(1), plain(7)]
    mails.append(_old(3, sender="ben@customer.example", text="From here on\r\nFrom there, too."))
    archive = _archive(kind, tmp_path, mails)
    async with MailWorld({"mail": settings(dovecot.port, username=user)}) as world:
        await world.connected()
        dovecot.deliver(user, plain(7))  # one of them came by itself, and is being talked about
        await world.until("SELECT count(*) FROM message", 1)
        [before] = await world.read("SELECT * FROM conversation")
        code, out, err = await world.omni("mail", "import", kind, str(archive))
        assert code == 0, err
        assert out == "5 mails found: 4 brought in, 1 were here already\n"
        await world.until("SELECT count(*) FROM message", 5)
        await world.until("SELECT count(*) FROM journal WHERE state = 'received'", 0)

        texts = {row["text"] for row in await world.read("SELECT text FROM message")}
        assert {"It is on its way.", "From here on\nFrom there, too."} <= texts
        rows = await world.read("SELECT * FROM conversation ORDER BY id")
        assert rows[0] == before
        assert [row["state"] for row in rows] == ["open", "closed", "closed"]
        assert all(
            row["waiting_since"] is None and row["closed_at"] < before["opened_at"] for row in rows[1:]
        )
        kinds = await world.read(
            "SELECT kind FROM message WHERE conversation_id ="
            " (SELECT conversation_id FROM message WHERE kind = 'out') ORDER BY at"
        )
        assert [row["kind"] for row in kinds] == ["in", "out", "in"]
        new = await world.read(
            "SELECT kind, count(*) AS n FROM event WHERE kind LIKE 'message.%' GROUP BY kind"
        )
        assert {row["kind"]: row["n"] for row in new} == {"message.received": 1, "message.imported": 4}
        assert await world.value("SELECT count(*) FROM outbox") == 0

        newest = await world.value("SELECT max(seq) FROM event WHERE kind != 'channel.state'")
        code, out, _ = await world.omni("mail", "import", kind, str(archive), "--json")
        assert (code, json.loads(out)["new"]) == (0, 0)
        assert await world.value("SELECT count(*) FROM message") == 5
        assert await world.value("SELECT max(seq) FROM event WHERE kind != 'channel.state'") == newest


def _archive(kind: str, folder: Path, mails: list[bytes]) -> Path:
    path = folder / "archive"
    if kind == "mbox":
        box = mailbox.mbox(path)
        for raw in mails:
            box.add(raw.replace(b"\r\n", b"\n"))
        box.close()
    elif kind == "maildir":
        maildir = mailbox.Maildir(path)
        for number, raw in enumerate(mails):
            (maildir.add_folder("Old") if number % 2 else maildir).add(raw)
    else:
        path.mkdir()
        for number, raw in enumerate(mails):
            (path / f"{number}.eml").write_bytes(raw)
    return path


async def test_what_is_no_archive_is_said(dovecot: Dovecot, user: str, tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(plain(1))
    async with MailWorld({"mail": settings(dovecot.port, username=user)}) as world:
        for kind, path, says in (
            ("mbox", tmp_path / "one.eml", "does not begin with a line From"),
            ("mbox", tmp_path, "an mbox is one file"),
            ("maildir", tmp_path, "folders cur and new"),
        ):
            code, _, err = await world.omni("mail", "import", kind, str(path))
            assert (code, says in err) == (2, True), err
        code, _, err = await world.omni("mail", "ledger", "--channel", "nowhere")
        assert code == 2
        assert "mailboxes: mail" in err
