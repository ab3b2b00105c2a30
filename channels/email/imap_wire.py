"""The wire of an IMAP session: aioimaplib with a splitter of our own, STARTTLS, and XOAUTH2.

aioimaplib 2.0.3 recurses once per received line, counts parentheses inside quoted text, removes "* " from
the middle of lines, knows no STARTTLS, and waits for ever when a token is refused. Only `imap` uses this.
"""

from __future__ import annotations

import asyncio
import base64
import logging
import re
import ssl
from collections.abc import Callable
from typing import Any

import aioimaplib.aioimaplib as aioimaplib
import msgspec

from channels.email.peer import one_line

MAX_LITERAL = 64 * 1024 * 1024
MAX_LINE = 8 * 1024 * 1024
MAX_PLAIN = 16 * 1024  # what a server may say before the link is encrypted

# Its debug lines hold whole messages and command lines.
logging.getLogger("aioimaplib").setLevel(logging.WARNING)


class Encryption(msgspec.Struct, frozen=True):
    """`context` None: none. `upgrade`: the link begins plain and is encrypted before anything is said."""

    context: ssl.SSLContext | None = None
    upgrade: bool = False


class StartTlsError(aioimaplib.AioImapException):  # type: ignore[misc]
    """The link cannot be encrypted, or somebody spoke into it before it was."""


_NOTABLE = re.compile(
    rb"\[(?:ALERT|OVERQUOTA|UNAVAILABLE|AUTHENTICATIONFAILED|INUSE|LIMIT)\]|Too many simultaneous",
    re.IGNORECASE,
)


class Protocol(aioimaplib.IMAP4ClientProtocol):  # type: ignore[misc]
    """The wire, with an iterative splitter that follows RFC 3501: a response goes on only after a literal."""

    incomplete_line: bytes
    current_command: Any
    transport: Any
    notices = 0  # EXISTS lines heard so far
    notable = ""
    challenge = ""  # what the server said to a token before it refused it

    def data_received(self, d: bytes) -> None:
        try:
            self._handle_responses(self.incomplete_line + d, self._handle_line, self.current_command)
            self.incomplete_line = b""
            self.current_command = None
        except aioimaplib.IncompleteRead as incomplete:
            self.current_command = incomplete.cmd
            self.incomplete_line = incomplete.data
        except Exception as error:
            # Whatever it was, this link cannot be trusted any more; who waits for an answer is told so.
            self.notable = one_line(f"protocol error: {error or type(error).__name__}")
            self.incomplete_line = b""
            self.transport.abort()

    def _handle_responses(
        self,
        data: bytes,
        line_handler: Callable[[bytes, Any], Any],
        current_cmd: Any = None,
    ) -> None:
        at = 0  # what is before it was handled; the rest is not copied for every line
        while True:
            if current_cmd is not None and current_cmd.wait_literal_data():
                missing = current_cmd._expected_size - len(current_cmd._resp_literal_data)
                current_cmd.append_literal_data(data[at : at + missing])
                at = min(at + missing, len(data))
                if current_cmd.wait_literal_data():
                    raise aioimaplib.IncompleteRead(current_cmd)
            if at == len(data) and current_cmd is None:
                if self.pending_sync_command is not None:
                    self.pending_sync_command.flush()
                return
            end = data.find(b"\r\n", at)
            if end < 0:
                if len(data) - at > MAX_LINE:
                    raise aioimaplib.Abort("the server sent a line without an end")
                raise aioimaplib.IncompleteRead(current_cmd, data[at:])
            line, at = data[at:end], end + 2
            if current_cmd is None:
                self._note(line)
            command = line_handler(line, current_cmd)
            literal = aioimaplib.literal_data_re.match(line)
            if literal is None:
                current_cmd = None
                continue
            size = int(literal.group("size"))
            if size > MAX_LITERAL:
                raise aioimaplib.Abort("the server announced more bytes than were asked for")
            if command is None:
                command = aioimaplib.Command("NIL", "unused", loop=self.loop)
            command.begin_literal_data(size)
            current_cmd = command

    async def welcome(self, command: bytes) -> None:
        # The parent raises in a task that nobody awaits, and the greeting is then waited for in vain.
        if re.match(rb"\* (OK|PREAUTH)\b", command, re.IGNORECASE):
            await super().welcome(command)
            return
        self.notable = one_line(command.removeprefix(b"* "))
        self.transport.abort()

    def _note(self, line: bytes) -> None:
        if line.startswith(b"* ") and line.endswith(b" EXISTS"):
            self.notices += 1
        elif line.startswith(b"* BYE") or _NOTABLE.search(line[:512]):
            self.notable = one_line(line.removeprefix(b"* "))

    def _continuation(self, line: bytes) -> None:
        pending = self.pending_sync_command
        if pending is not None and pending.name == "AUTHENTICATE":
            # A refused token: the reason comes as a challenge, which wants an empty answer.
            self.challenge = _decoded(line)
            self.transport.write(b"\r\n")
            return
        super()._continuation(line)

    def encrypted(self, transport: asyncio.BaseTransport) -> None:
        """The link was made and encrypted already; the greeting that came before it counts for nothing."""
        self.transport = transport
        self.state = aioimaplib.NONAUTH

    def _untagged_response(self, line: bytes) -> Any:
        # As in the parent, which however removes "* " everywhere in the line, also in quoted text.
        text = line.removeprefix(b"* ")
        if self.pending_sync_command is not None:
            self.pending_sync_command.append_to_resp(text)
            return self.pending_sync_command
        match = aioimaplib.message_data_re.match(text)
        name, _, rest = text.partition(b" ")
        if match is not None:
            name, rest = match.group(1), text
        command = self.pending_async_commands.get(name.decode("ascii", "replace").upper())
        if command is not None:
            command.append_to_resp(rest)
        return command


