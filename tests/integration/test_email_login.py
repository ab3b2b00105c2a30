"""Logging in at a real Dovecot: STARTTLS, access tokens, and what happens when they are refused."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from channels.email.imap import Credentials, Endpoint, ImapError, ImapSession
from channels.email.settings import EmailSettings, ImapServer
from channels.secret import Secret
from tests.fakes.dovecot import Dovecot, signed_token
from tests.fakes.mail_account import channel, connected, host, settings, texts, until
from tests.fakes.mail_corpus import plain
from tests.fakes.smtp_sink import CERTIFICATE, KEY

pytestmark = pytest.mark.dovecot

SIGNING = b"a key that only this test's Dovecot knows"


@pytest.fixture(scope="module")
def dovecot() -> Iterator[Dovecot]:
    server = Dovecot(certificate=(CERTIFICATE, KEY), token_key=SIGNING)
    server.start()
    yield server
    server.close()


async def test_starttls_reads_mail_and_verifies_the_server(dovecot: Dovecot) -> None:
    imap = ImapServer(host="127.0.0.1", port=dovecot.port, tls="starttls")
    here = host()
    mail = channel(settings(username="tess", imap=imap, ca_file=str(CERTIFICATE)))
    await mail.start(here)
    await connected(here)
    dovecot.deliver("tess", plain(1))
    await until(lambda: len(here.deliveries) == 1, "mail over STARTTLS")
    await mail.stop()
    elsewhere = host()
    stranger = channel(settings(username="tess", imap=imap))
    await stranger.start(elsewhere)
    await until(lambda: elsewhere.health[-1].state == "retrying", "refused by us")
    assert "certificate" in elsewhere.health[-1].detail
    await stranger.stop()


class Chatty:
    """Greets, and answers STARTTLS with whatever it was given."""

    def __init__(self, greeting: bytes, answer: bytes) -> None:
        self.greeting, self.answer = greeting, answer
        self.heard = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(self.greeting)
        try:
            self.heard += await reader.readline()
            writer.write(self.answer)
            if self.answer:
                self.heard += await reader.read(100)
        except ConnectionError:
            pass
        finally:
            writer.close()


@pytest.mark.parametrize(
    ("greeting", "answer", "says"),
    [
        (
            b"* OK hello\r\n",
            b"S1 OK begin\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\nx OK injected\r\n",
            "before it is encrypted",
        ),
        (b"* OK hello\r\n", b"S1 NO not here\r\n", "does not encrypt: NO not here"),
        (b"* PREAUTH you are in\r\n", b"", "PREAUTH"),
        (b"* OK hello\r\n", b"* " + b"x" * 40_000, "says too much"),
        (b"* OK hello\r\n", b"", "closed the connection"),
    ],
)
async def test_starttls_refuses_what_is_not_safe(greeting: bytes, answer: bytes, says: str) -> None:
    peer = Chatty(greeting, answer)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0)
    try:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(ImapError, match=says):
            await ImapSession.open(
                Endpoint(host="127.0.0.1", port=port, tls="starttls", ca_file=str(CERTIFICATE)),
                Credentials("tess", password="secret"),
                connect=3,
                command=3,
            )
    finally:
        server.close()
        await server.wait_closed()
    assert b"LOGIN" not in peer.heard


async def test_a_token_from_a_command_opens_the_mailbox(dovecot: Dovecot) -> None:
    token = signed_token(SIGNING, "olga")
    answer = msgspec.json.encode({"access_token": token, "expires_in": 3600, "token_type": "Bearer"}).decode()
    given = _with_tokens(dovecot, "olga", token_command=(sys.executable, "-c", f"print({answer!r})"))
    here = host()
    mail = channel(given)
    await mail.start(here)
    await connected(here)
    dovecot.deliver("olga", plain(1))
    await until(lambda: len(here.deliveries) == 1, "mail by a token")
    await mail.stop()
    assert texts(here) == ["Hello, this is mail number 1."]


async def test_a_refused_token_is_renewed_once_and_then_used(dovecot: Dovecot, tmp_path: Path) -> None:
    counted = tmp_path / "asked"
    good, bad = signed_token(SIGNING, "paul"), signed_token(b"another key, since withdrawn", "paul")
    program = (
        "import pathlib, sys; f = pathlib.Path(sys.argv[1]); n = len(f.read_text()) if f.exists() else 0;"
        " f.write_text('x' * (n + 1)); print(sys.argv[2] if n == 0 else sys.argv[3])"
    )
    command = (sys.executable, "-c", program, str(counted), bad, good)
    here = host()
    mail = channel(_with_tokens(dovecot, "paul", token_command=command))
    await mail.start(here)
    await connected(here)
    await mail.stop()
    assert counted.read_text() == "xx"
    assert not any(health.state == "bad_credentials" for health in here.health)


async def test_a_token_that_stays_refused_is_an_alarm_and_is_not_hammered(
    dovecot: Dovecot, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(signed_token(SIGNING, "nina", lives_s=-60))
    file.chmod(0o600)
    here = host()
    mail = channel(_with_tokens(dovecot, "nina", token=Secret.from_reference(f"file:{file}")))
    await mail.start(here)
    await until(lambda: here.health[-1].state == "bad_credentials", "the alarm")
    seen = len(here.health)
    await asyncio.sleep(0.3)
    assert len(here.health) == seen
    assert "refuses the login" in here.health[-1].detail
    [login] = [result for result in await mail.probe() if result.name == "IMAP login"]
    assert not login.ok
    assert "token" in login.hint
    await mail.stop()
    # Somebody renewed the file: the next start tries at once.
    file.write_text(signed_token(SIGNING, "nina"))
    again = channel(_with_tokens(dovecot, "nina", token=Secret.from_reference(f"file:{file}")))
    here.health.clear()
    await again.start(here)
    await connected(here)
    await again.stop()


async def test_a_command_that_gives_no_token_is_an_alarm_with_its_reason(dovecot: Dovecot) -> None:
    refusal = '{"error": "invalid_grant", "error_description": "Token has been revoked."}'
    program = f"import sys; print({refusal!r}); sys.exit(22)"
    here = host()
    mail = channel(_with_tokens(dovecot, "rita", token_command=(sys.executable, "-c", program)))
    await mail.start(here)
    await until(lambda: here.health[-1].state == "bad_credentials", "the alarm")
    assert "invalid_grant Token has been revoked." in here.health[-1].detail
    await mail.stop()


def _with_tokens(dovecot: Dovecot, user: str, **how: Any) -> EmailSettings:
    imap = ImapServer(host="127.0.0.1", port=dovecot.tls_port, tls="implicit")
    return settings(username=user, imap=imap, ca_file=str(CERTIFICATE), password=None, **how)
