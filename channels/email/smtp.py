"""One attempt to hand a mail over, command by command, so that it is known how far it came.

Before the end of DATA nothing was delivered: try again. After it and without an answer nobody knows.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import Callable, Sequence
from typing import Literal

import aiosmtplib
import msgspec

from channels.base import BadCredentials, Failed, Fate, Paused, Retry, SendResult, Sent, Unknown
from channels.email.addresses import split_address
from channels.email.oauth import TokenError, TokenSource
from channels.email.pace import Pace
from channels.email.peer import CaFileError, one_line, tls_context
from channels.email.settings import EmailSettings, smtp_login, smtp_port

# Refusals of the account and not of this mail: basic authentication switched off, authentication
# required, sending as this address not allowed.
_ACCOUNT = re.compile(
    r"\b5\.7\.(?:30|57|60|139|8|9)\b|authentication (?:is )?required|not owned by", re.IGNORECASE
)
_RATE = re.compile(
    r"\b5\.4\.5\b|\brate\b|too many|sending limit|daily .{0,20}limit|sending quota", re.IGNORECASE
)
# These speak of this session or this mail, and pass with it.
_SESSION = re.compile(r"too many (?:concurrent|connections|recipients|sessions)|4\.5\.3", re.IGNORECASE)
_QUOTA = re.compile(r"\b[45]\.2\.2\b|quota|storage", re.IGNORECASE)
RATE_PAUSE_S = 3600.0


class Envelope(msgspec.Struct, frozen=True, kw_only=True):
    """`ascii_data` gives the mail without those recipients whose address is not ASCII."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes
    ascii_data: Callable[[], bytes]
    envelope_id: str = ""  # by which delivery reports name it


class ConnectError(Exception):
    """No session: `result` says what that means for the mail."""

    def __init__(self, result: SendResult) -> None:
        super().__init__(getattr(result, "reason", ""))
        self.result = result


async def deliver(
    settings: EmailSettings,
    envelope: Envelope,
    pace: Pace,
    tokens: TokenSource | None = None,
    fates: Sequence[Fate] = (),
) -> SendResult:
    """Never raises for what the server does. `fates` are of recipients that need not be tried at all."""
    try:
        client = await connect(settings, pace, tokens)
    except ConnectError as error:
        return error.result
    try:
        return await _transfer(client, envelope, pace, fates)
    finally:
        with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
            async with asyncio.timeout(1.0):
                await client.quit(timeout=1.0)
        client.close()


async def connect(settings: EmailSettings, pace: Pace, tokens: TokenSource | None = None) -> aiosmtplib.SMTP:
    """A session that is encrypted and logged in as configured. Raises ConnectError.

    `tokens` serves a login without a password (XOAUTH2); a refused token is renewed once.
    """
    login = smtp_login(settings)
    if login is None or login.password is not None or tokens is None:
        return await _connect(settings, pace, None)
    try:
        token = await tokens.current()
        try:
            return await _connect(settings, pace, token)
        except ConnectError as error:
            if not isinstance(error.result, BadCredentials):
                raise
            newer = await tokens.instead_of(token)
            if newer == token:
                raise
            return await _connect(settings, pace, newer)
    except TokenError as error:
        raise ConnectError(BadCredentials(f"no token to log in with: {error}")) from error


