"""What the table of an e-mail channel may hold in omni.toml, and what of it is refused."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

import msgspec

from channels.base import ChannelError, ChannelSettings
from channels.email.addresses import ascii_address, split_address
from channels.loopback import is_loopback
from channels.secret import Secret

MIB = 1024 * 1024


class ImapServer(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where mail is read. Port 0 means the usual one: 993, or 143 (starttls, or without TLS)."""

    host: str
    port: int = 0
    tls: Literal["implicit", "starttls", "none"] = "implicit"


class SmtpServer(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Where mail is handed in. Port 0 means the usual one: 465, 587 (starttls), or 25 without TLS.

    Without a username the channel's own credentials are used, except over tls = "none", where nothing
    is sent that could be overheard.
    """

    host: str
    port: int = 0
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    username: str = ""
    password: Secret | None = None


class EmailSettings(ChannelSettings, kw_only=True, forbid_unknown_fields=True):
    """Sizes in bytes, times in seconds. One of password, token and token_command says how to log in."""

    address: str
    aliases: tuple[str, ...] = ()  # further addresses of ours whose mail comes to this account
    from_name: str = ""
    username: str = ""  # of the IMAP account; empty: the address
    password: Secret | None = None
    token: Secret | None = None  # XOAUTH2: "file:PATH" that somebody keeps fresh
    token_command: tuple[str, ...] = ()  # XOAUTH2: program and arguments that print a token
    imap: ImapServer
    smtp: SmtpServer
    folders: tuple[str, ...] = ("INBOX",)
    sent_folder: str = "auto"  # where answers from phones and web mailers lie; "": none is read
    first_contact: str = "new"  # or "days:N": what to import when a folder is seen for the first time
    poll_seconds: float = 60.0  # between looks where the server has no IDLE, and at folders after the first
    # Between looks at the Sent folder that cut IDLE short; 0: none do, and the end of each IDLE has to do.
    sent_seconds: float = 0.0
    # Names of our own mail servers, as they stand in the Authentication-Results that they add.
    trusted_authserv: tuple[str, ...] = ()
    ca_file: str = ""  # certificate authorities to trust instead of the system's
    signatures: Mapping[str, str] = {}  # another signature below what is written from one of the aliases
    quote: bool = True  # what the customer wrote stands below the answer to it
    quote_max: int = 8_000  # characters of it
    # Who puts what we send into the Sent folder. "auto": the provider where it is known to, else we do.
    sent_copy: Literal["auto", "append", "provider", "off"] = "auto"
    plus_address: bool = False  # answers go to support+SIGNATURE@…; only where the server delivers such
    signed_return_path: bool = False  # delivery reports too; only where the relay takes such a sender
    body_marker: bool = False  # a signed line in the text, for relays that replace Message-IDs
    subject_token: bool = False  # [#12-abc…] in the subject, for writers whose programs keep nothing else
    max_message_bytes: int = 25 * MIB


class Login(msgspec.Struct, frozen=True):
    """`password` None: log in with a token of the channel's TokenSource (XOAUTH2)."""

    username: str
    password: Secret | None


def imap_port(server: ImapServer) -> int:
    return server.port or (993 if server.tls == "implicit" else 143)


def smtp_port(server: SmtpServer) -> int:
    return server.port or {"implicit": 465, "starttls": 587, "none": 25}[server.tls]


def uses_tokens(settings: EmailSettings) -> bool:
    return settings.token is not None or bool(settings.token_command)


def imap_login(settings: EmailSettings) -> Login:
    return Login(settings.username or settings.address, settings.password)


def smtp_login(settings: EmailSettings) -> Login | None:
    """Credentials for SMTP, or None where the relay is a local one that asks for none."""
    server = settings.smtp
    if server.username or server.password is not None:
        return Login(
            server.username or settings.username or settings.address,
            server.password or settings.password,
        )
    return None if server.tls == "none" else imap_login(settings)


def first_contact_days(text: str) -> int | None:
    """None for "new", the number of days for "days:N". Raises ChannelError for anything else."""
    if text == "new":
        return None
    match = re.fullmatch(r"days:(\d{1,4})", text)
    if match is None:
        raise ChannelError(
            f"first_contact = {text!r} is not understood",
            key="first_contact",
            hint='write "new" to begin with the next mail, or "days:14" to import the last 14 days',
        )
    return int(match[1])


def check(settings: EmailSettings) -> None:
    """Raise ChannelError (with the key and what to do) for what cannot or must not work."""
    local, domain = split_address(ascii_address(settings.address))
    if not local or not domain:
        raise ChannelError(
            f"{settings.address!r} is not an e-mail address",
            key="address",
            hint='write the address customers know, such as "support@example.org"',
        )
    if not local.isascii():
        raise ChannelError("the part of the address before @ must be ASCII", key="address")
    for alias in settings.aliases:
        if not split_address(ascii_address(alias))[0]:
            raise ChannelError(f"{alias!r} is not an e-mail address", key="aliases")
    for key, host, tls in (
        ("imap.tls", settings.imap.host, settings.imap.tls),
        ("smtp.tls", settings.smtp.host, settings.smtp.tls),
    ):
        if not host or re.search(r"[\s/\x00-\x1f]", host):
            raise ChannelError(f"{host!r} is not a host name", key=key.replace("tls", "host"))
        if tls == "none" and not is_loopback(host):
            raise ChannelError(
                f'tls = "none" would send mail and password in the clear to {host}',
                key=key,
                hint='use tls = "implicit"; "none" is only for servers on this machine (127.0.0.1)',
            )
    for key, port in (("imap.port", settings.imap.port), ("smtp.port", settings.smtp.port)):
        if not 0 <= port <= 65535:
            raise ChannelError(f"{port} is not a port", key=key)
    if not settings.folders or any(not name.strip() for name in settings.folders):
        raise ChannelError("at least one folder must be watched", key="folders", hint='folders = ["INBOX"]')
    if len(set(settings.folders)) != len(settings.folders):
        raise ChannelError("a folder is named twice", key="folders")
    first_contact_days(settings.first_contact)
    if not 0.05 <= settings.poll_seconds <= 3600:
        raise ChannelError("poll_seconds must be between 0.05 and 3600", key="poll_seconds")
    if not 64 * 1024 <= settings.max_message_bytes <= 100 * MIB:
        raise ChannelError("max_message_bytes must be between 64 KiB and 100 MiB", key="max_message_bytes")
    if not 100 <= settings.quote_max <= 100_000:
        raise ChannelError(
            "quote_max must be between 100 and 100000 characters",
            key="quote_max",
            hint="quote = false quotes nothing",
        )
    for name, value in (("username", settings.username), ("smtp.username", settings.smtp.username)):
        if re.search(r"[\x00-\x1f\x7f]", value):
            raise ChannelError("control characters are not allowed", key=name)
    _check_credentials(settings)


def _check_credentials(settings: EmailSettings) -> None:
    given = [
        key
        for key, value in (
            ("password", settings.password),
            ("token", settings.token),
            ("token_command", settings.token_command),
        )
        if value
    ]
    if not given:
        raise ChannelError(
            "nothing to log in with",
            key="password",
            hint='password = "file:PATH" or "env:NAME"; with OAuth token = "file:PATH" or token_command',
        )
    if len(given) > 1:
        raise ChannelError(f"{' and '.join(given)} exclude each other", key=given[1], hint="keep one of them")
    if settings.password is not None and re.search(r"[\x00\r\n]", settings.password.reveal()):
        raise ChannelError("the password holds a line break", key="password")
    if settings.token is not None and not settings.token.source.startswith(("file:", "given")):
        raise ChannelError(
            "a token ends after an hour or so, and the environment is never renewed",
            key="token",
            hint='token = "file:PATH" that some program keeps fresh, or token_command',
        )
    if settings.token_command and not settings.token_command[0].strip():
        raise ChannelError("the command has no name", key="token_command", hint='["/path/to/program", "…"]')
