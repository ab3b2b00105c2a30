"""An SMTP server that does as it is told: takes mail, refuses at any command, stalls, hangs up.

The certificate beside this file is for 127.0.0.1 and trusted by nobody but these tests.
"""

from __future__ import annotations

import asyncio
import base64
import ssl
from pathlib import Path
from typing import Any, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

HERE = Path(__file__).parent
CERTIFICATE, KEY = HERE / "loopback-cert.pem", HERE / "loopback-key.pem"


class ScriptedSmtp:
    """`answers` maps "MAIL", "DATA", "AUTH" or "RCPT address" to the reply given instead of the usual one.

    A reply of "stall" waits for ever, "hang up" closes the link without a word.
    """

    def __init__(
        self,
        *,
        tls: str = "none",
        utf8: bool = True,
        credentials: tuple[str, str] | None = None,
        size_limit: int | None = None,
        tokens: tuple[str, ...] = (),
    ) -> None:
        self.answers: dict[str, str] = {}
        self.mails: list[Envelope] = []
        self.commands: list[str] = []
        self.port = 0
        self._tls = tls
        self._utf8 = utf8
        self._credentials = credentials
        self._size_limit = size_limit
        self.tokens = tokens  # with which XOAUTH2 lets in
        self._server: asyncio.Server | None = None
        self._sessions: list[SMTP] = []

    async def __aenter__(self) -> Self:
        context = None
        if self._tls != "none":
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE, KEY)
        starttls = context if self._tls == "starttls" else None

        def session() -> SMTP:
            made = SMTP(
                self,
                hostname="localhost",
                enable_SMTPUTF8=self._utf8,
                data_size_limit=self._size_limit,
                tls_context=starttls,
                loop=asyncio.get_running_loop(),
                authenticator=self._authenticate if self._credentials or self.tokens else None,
                auth_require_tls=False,
            )
            self._sessions.append(made)
            return made

        self._server = await asyncio.get_running_loop().create_server(
            session, "127.0.0.1", 0, ssl=context if self._tls == "implicit" else None
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for session in self._sessions:
            if session.transport is not None:
                session.transport.close()
        await self._server.wait_closed()

    def _authenticate(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any
    ) -> AuthResult:
        self.commands.append("AUTH")
        if "AUTH" in self.answers:
            return AuthResult(success=False, handled=False, message=self.answers["AUTH"])
        good = isinstance(data, LoginPassword) and self._credentials == (
            data.login.decode(),
            data.password.decode(),
        )
        return AuthResult(success=good, handled=False)

    async def auth_XOAUTH2(self, server: SMTP, args: list[str]) -> AuthResult:  # noqa: N802 - aiosmtpd's name
        self.commands.append("XOAUTH2")
        said = base64.b64decode(args[1]).decode().split("\x01")
        good = said[1].removeprefix("auth=Bearer ") in self.tokens
        return AuthResult(success=good, handled=False, message=None if good else "535 5.7.8 expired token")

    async def _reply(self, server: SMTP, command: str, usual: str) -> str:
        self.commands.append(command)
        answer = self.answers.get(command, usual)
        if answer == "stall":
            await asyncio.Event().wait()
        if answer == "hang up":
            assert server.transport is not None
            server.transport.close()
            return "421 gone"
        return answer

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._reply(server, "MAIL", "250 OK")
        if answer.startswith("250"):
            envelope.mail_from = address
            envelope.mail_options.extend(options)
        return answer

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        answer = await self._reply(server, f"RCPT {address}", "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's name
        self.mails.append(envelope)
        return await self._reply(server, "DATA", "250 2.0.0 taken")
