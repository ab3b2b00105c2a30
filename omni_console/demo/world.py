"""The world of a demo: a mail server, a marketplace, and `omni serve` as a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import getpass
import os
import signal
import sys
from pathlib import Path
from typing import Self

import aiohttp

from omni_console.demo.configuration import Secrets, make_secrets, write
from omni_console.demo.customers import MailCustomer, Market, PostOffice, SiteVisitor, identity_token
from omni_console.demo.mailserver import MailServer, SmtpSink
from server.queue.team_settings import LOGIN
from server.store import offline

START_S = 30.0
STOP_S = 12.0


class ServerDiedError(Exception):
    """`omni serve` ended by itself; the text holds the end of its log."""


class World:
    """Everything that a demo starts; leaving the block stops all of it. `folder` must exist.

    `hold`: replies wait a moment before they leave, as they do by default.
    """

    def __init__(
        self, folder: Path, language: str = "en", *, hold: bool = False, colleagues: bool = False
    ) -> None:
        self.folder = folder
        self.hold = hold
        self.colleagues = colleagues
        self.login = _own_login()
        self.language = language
        self.secrets: Secrets = make_secrets()
        self.mail = MailServer(username="support", password=self.secrets.mail)
        self.sink = SmtpSink()
        self.post_office = PostOffice(self.sink)
        self.base_url = ""
        self.environment: dict[str, str] = {}  # more of it for the server
        self.socket = folder / "run" / "omni.sock"
        self.log = folder / "server.log"
        self.process: asyncio.subprocess.Process | None = None
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self) -> None:
        self.http = await self._stack.enter_async_context(
            aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        )
        await self._stack.enter_async_context(self.mail)
        await self._stack.enter_async_context(self.sink)
        delivering = asyncio.create_task(self.post_office.run())
        self._stack.callback(delivering.cancel)
        self.market = Market(self.http, self.secrets.webhook)
        await self.market.start()
        self._stack.push_async_callback(self.market.stop)
        self.config = self._configure(0)
        (self.folder / "data").mkdir(mode=0o700, exist_ok=True)
        (self.folder / "run").mkdir(mode=0o700, exist_ok=True)
        await asyncio.to_thread(self._make_operator)
        self._stack.push_async_callback(self.stop_server)
        await self.start_server()
        # The port must stay the same over a restart: customers know it.
        self._configure(int(self.base_url.rpartition(":")[2]))

    def _configure(self, public_port: int) -> Path:
        return write(
            self.folder,
            language=self.language,
            imap_port=self.mail.port,
            smtp_port=self.sink.port,
            receiver_url=self.market.url,
            public_port=public_port,
            hold=self.hold,
            lead=self.login,
            colleagues=self.colleagues,
        )

    def _make_operator(self) -> None:
        data = self.folder / "data"
        offline.create(data)
        name = "Ольга" if self.language == "ru" else "Olga"
        offline.add_operator(data, self.login, name, "admin", os.getuid())
        if self.colleagues:
            names = ("Борис", "Мира") if self.language == "ru" else ("Boris", "Mira")
            for login, colleague in zip(("boris", "mira"), names, strict=True):
                offline.add_operator(data, login, colleague, "operator", None)

    async def start_server(self) -> None:
        """Start `omni serve`; returns when it takes requests. Raises ServerDiedError, TimeoutError."""
        reading, writing = os.pipe()
        log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "omni_console",
                "--config",
                str(self.config),
                "serve",
                "--ready-fd",
                str(writing),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[writing],
                env={**os.environ, **self.secrets.environment(), **self.environment},
                start_new_session=True,  # Ctrl+C in the terminal is the console's
            )
        finally:
            os.close(log)
            os.close(writing)
        try:
            async with asyncio.timeout(START_S):
                line = await asyncio.to_thread(_read_line, reading)
        finally:
            os.close(reading)
        if not line:
            raise ServerDiedError(self._end_of_log())
        self.base_url = self.market.base_url = line

    def _end_of_log(self) -> str:
        lines = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        return "\n".join(lines[-20:])

    async def stop_server(self) -> None:
        """Ask the server to stop, and wait for it."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(STOP_S):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()

    async def kill_server(self) -> None:
        """kill -9, as a crash would."""
        if self.process is not None and self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    # --- customers ----------------------------------------------------------------------------------

    def visitor(self, name: str, email: str = "", *, typed: str = "") -> SiteVisitor:
        """A visitor of the site; with `email` one who is signed in there, his address being verified.

        `typed`: an address that he merely types into the chat.
        """
        identity = ""
        if email:
            claims = {"sub": email, "name": name, "email": email, "email_verified": True}
            identity = identity_token(self.secrets.identity, "site", claims)
        return SiteVisitor(name, self.http, self.base_url, identity, typed)

    def mailer(self, name: str, address: str) -> MailCustomer:
        return self.post_office.add(MailCustomer(name, address, self.mail))


def _own_login() -> str:
    """The name of this account, where an operator can have it."""
    with contextlib.suppress(OSError, KeyError):
        login = getpass.getuser().lower()
        if LOGIN.fullmatch(login) and login not in ("boris", "mira"):
            return login
    return "you"


def _read_line(descriptor: int) -> str:
    """One line from a pipe, or what came before its other end closed."""
    gathered = b""
    while not gathered.endswith(b"\n"):
        piece = os.read(descriptor, 4096)
        if not piece:
            return ""
        gathered += piece
    return gathered.decode().strip()
