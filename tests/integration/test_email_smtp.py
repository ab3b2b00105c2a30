"""Handing mail to an SMTP server: every way it can answer, or not answer, has one meaning."""

from __future__ import annotations

import email
import sys
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import msgspec
import pytest

from channels.base import (
    BadCredentials,
    Failed,
    Outbound,
    OutboundFile,
    Paused,
    Retry,
    SendResult,
    Sent,
    Unknown,
)
from channels.email import EmailChannel
from channels.email.settings import SmtpServer
from channels.secret import Secret
from tests.fakes.dovecot import free_port
from tests.fakes.mail_account import channel, host, settings
from tests.fakes.smtp_sink import CERTIFICATE, ScriptedSmtp

ANNA = "anna@customer.example"


def outbound(**changes: Any) -> Outbound:
    values: dict[str, Any] = {
        "key": "k1",
        "message_id": 977,
        "conversation_id": 42,
        "to": ANNA,
        "to_name": "Анна",
        "thread": ANNA,
        "text": "Здравствуйте!\n\nЗаказ уже в пути.\n.\n",
        "subject": "Где мой заказ?",
        "author": "Olga",
        "references": ("<first@customer.example>", "<m1@customer.example>"),
        "written_at": 1_795_000_000_000,
    }
    return Outbound(**(values | changes))


async def ready(given: Any) -> EmailChannel:
    """A channel that knows its host but reads no mail."""
    made = channel(given)
    here = host()
    made.host = here
    made._key = here.key("message-id")
    return made


async def attempt(server: ScriptedSmtp, **changes: Any) -> SendResult:
    return await (await ready(settings(1, server.port))).send(outbound(**changes))


async def test_a_reply_arrives_as_written_and_threads() -> None:
    async with ScriptedSmtp() as server:
        mail = await ready(settings(1, server.port))
        result = await mail.send(outbound())
    name = mail.name_message(42, 977)
    assert result == Sent(remote_id=name)
    envelope = server.mails[0]
    assert envelope.mail_from == "support@shop.example"
    assert envelope.rcpt_tos == [ANNA]
    parsed = email.message_from_bytes(envelope.original_content or b"", policy=default)
    assert isinstance(parsed, EmailMessage)
    assert parsed["From"] == "Shop <support@shop.example>"
    assert parsed["To"] == f"Анна <{ANNA}>"
    assert parsed["Subject"] == "Re: Где мой заказ?"
    assert parsed["Message-ID"] == name
    assert parsed["In-Reply-To"] == "<m1@customer.example>"
    assert parsed["References"].split() == ["<first@customer.example>", "<m1@customer.example>"]
    assert parsed["X-Omni-Console-Loop"] == "support@shop.example"
    plain, rich = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert plain is not None
    assert rich is not None
    assert plain.get_content().replace("\r\n", "\n") == "Здравствуйте!\n\nЗаказ уже в пути.\n.\n"
    assert "<p>Здравствуйте!</p>" in rich.get_content()
    assert "Auto-Submitted" not in parsed
    assert (envelope.original_content or b"").isascii()


async def test_the_same_reply_has_the_same_message_id_on_every_attempt() -> None:
    async with ScriptedSmtp() as server:
        server.answers["DATA"] = "451 4.3.0 later"
        assert isinstance(await attempt(server), Retry)
        server.answers.clear()
        assert isinstance(await attempt(server, attempt=2), Sent)
        ids = [email.message_from_bytes(one.original_content or b"")["Message-ID"] for one in server.mails]
    assert len(ids) == 2
    assert ids[0] == ids[1]