async def _connect(settings: EmailSettings, pace: Pace, token: str | None) -> aiosmtplib.SMTP:
    server = settings.smtp
    login = smtp_login(settings)

    async def the_token() -> str:
        return token or ""

    try:
        context = None if server.tls == "none" else tls_context(settings.ca_file)
    except CaFileError as error:
        raise ConnectError(Retry(str(error))) from error
    client = aiosmtplib.SMTP(
        hostname=server.host,
        port=smtp_port(server),
        # Our own host's name is nobody's business, and looking it up may take seconds.
        local_hostname=split_address(settings.address)[1] or "localhost",
        timeout=pace.smtp_command,
        use_tls=server.tls == "implicit",
        start_tls=server.tls == "starttls",
        tls_context=context,
        username=login.username if login else None,
        password=login.password.reveal() if login and login.password else None,
        oauth_token_generator=the_token if token is not None else None,
    )
    try:
        async with asyncio.timeout(pace.smtp_connect):
            await client.connect()
            # Without TLS and login the library greets only at the first command.
            if client.is_ehlo_or_helo_needed:
                await _greet(client)
    except aiosmtplib.SMTPAuthenticationError as error:
        reason = _words(error.code, error.message)
        result = Retry(reason) if 400 <= error.code < 500 else BadCredentials(f"login refused: {reason}")
        raise ConnectError(result) from error
    except aiosmtplib.SMTPResponseException as error:
        reason = _words(error.code, error.message)
        raise ConnectError(by_code(error.code, reason, at="connect")) from error
    except aiosmtplib.SMTPException as error:
        reason = one_line(str(error.message))
        if "AUTH" in reason or "authentication method" in reason:
            raise ConnectError(BadCredentials(f"cannot log in: {reason}")) from error
        raise ConnectError(Retry(reason)) from error
    except (OSError, TimeoutError, ValueError) as error:
        client.close()
        reason = one_line(str(error)) or f"no session with {server.host} within {pace.smtp_connect:g} s"
        raise ConnectError(Retry(reason)) from error
    return client