class Client(aioimaplib.IMAP4):  # type: ignore[misc]
    def __init__(
        self,
        host: str,
        port: int,
        encryption: Encryption,
        timeout: float,
        lost: Callable[[Exception | None], None],
    ) -> None:
        self._encryption = encryption
        super().__init__(host, port, timeout=timeout, conn_lost_cb=lost)

    def create_client(
        self,
        host: str,
        port: int,
        loop: asyncio.AbstractEventLoop | None,
        conn_lost_cb: Callable[[Exception | None], None] | None = None,
        ssl_context: ssl.SSLContext | None = None,
    ) -> None:
        running = asyncio.get_running_loop()
        self.protocol = Protocol(running, conn_lost_cb)
        given = self._encryption
        if given.upgrade and given.context is not None:
            connecting = _upgraded(running, self.protocol, host, port, given.context)
        else:
            connecting = _connected(running, self.protocol, host, port, given.context)
        self._client_task = running.create_task(connecting)

    async def ready(self) -> None:
        """Connected, encrypted, greeted. Raises OSError, ssl.SSLError, AioImapException."""
        await self._wait_connection_and_hello()
        if self._encryption.upgrade:
            # Whatever was announced in the clear may be anybody's word.
            await self.protocol.capability()


async def _connected(
    loop: asyncio.AbstractEventLoop, protocol: Protocol, host: str, port: int, context: ssl.SSLContext | None
) -> None:
    await loop.create_connection(lambda: protocol, host, port, ssl=context)


async def _upgraded(
    loop: asyncio.AbstractEventLoop, protocol: Protocol, host: str, port: int, context: ssl.SSLContext
) -> None:
    """STARTTLS (RFC 3501 6.2.1) on a transport of our own; the session sees only what is encrypted.

    Nothing that came before the encryption is used, and a server that says more than its answer is
    refused: it would be taken for an answer within the encryption (CVE-2011-0411 and its kin).
    """
    transport, plain = await loop.create_connection(_Plain, host, port)
    try:
        greeting = await plain.line()
        if re.match(rb"\* OK\b", greeting, re.IGNORECASE) is None:
            # PREAUTH among them: it would be a session that nobody can encrypt any more.
            raise StartTlsError(one_line(greeting.removeprefix(b"* ")) or "the server does not greet")
        transport.write(b"S1 STARTTLS\r\n")
        answer = await plain.line()
        while answer.startswith(b"* "):
            answer = await plain.line()
        if re.match(rb"S1 OK\b", answer, re.IGNORECASE) is None:
            raise StartTlsError(f"the server does not encrypt: {one_line(answer.removeprefix(b'S1 '))}")
        if plain.rest():
            raise StartTlsError("somebody speaks into the link before it is encrypted: it is not safe")
        secure = await loop.start_tls(transport, protocol, context, server_hostname=host)
    except BaseException:
        transport.abort()
        raise
    if secure is None:
        raise StartTlsError("the server closed the connection")
    protocol.encrypted(secure)


class _Plain(asyncio.Protocol):
    """Lines that are heard before the encryption."""

    def __init__(self) -> None:
        self._heard = bytearray()
        self._more = asyncio.Event()
        self._closed = False

    def data_received(self, data: bytes) -> None:
        self._heard += data
        self._more.set()

    def connection_lost(self, exc: Exception | None) -> None:
        self._closed = True
        self._more.set()

    async def line(self) -> bytes:
        """Raises StartTlsError."""
        while b"\r\n" not in self._heard:
            if self._closed:
                raise StartTlsError("the server closed the connection")
            if len(self._heard) > MAX_PLAIN:
                raise StartTlsError("the server says too much before the link is encrypted")
            self._more.clear()
            await self._more.wait()
        end = self._heard.index(b"\r\n")
        line = bytes(self._heard[:end])
        del self._heard[: end + 2]
        return line

    def rest(self) -> bytes:
        return bytes(self._heard)


def _decoded(line: bytes) -> str:
    """The text of a challenge `+ BASE64`, or nothing where it is none."""
    try:
        return one_line(base64.b64decode(line.removeprefix(b"+").strip(), validate=True))
    except ValueError:
        return ""