async def test_files_travel(tmp_path: Path) -> None:
    stored = tmp_path / "abc"
    stored.write_bytes(b"\x89PNG\r\n.\r\nbinary\x00")
    file = OutboundFile(name="счёт.png", content_type="image/png", size=18, path=str(stored))
    async with ScriptedSmtp() as server:
        assert isinstance(await attempt(server, files=(file,)), Sent)
        parsed = email.message_from_bytes(server.mails[0].original_content or b"", policy=default)
        missing = msgspec.structs.replace(file, path=str(tmp_path / "gone"))
        refused = await attempt(server, files=(missing,))
    assert isinstance(parsed, EmailMessage)
    (attachment,) = parsed.iter_attachments()
    assert attachment.get_filename() == "счёт.png"
    assert attachment.get_content() == b"\x89PNG\r\n.\r\nbinary\x00"
    assert isinstance(refused, Failed)
    assert "счёт.png" in refused.reason
    assert len(server.mails) == 1


@pytest.mark.parametrize(
    ("command", "answer", "expected"),
    [
        (f"RCPT {ANNA}", "550 5.1.1 no such user", Failed),
        (f"RCPT {ANNA}", "451 4.7.1 greylisted", Retry),
        (f"RCPT {ANNA}", "452 4.2.2 mailbox full", Retry),
        ("DATA", "452 4.3.1 out of space", Retry),
        ("DATA", "554 5.7.1 looks like spam", Failed),
        ("DATA", "550 5.7.30 basic authentication is not supported", BadCredentials),
        ("DATA", "550 5.4.5 daily user sending limit exceeded", Paused),
        ("MAIL", "452 4.2.2 quota of the sender exceeded", Paused),
        (f"RCPT {ANNA}", "450 4.7.1 rate limit, slow down", Paused),
        (f"RCPT {ANNA}", "452 4.5.3 too many recipients", Retry),
        (f"RCPT {ANNA}", "552 5.2.2 mailbox full", Failed),
        ("MAIL", "451 4.0.0 not now", Retry),
        ("MAIL", "530 5.7.0 authentication required", BadCredentials),
        ("MAIL", "553 5.7.1 sender address rejected: not owned by user", BadCredentials),
        ("MAIL", "hang up", Retry),
        ("MAIL", "stall", Retry),
        (f"RCPT {ANNA}", "hang up", Retry),
        (f"RCPT {ANNA}", "stall", Retry),
        ("DATA", "hang up", Unknown),
        ("DATA", "stall", Unknown),
    ],
)
async def test_every_answer_has_one_meaning(command: str, answer: str, expected: type[object]) -> None:
    async with ScriptedSmtp() as server:
        server.answers[command] = answer
        result = await attempt(server)
        assert type(result) is expected, result
        # Whatever it was, the next mail is not harmed by it.
        server.answers.clear()
        assert isinstance(await attempt(server), Sent)


async def test_a_sending_limit_pauses_for_long() -> None:
    async with ScriptedSmtp() as server:
        server.answers["DATA"] = "550 5.4.5 daily user sending limit exceeded"
        result = await attempt(server)
    assert isinstance(result, Paused)
    assert result.after >= 600


async def test_nobody_there_is_a_retry() -> None:
    result = await (await ready(settings(1, free_port()))).send(outbound())
    assert isinstance(result, Retry)


async def test_login_is_used_where_it_is_given() -> None:
    async with ScriptedSmtp(credentials=("relay", "pass")) as server:
        good = SmtpServer(
            host="127.0.0.1", port=server.port, tls="none", username="relay", password=Secret("pass")
        )
        assert isinstance(await (await ready(settings(1, smtp=good))).send(outbound()), Sent)
        bad = msgspec.structs.replace(good, password=Secret("wrong"))
        mail = await ready(settings(1, smtp=bad))
        assert isinstance(await mail.send(outbound()), BadCredentials)
        (line,) = [one for one in await mail.probe() if one.name == "SMTP"]
        assert not line.ok
        assert "password" in line.hint
        server.answers["AUTH"] = "454 4.7.0 temporary authentication failure"
        assert isinstance(await (await ready(settings(1, smtp=good))).send(outbound()), Retry)
    assert len(server.mails) == 1