async def _greet(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        await client.helo()


async def _transfer(
    client: aiosmtplib.SMTP, envelope: Envelope, pace: Pace, known: Sequence[Fate]
) -> SendResult:
    recipients, data = envelope.recipients, envelope.data
    fates = list(known)
    options: list[str] = []
    encoding = "ascii"
    if not _is_ascii(envelope):
        if client.supports_extension("smtputf8"):
            options, encoding = ["SMTPUTF8", "BODY=8BITMIME"], "utf-8"
        else:
            # Domains travel as punycode everywhere; what stands before the @ has no such form.
            why = "the address is not ASCII and our mail server has no SMTPUTF8"
            fates += [Fate(one, "failed", why) for one in recipients if not one.isascii()]
            recipients = tuple(one for one in recipients if one.isascii())
            data = envelope.ascii_data()
            if not recipients or not _head(data).isascii():
                return outcome([*fates, *(Fate(one, "failed", why) for one in recipients)], Failed(why))
    limit = client.esmtp_extensions.get("size", "") if client.supports_extension("size") else ""
    if limit.isdigit() and 0 < int(limit) < len(data):
        return Failed(f"the mail has {len(data)} bytes, our mail server takes {limit}")
    if client.supports_extension("size"):
        options.insert(0, f"SIZE={len(data)}")
    reports = client.supports_extension("dsn")
    if reports and envelope.envelope_id:
        options += ["RET=HDRS", f"ENVID={envelope.envelope_id}"]
    try:
        await client.mail(envelope.sender, options=options, encoding=encoding)
    except aiosmtplib.SMTPSenderRefused as error:
        return by_code(error.code, _words(error.code, error.message), at="sender")
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        return Retry(_reason("the mail server broke off", error))
    accepted: list[str] = []
    for recipient in recipients:
        result = await _offer(client, recipient, encoding, reports=reports)
        if result is None:
            accepted.append(recipient)
        elif isinstance(result, _BrokenOff):
            return Retry(result.reason)
        elif isinstance(result, Retry | Failed):
            state: Literal["retry", "failed"] = "retry" if isinstance(result, Retry) else "failed"
            fates.append(Fate(recipient, state, result.reason))
        else:
            return result  # the account's fault, not that recipient's: nothing was handed over
    if not accepted:
        return outcome(fates, None)
    return outcome(fates, await _hand_over(client, data, pace), accepted)


class _BrokenOff(msgspec.Struct, frozen=True):
    reason: str


async def _offer(
    client: aiosmtplib.SMTP, recipient: str, encoding: str, *, reports: bool
) -> SendResult | _BrokenOff | None:
    """RCPT; None where the server takes this recipient."""
    options = ["NOTIFY=FAILURE,DELAY"] if reports else []
    if reports and recipient.isascii():
        options.append(f"ORCPT=rfc822;{_xtext(recipient)}")
    try:
        await client.rcpt(recipient, options=options, encoding=encoding)
    except aiosmtplib.SMTPRecipientRefused as error:
        return by_code(error.code, _words(error.code, error.message), at="recipient")
    except ValueError as error:
        return Failed(_reason("unusable address", error))
    except (aiosmtplib.SMTPException, OSError) as error:
        return _BrokenOff(_reason("the mail server broke off", error))
    return None


async def _hand_over(client: aiosmtplib.SMTP, data: bytes, pace: Pace) -> SendResult:
    try:
        answer = await client.data(data, timeout=pace.smtp_data)
    except aiosmtplib.SMTPDataError as error:
        return by_code(error.code, _words(error.code, error.message), at="data")
    except (aiosmtplib.SMTPException, OSError) as error:
        return Unknown(_reason("no answer after the text of the mail was handed over", error))
    if answer.code != 250:
        return Unknown(_words(answer.code, answer.message))
    return Sent()


def outcome(
    fates: Sequence[Fate], handed_over: SendResult | None, accepted: Sequence[str] = ()
) -> SendResult:
    """What it means for the mail that some recipients were refused (`fates`) and the text of it, meant for
    those `accepted`, ended so (None: nobody was accepted). Pure.

    One recipient alone needs no fate: the result is his.
    """
    if isinstance(handed_over, BadCredentials | Paused):
        return handed_over
    states: dict[type[object], Literal["sent", "retry", "failed", "unknown"]] = {
        Sent: "sent",
        Retry: "retry",
        Failed: "failed",
        Unknown: "unknown",
    }
    said = getattr(handed_over, "reason", "")
    whole = (*fates, *(Fate(one, states[type(handed_over)], said) for one in accepted))
    named = whole if len(whole) > 1 else ()
    for state in ("unknown", "retry", "failed"):
        of_this = [fate for fate in whole if fate.state == state]
        if not of_this:
            continue
        if len(whole) == 1:
            reason = of_this[0].detail
        else:
            reason = "; ".join(f"{fate.address}: {fate.detail}" for fate in of_this)
        if state == "unknown":
            return Unknown(reason, named)
        if state == "retry":
            return Retry(reason, handed_over.after if isinstance(handed_over, Retry) else None, named)
        return Failed(reason, named)
    return Sent(fates=named)


def _is_ascii(envelope: Envelope) -> bool:
    return all(one.isascii() for one in envelope.recipients) and _head(envelope.data).isascii()


def _head(data: bytes) -> bytes:
    return data.partition(b"\r\n\r\n")[0]


def _xtext(text: str) -> str:
    """RFC 3461 4."""
    return "".join(char if "!" <= char <= "~" and char not in "+=" else f"+{ord(char):02X}" for char in text)


def by_code(code: int, reason: str, at: str) -> SendResult:
    """What a refusal means. Pure; `at` is connect, sender, recipient or data."""
    if code in (530, 534, 535, 538) or _ACCOUNT.search(reason):
        return BadCredentials(f"the mail server refuses the account: {reason}")
    if _RATE.search(reason) and not _SESSION.search(reason):
        return Paused(reason, RATE_PAUSE_S if code >= 500 else RATE_PAUSE_S / 6)
    if at == "sender" and _QUOTA.search(reason):
        return Paused(reason, RATE_PAUSE_S)
    if 400 <= code < 500:
        return Retry(reason)
    if code < 400:
        # A malformed answer. Before DATA nothing was handed over.
        return Unknown(reason) if at == "data" else Retry(reason)
    if at == "sender" and code != 552:
        return BadCredentials(f"the mail server does not let us send from this address: {reason}")
    return Retry(reason) if at == "connect" else Failed(reason)


def _words(code: int, message: str) -> str:
    return f"{code} {one_line(message)}".strip()


def _reason(what: str, error: BaseException) -> str:
    return f"{what}: {one_line(str(error)) or type(error).__name__}"
