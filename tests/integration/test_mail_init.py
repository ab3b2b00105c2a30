"""From a mailbox's name and password to a mail that arrived: `omni init`, `omni mail test`."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.fakes.dovecot import PASSWORD, Dovecot
from tests.fakes.smtp_sink import ScriptedSmtp

pytestmark = pytest.mark.dovecot

ROOT = Path(__file__).parents[2]
ADDRESS = "help@shop.example"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    server = Dovecot()
    server.start()
    yield server
    server.close()


class Delivering(ScriptedSmtp):
    """Puts what it takes into the mailbox, unless it is told otherwise."""

    def __init__(self, dovecot: Dovecot) -> None:
        super().__init__()
        self.dovecot = dovecot

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        answer = await super().handle_DATA(server, session, envelope)
        if answer.startswith("250") and isinstance(envelope.content, bytes):
            for recipient in envelope.rcpt_tos:
                self.dovecot.deliver(recipient, envelope.content)
        return answer


async def omni(folder: Path, *arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "omni_console",
        *arguments,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "MAIL_PASSWORD": PASSWORD},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


def _init(imap: int, smtp: int) -> list[str]:
    return [
        *("init", "--yes", "--dir", ".", "--site", "Shop", "--email", ADDRESS),
        *(
            "--imap",
            f"127.0.0.1:{imap}",
            "--smtp",
            f"127.0.0.1:{smtp}",
            "--email-password",
            "env:MAIL_PASSWORD",
        ),
    ]


async def test_a_mailbox_that_works_is_shown_to_work(dovecot: Dovecot, tmp_path: Path) -> None:
    async with Delivering(dovecot) as smtp:
        code, out, err = await omni(tmp_path, *_init(dovecot.port, smtp.port))
        assert (code, err) == (0, ""), out
        assert "ok       IMAP login: help@shop.example at 127.0.0.1" in out
        assert "ok       folder INBOX" in out
        assert "ok       SMTP: 127.0.0.1" in out
        assert "wait     sending a mail to help@shop.example, and waiting up to 60 s for it\nok  " in out
        assert "ok       test mail: sent to help@shop.example, and in INBOX after" in out
        [mail] = smtp.mails
        assert isinstance(mail.content, bytes)
        assert b"X-Omni-Console-Loop" in mail.content
        code, out, _ = await omni(tmp_path, "mail", "test", "--config", "omni.toml")
        assert (code, out.count("\nok ")) == (0, 4)


async def test_what_does_not_work_is_said_in_plain_words(dovecot: Dovecot, tmp_path: Path) -> None:
    async with Delivering(dovecot) as smtp:
        smtp.answers[f"RCPT {ADDRESS}"] = "550 5.1.1 no such user"
        code, out, _ = await omni(tmp_path, *_init(dovecot.port, smtp.port))
        assert code == 1
        assert "BROKEN   test mail: " in out
        assert "no such user" in out
        assert "omni mail test" in out
        assert (tmp_path / "omni.toml").exists()  # to be corrected, not to be written again
    code, out, _ = await omni(tmp_path, "mail", "test", "--config", "omni.toml")
    assert code == 1
    assert "BROKEN   SMTP: " in out
    assert "check host and port" in out
    assert "test mail" not in out


async def test_a_mail_that_goes_elsewhere_is_missed(dovecot: Dovecot, tmp_path: Path) -> None:
    """It is taken, and never comes."""
    from channels.email.self_test import try_mailbox
    from channels.email.settings import ImapServer, SmtpServer
    from tests.fakes.mail_account import settings

    async with ScriptedSmtp() as smtp:
        given = settings(
            username="elsewhere",
            imap=ImapServer(host="127.0.0.1", port=dovecot.port, tls="none"),
            smtp=SmtpServer(host="127.0.0.1", port=smtp.port, tls="none"),
        )
        found = [result async for result in try_mailbox(given, patience_s=0.5)]
    assert [result.ok for result in found] == [True, True, True, False]
    assert "not in INBOX" in found[-1].detail
    assert "Junk" in found[-1].hint