@pytest.mark.parametrize("tls", ["starttls", "implicit"])
async def test_tls_is_verified(tls: str) -> None:
    async with ScriptedSmtp(tls=tls, credentials=("support", "secret")) as server:
        smtp = msgspec.convert({"host": "127.0.0.1", "port": server.port, "tls": tls}, SmtpServer)
        trusted = await ready(settings(1, smtp=smtp, ca_file=str(CERTIFICATE)))
        assert isinstance(await trusted.send(outbound()), Sent)
        stranger = await ready(settings(1, smtp=smtp))
        result = await stranger.send(outbound())
        assert isinstance(result, Retry)
        assert "certificate" in result.reason.lower()
        (line,) = [one for one in await stranger.probe() if one.name == "SMTP"]
        assert "ca_file" in line.hint
    assert len(server.mails) == 1


async def test_no_password_goes_to_a_server_that_lost_its_tls() -> None:
    async with ScriptedSmtp(credentials=("support", "secret")) as server:
        smtp = SmtpServer(host="127.0.0.1", port=server.port, tls="starttls")
        result = await (await ready(settings(1, smtp=smtp))).send(outbound())
    assert isinstance(result, Retry)
    assert server.commands == []


async def test_addresses_in_other_scripts() -> None:
    async with ScriptedSmtp() as server:
        assert isinstance(await attempt(server, to="anna@почта.рф"), Sent)
        assert isinstance(await attempt(server, to="анна@почта.рф"), Sent)
    assert [one.rcpt_tos for one in server.mails] == [
        ["anna@xn--80a1acny.xn--p1ai"],
        ["анна@xn--80a1acny.xn--p1ai"],
    ]
    async with ScriptedSmtp(utf8=False) as server:
        result = await attempt(server, to="анна@почта.рф")
    assert isinstance(result, Failed)
    assert "SMTPUTF8" in result.reason


async def test_too_big_for_the_relay_is_told_before_sending() -> None:
    async with ScriptedSmtp(size_limit=2000) as server:
        result = await attempt(server, text="x" * 5000)
    assert isinstance(result, Failed)
    assert server.mails == []


@pytest.mark.parametrize(
    "to", ["unknown@invalid", "nobody", "", "a@b\r\nRCPT TO:<evil@x.example>", "a b@c.example"]
)
async def test_unusable_addresses_never_reach_the_server(to: str) -> None:
    async with ScriptedSmtp() as server:
        result = await attempt(server, to=to)
    assert isinstance(result, Failed)
    assert server.commands == []


async def test_header_injection_is_impossible() -> None:
    nasty = "x\r\nBcc: evil@x.example\r\n\r\ninjected"
    async with ScriptedSmtp() as server:
        result = await attempt(
            server,
            to_name=nasty,
            subject=nasty,
            author=nasty,
            references=(nasty, "<ok@x.example>", "<a@b\r\nBcc: evil@x.example>"),
        )
    assert isinstance(result, Sent)
    parsed = email.message_from_bytes(server.mails[0].original_content or b"")
    assert parsed["Bcc"] is None
    assert parsed["References"] == "<ok@x.example>"
    assert server.mails[0].rcpt_tos == [ANNA]


async def test_a_token_that_is_over_is_renewed_once(tmp_path: Path) -> None:
    printed = tmp_path / "tokens"
    printed.write_text("stale")
    command = (sys.executable, "-c", f"print(open({str(printed)!r}).read())")
    async with ScriptedSmtp(tls="implicit", tokens=("fresh",)) as server:
        smtp = SmtpServer(host="127.0.0.1", port=server.port, tls="implicit")
        given = settings(1, smtp=smtp, password=None, token_command=command, ca_file=str(CERTIFICATE))
        mail = await ready(given)
        refused = await mail.send(outbound())
        assert isinstance(refused, BadCredentials), refused
        assert server.mails == []
        printed.write_text("fresh")
        assert isinstance(await mail.send(outbound()), Sent)
        # While the token is good nobody asks for another one.
        printed.write_text("worse")
        assert isinstance(await mail.send(outbound()), Sent)
        printed.write_text("newest")
        server.tokens = ("newest",)
        assert isinstance(await mail.send(outbound()), Sent)
    assert len(server.mails) == 3
