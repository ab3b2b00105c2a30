"""A mail server and an SMTP sink inside of the demo's own process: plaintext, loopback only, free ports.

    async with MailServer() as mail, SmtpSink() as sink:
        await mail.append(b"From: anna@example.org\r\nSubject: Hello\r\n\r\nHi")
        received = await sink.next()

pymap and aiosmtpd come with the extra `demo`; nothing else of the product needs them.
"""

from __future__ import annotations

import asyncio
import contextvars
from argparse import Namespace
from collections.abc import Coroutine
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any, Self, TypeVar
from uuid import uuid4

import msgspec
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from proxyprotocol.reader import ProxyProtocolReader
from proxyprotocol.sock import SocketInfo
from proxyprotocol.version import ProxyProtocolVersion
from pymap.backend.dict import Config, DictBackend
from pymap.backend.dict.filter import FilterSet
from pymap.backend.dict.mailbox import MailboxData, MailboxSet
from pymap.concurrent import Event
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.selected import SelectedMailbox
from pysasl.hashing import BuiltinHash

T = TypeVar("T")

HOST = "127.0.0.1"


class _PromptMailbox(MailboxData):
    """IDLE tells at once what came since the last command; pymap's waits for the mail after it."""

    async def update_selected(
        self, selected: SelectedMailbox, *, wait_on: Event | None = None
    ) -> SelectedMailbox:
        behind = selected.mod_sequence != self._mod_sequences.highest
        return await super().update_selected(selected, wait_on=None if behind else wait_on)


class MailServer:
    """An IMAP server with one account, in memory. `port` is known after start()."""

    def __init__(self, username: str = "support", password: str = "demo", port: int = 0) -> None:  # noqa: S107 - a throw-away account on loopback
        self.username = username
        self.password = password
        self.port = port
        self._stack = AsyncExitStack()
        self._mailboxes: MailboxSet | None = None
        self._server: asyncio.Server | None = None
        self._connections: set[asyncio.Task[Any]] = set()
        # pymap keeps its settings in context variables: everything of it runs in this context.
        self._context = contextvars.copy_context()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        await self._inside(self._start())

    async def _start(self) -> None:
        arguments = Namespace(
            host=None,
            port=0,
            debug=False,
            cert=None,
            key=None,
            tls=False,
            proxy_protocol=None,
            passlib_cfg=None,
            demo_data=False,
            demo_user=self.username,
            demo_password=self.password,
            inherited_sockets=None,
        )
        # The default hash takes half a second per login, for a password that everybody knows.
        backend, config = await DictBackend.init(
            arguments, hash_context=BuiltinHash(hash_name="sha256", salt_len=16, rounds=1)
        )
        config.apply_context()
        await backend.start(self._stack)
        self._mailboxes = self._account(config)
        imap = IMAPServer(backend.login, config)
        proxy = ProxyProtocolReader(ProxyProtocolVersion.get(None))

        async def connected(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            if task is not None:
                self._connections.add(task)
                task.add_done_callback(self._connections.discard)
            try:
                peer = SocketInfo.get(sink, await proxy.read(source), unique_id=uuid4().bytes)
                await imap(source, sink, peer)
            except (ConnectionError, EOFError, asyncio.CancelledError):
                sink.close()

        self._server = await asyncio.start_server(connected, host=HOST, port=self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _account(self, config: Config) -> MailboxSet:
        mailboxes = MailboxSet()
        mailboxes._inbox = _PromptMailbox(mailboxes._content_cache, mailboxes._thread_cache)
        config.set_cache[self.username] = (mailboxes, FilterSet())
        return mailboxes

    async def stop(self) -> None:
        """Close the port and every connection; the mail is gone with it."""
        if self._server is not None:
            self._server.close()
        for task in list(self._connections):
            task.cancel()
        await asyncio.gather(*self._connections, return_exceptions=True)
        if self._server is not None:
            await self._server.wait_closed()
            self._server = None
        await self._stack.aclose()

    async def append(self, raw: bytes, when: datetime | None = None, folder: str = "INBOX") -> int:
        """Deliver a mail; returns its UID. `when` is its INTERNALDATE (aware), now by default."""
        return await self._inside(self._append(raw, when or datetime.now().astimezone(), folder))

    async def _append(self, raw: bytes, when: datetime, folder: str) -> int:
        if self._mailboxes is None:
            raise RuntimeError("the mail server was not started")
        mailbox = await self._mailboxes.get_mailbox(folder)
        message = await mailbox.append(AppendMessage(raw, when), recent=True)
        return int(message.uid)

    async def _inside(self, work: Coroutine[Any, Any, T]) -> T:
        return await asyncio.get_running_loop().create_task(work, context=self._context)


class ReceivedMail(msgspec.Struct, frozen=True):
    """A mail as SMTP handed it over: `data` with CRLF, as it was sent."""

    sender: str
    recipients: tuple[str, ...]
    data: bytes


class SmtpSink:
    """Takes every mail and keeps it: `mails` in order, `next()` awaits the one after those read so far."""

    def __init__(self, port: int = 0, credentials: tuple[str, str] | None = None) -> None:
        self.port = port
        self.mails: list[ReceivedMail] = []
        self._queue: asyncio.Queue[ReceivedMail] = asyncio.Queue()
        self._credentials = credentials
        self._server: asyncio.Server | None = None
        self._sessions: list[SMTP] = []

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        self._server = await asyncio.get_running_loop().create_server(self._session, HOST, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    def _session(self) -> SMTP:
        session = SMTP(
            self,
            hostname="localhost",
            ident="demo",
            enable_SMTPUTF8=True,
            loop=asyncio.get_running_loop(),
            authenticator=self._authenticate if self._credentials else None,
            auth_require_tls=False,
            auth_required=self._credentials is not None,
        )
        self._sessions = [one for one in self._sessions if one.transport is not None][-100:]
        self._sessions.append(session)
        return session

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        good = isinstance(data, LoginPassword) and self._credentials == (
            data.login.decode("utf-8", "replace"),
            data.password.decode("utf-8", "replace"),
        )
        return AuthResult(success=good, handled=False)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        content = envelope.original_content or b""
        mail = ReceivedMail(envelope.mail_from or "", tuple(envelope.rcpt_tos), content)
        self.mails.append(mail)
        self._queue.put_nowait(mail)
        return "250 2.0.0 OK"

    async def next(self, timeout: float = 10.0) -> ReceivedMail:
        """The next mail; raises TimeoutError."""
        async with asyncio.timeout(timeout):
            return await self._queue.get()

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        for session in self._sessions:
            if session.transport is not None:
                session.transport.close()
        await self._server.wait_closed()
        self._server = None
