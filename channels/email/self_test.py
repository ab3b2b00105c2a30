"""A mailbox shown to work: both servers probed, a mail sent to ourselves and seen arriving.

For the first steps with a mailbox, before a server runs. Nothing in the mailbox is changed; the test mail
stays there for whoever looks.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from email.message import EmailMessage
from email.utils import formatdate

import aiosmtplib

from channels.base import ProbeResult
from channels.email.addresses import split_address
from channels.email.automatic import LOOP_HEADER
from channels.email.imap import ImapError, ImapRefusedError, ImapSession, LoginRefusedError
from channels.email.imap_link import open_session
from channels.email.oauth import TokenError, TokenSource
from channels.email.pace import Pace
from channels.email.peer import one_line
from channels.email.probe import probe_imap, probe_smtp
from channels.email.settings import EmailSettings, uses_tokens
from channels.email.smtp import ConnectError, connect

ARRIVAL_S = 60.0
LOOK_EVERY_S = 1.0
QUICK = Pace(connect=10.0, command=15.0, smtp_connect=10.0, smtp_command=15.0, smtp_data=60.0)


async def try_mailbox(
    settings: EmailSettings,
    patience_s: float = ARRIVAL_S,
    clock: Callable[[], float] = time.monotonic,
    waits: Callable[[str], None] = lambda why: None,
) -> AsyncIterator[ProbeResult]:
    """What was found, as it is found; ends at the first thing that makes the rest pointless. `waits` is told
    what may take long."""
    tokens = TokenSource(settings.token, settings.token_command) if uses_tokens(settings) else None
    reading = await probe_imap(settings, QUICK, tokens)
    for result in reading:
        yield result
    sending = await probe_smtp(settings, QUICK, tokens)
    for result in sending:
        yield result
    if not all(result.ok for result in (*reading, *sending)):
        return
    try:
        session = await open_session(settings, QUICK, tokens)
    except (ImapError, LoginRefusedError, TokenError) as error:
        yield ProbeResult(name="test mail", ok=False, detail=str(error), hint="run it again")
        return
    waits(f"sending a mail to {settings.address}, and waiting up to {patience_s:.0f} s for it")
    try:
        yield await _there_and_back(settings, tokens, session, patience_s, clock)
    finally:
        session.drop()


async def _there_and_back(
    settings: EmailSettings,
    tokens: TokenSource | None,
    session: ImapSession,
    patience_s: float,
    clock: Callable[[], float],
) -> ProbeResult:
    folder = settings.folders[0]
    try:
        box = await session.select(folder)
        seen = max(await session.search("ALL"), default=0) if box.uidnext is None else box.uidnext - 1
        mail = _mail(settings)
        refusal = await _send(settings, tokens, mail)
        if refusal:
            hint = (
                "the server lets us in and takes no mail: see what it says, and whether the address is right"
            )
            return ProbeResult(name="test mail", ok=False, detail=refusal, hint=hint)
        sent = clock()
        wanted = str(mail["Message-ID"]).encode()
        while clock() - sent < patience_s:
            await session.select(folder)
            new = [uid for uid in await session.search(f"UID {seen + 1}:*") if uid > seen][-100:]
            if new and any(wanted in header for header in (await session.listing(new)).values()):
                detail = f"sent to {settings.address}, and in {folder} after {clock() - sent:.1f} s"
                return ProbeResult(name="test mail", ok=True, detail=detail)
            await asyncio.sleep(LOOK_EVERY_S)
    except (ImapError, ImapRefusedError) as error:
        return ProbeResult(name="test mail", ok=False, detail=str(error), hint="run it again")
    return ProbeResult(
        name="test mail",
        ok=False,
        detail=f"sent to {settings.address}, and not in {folder} within {patience_s:.0f} s",
        hint="look in Junk and in the other folders: folders = [...] must name the one where mail arrives,"
        " and address must be one of this mailbox",
    )


def _mail(settings: EmailSettings) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = mail["To"] = settings.address
    mail["Subject"] = "Omni Console: is this mailbox ready?"
    mail["Date"] = formatdate()
    mail["Message-ID"] = f"<test.{secrets.token_hex(12)}@{split_address(settings.address)[1]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail[LOOP_HEADER] = settings.address
    mail.set_content("Omni Console wrote this mail to see whether it arrives. You can delete it.\n")
    return mail


async def _send(settings: EmailSettings, tokens: TokenSource | None, mail: EmailMessage) -> str:
    """ "" or why it is not taken."""
    try:
        client = await connect(settings, QUICK, tokens)
    except ConnectError as error:
        return str(error)
    try:
        async with asyncio.timeout(QUICK.smtp_data):
            await client.sendmail(settings.address, [settings.address], mail.as_bytes())
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return one_line(str(error)) or type(error).__name__
    finally:
        client.close()
    return ""
