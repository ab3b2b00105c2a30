"""The lines of `omni doctor` about an e-mail channel: can we read, can we send. Changes nothing."""

from __future__ import annotations

import asyncio
import contextlib

import aiosmtplib
import msgspec

from channels.base import BadCredentials, ProbeResult
from channels.email.imap import ImapError, ImapRefusedError, LoginRefusedError
from channels.email.imap_link import open_session
from channels.email.oauth import TokenError, TokenSource
from channels.email.pace import Pace
from channels.email.settings import EmailSettings, imap_login, imap_port, smtp_login, smtp_port
from channels.email.smtp import ConnectError, connect


async def probe_imap(
    settings: EmailSettings, pace: Pace, tokens: TokenSource | None = None
) -> list[ProbeResult]:
    """Login, then each watched folder."""
    server, login = settings.imap, imap_login(settings)
    place = f"{server.host}:{imap_port(server)}"
    quick = msgspec.structs.replace(pace, connect=min(pace.connect, 10.0), command=min(pace.command, 15.0))
    try:
        session = await open_session(settings, quick, tokens)
    except TokenError as error:
        hint = "run token_command by hand as the server's account, or look at the file of the token"
        return [ProbeResult(name="IMAP login", ok=False, detail=f"no token: {error}", hint=hint)]
    except LoginRefusedError as error:
        hint = (
            "check username and password; Gmail, Yandex and Mail.ru want an app password here, "
            "and IMAP must be switched on in the account's settings"
        )
        if login.password is None:
            hint = "the token is not for this mailbox, or lacks the right to IMAP: see docs/channels/email.md"
        return [ProbeResult(name="IMAP login", ok=False, detail=str(error), hint=hint)]
    except ImapError as error:
        return [
            ProbeResult(name="IMAP", ok=False, detail=f"{place}: {error}", hint=_connect_hint(str(error)))
        ]
    results = []
    try:
        idle = "with IDLE" if session.can_idle else f"no IDLE: looks every {settings.poll_seconds:g} s"
        results.append(ProbeResult(name="IMAP login", ok=True, detail=f"{login.username} at {place}, {idle}"))
        for folder in settings.folders:
            try:
                box = await session.select(folder)
            except ImapRefusedError as error:
                hint = "write the folder's name as the web mailer shows it, with / between levels"
                results.append(ProbeResult(name=f"folder {folder}", ok=False, detail=str(error), hint=hint))
            else:
                detail = f"{box.exists} messages"
                results.append(ProbeResult(name=f"folder {folder}", ok=True, detail=detail))
    except ImapError as error:
        results.append(ProbeResult(name="IMAP", ok=False, detail=str(error)))
    finally:
        session.drop()
    return results


async def probe_smtp(
    settings: EmailSettings, pace: Pace, tokens: TokenSource | None = None
) -> list[ProbeResult]:
    """Connect, encrypt, log in; no mail is sent."""
    place = f"{settings.smtp.host}:{smtp_port(settings.smtp)}"
    try:
        client = await connect(settings, pace, tokens)
    except ConnectError as error:
        hint = _connect_hint(str(error))
        if isinstance(error.result, BadCredentials):
            hint = "check smtp.username and smtp.password; some providers want an app password for SMTP too"
        return [ProbeResult(name="SMTP", ok=False, detail=f"{place}: {error}", hint=hint)]
    with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
        async with asyncio.timeout(2.0):
            await client.quit(timeout=2.0)
    client.close()
    login = smtp_login(settings)
    detail = f"{place}, " + (f"logged in as {login.username}" if login else "without login (local relay)")
    return [ProbeResult(name="SMTP", ok=True, detail=detail)]


def _connect_hint(reason: str) -> str:
    text = reason.lower()
    if "certificate" in text:
        return (
            "set ca_file to your own certificate authority, or use the host name that the certificate names"
        )
    if "no answer" in text or "timed out" in text or "within" in text:
        return 'check host and port; 993 and 465 are tls = "implicit", 587 is tls = "starttls"'
    if "refused" in text or "connect" in text:
        return "check host and port, and whether a firewall lets this machine out"
    return "check host, port and tls"
