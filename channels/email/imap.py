"""An IMAP session that is thrown away at the first doubt.

aioimaplib 2.0.3 hangs on lost links and answers late replies with an exception in the transport. Hence:
every call has its own time limit and races the loss of the link; after a time-out or a protocol error the
link is closed and never used again; and nothing is fetched whose answer needs more than UID, size, date
and literals. The wire itself is in `imap_wire`.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Coroutine, Sequence
from typing import Any, Literal, TypeVar

import aioimaplib.aioimaplib as aioimaplib
import msgspec

from channels.email.imap_answers import (
    fetch_items,
    internal_date_ms,
    number,
    quoted_body,
    special_folder,
)
from channels.email.imap_wire import MAX_LITERAL, Client, Encryption
from channels.email.mailbox_name import quoted_mailbox
from channels.email.peer import CaFileError, one_line, tls_context

T = TypeVar("T")

META_BATCH = 100
SLICE = 1024 * 1024


class ImapError(Exception):
    """The session is over; connect again. The text is the server's or ours, one line, untrusted."""


class LinkLostError(ImapError):
    """The link was lost while nothing was asked of the server."""


class ImapRefusedError(Exception):
    """The server answered NO or BAD to one command; the session lives on."""


class LoginRefusedError(Exception):
    """The server does not accept the credentials."""


class Box(msgspec.Struct, frozen=True):
    """What SELECT said. `uidnext` is None where the server does not tell."""

    uidvalidity: int
    uidnext: int | None
    exists: int


class Meta(msgspec.Struct, frozen=True):
    """`internal_date` in UTC milliseconds, None where it cannot be read."""

    uid: int
    size: int
    internal_date: int | None


class Special(msgspec.Struct, frozen=True):
    """Names of the folders that the server marks (RFC 6154); None where it marks none."""

    sent: str | None = None
    junk: str | None = None


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    port: int
    tls: Literal["implicit", "starttls", "none"]
    ca_file: str = ""


class Credentials(msgspec.Struct, frozen=True):
    """A password, or the access token of XOAUTH2."""

    username: str
    password: str = ""
    token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.username!r})"


class ImapSession:
    """One logged-in link. Every method raises ImapError when the link is gone or doubtful."""

    def __init__(self, client: Client, lost: asyncio.Event, command: float) -> None:
        self._client = client
        self._lost = lost
        self._timeout = command
        self.selected = ""

    @classmethod
    async def open(
        cls, endpoint: Endpoint, credentials: Credentials, *, connect: float, command: float
    ) -> ImapSession:
        """Connect and log in. Raises ImapError, LoginRefusedError."""
        # A context of its own for every connection: a shared one was reported to stall the second.
        try:
            context = None if endpoint.tls == "none" else tls_context(endpoint.ca_file)
        except CaFileError as error:
            raise ImapError(str(error)) from error
        lost = asyncio.Event()
        client = Client(
            endpoint.host,
            endpoint.port,
            Encryption(context, upgrade=endpoint.tls == "starttls"),
            command,
            lambda _error: lost.set(),
        )
        session = cls(client, lost, command)
        try:
            await session._run("connect", client.ready(), connect)
            session._keep_alive()
            await session._login(credentials)
            # The answer to LOGIN leaves debris among the capabilities; ask again before relying on them.
            await session._run("CAPABILITY", client.protocol.capability())
        except BaseException:
            session.drop()
            raise
        return session

    async def _login(self, credentials: Credentials) -> None:
        client, capabilities = self._client, self._client.protocol.capabilities
        if credentials.token:
            if "AUTH=XOAUTH2" not in {word.upper() for word in capabilities}:
                raise LoginRefusedError("the server takes no access tokens (no AUTH=XOAUTH2)")
            call = client.protocol.xoauth2(credentials.username, credentials.token)
        else:
            if "LOGINDISABLED" in capabilities:
                raise ImapError("the server refuses passwords on this connection (LOGINDISABLED); use TLS")
            call = client.login(aioimaplib.quoted(credentials.username), credentials.password)
        try:
            response = await self._run("LOGIN", call)
        except ImapError as error:
            # A refused login may show as a link that is closed, with the reason in the BYE before it.
            if b"AUTHENTICATIONFAILED" in self.notable.upper().encode():
                raise LoginRefusedError(self.notable) from error
            raise
        if response.result != "OK":
            text = f"{last_line(response)} {client.protocol.challenge}".strip()
            if re.search(
                r"\[(UNAVAILABLE|INUSE|LIMIT|SERVERBUG)\]|too many simultaneous", text, re.IGNORECASE
            ):
                raise ImapError(f"login is not possible now: {text}")
            raise LoginRefusedError(text)

    def _keep_alive(self) -> None:
        link = self._client.protocol.transport.get_extra_info("socket")
        if link is None:
            return
        link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in (("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 20), ("TCP_KEEPCNT", 3)):
            if hasattr(socket, name):
                link.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    @property
    def notable(self) -> str:
        """The last text of the server that operators should see ([ALERT], [OVERQUOTA], BYE …)."""
        return str(self._client.protocol.notable)

    @property
    def notices(self) -> int:
        """How often the server said that there may be new mail, in whatever answer it did so."""
        return int(self._client.protocol.notices)

    @property
    def can_idle(self) -> bool:
        return "IDLE" in self._client.protocol.capabilities

    def drop(self) -> None:
        """Close the link without a word; a LOGOUT on a dead link would only wait."""
        client = self._client
        self._lost.set()
        if client._idle_waiter is not None:
            client._idle_waiter.cancel()
        for task in (*client.tasks, *client.protocol.tasks, client._client_task):
            task.cancel()
        if client.protocol.transport is not None:
            client.protocol.transport.abort()

    async def _run(self, what: str, call: Coroutine[Any, Any, T], timeout: float | None = None) -> T:
        """Await one call of the library, but not longer than the link or the time limit lasts."""
        task = asyncio.ensure_future(call)
        lost = asyncio.ensure_future(self._lost.wait())
        try:
            await asyncio.wait(
                {task, lost}, timeout=timeout or self._timeout, return_when=asyncio.FIRST_COMPLETED
            )
            if task.done():
                return task.result()
            reason = f"{what}: {self.notable or 'the server closed the connection'}"
            if not lost.done():
                reason = f"{what}: no answer within {timeout or self._timeout:g} s {self.notable}".rstrip()
            self.drop()
            raise ImapError(reason)
        except ssl.SSLCertVerificationError as error:
            self.drop()
            raise ImapError(f"the server's certificate is not trusted: {error.verify_message}") from error
        except (OSError, TimeoutError, aioimaplib.AioImapException, ValueError, IndexError) as error:
            self.drop()
            raise ImapError(f"{what}: {one_line(str(error)) or type(error).__name__}") from error
        finally:
            for pending in (task, lost):
                if not pending.done():
                    pending.cancel()
            # Retrieved here, or the loop complains about an exception that nobody asked for.
            if task.done() and not task.cancelled():
                task.exception()

    async def select(self, folder: str) -> Box:
        """Raises ImapRefusedError where there is no such folder. Reading never sets \\Seen: we PEEK."""
        self.selected = ""
        response = await self._run("SELECT", self._client.select(quoted_mailbox(folder)))
        if response.result != "OK":
            raise ImapRefusedError(last_line(response))
        text = b"\n".join(line for line in response.lines if isinstance(line, bytes))
        validity = re.search(rb"UIDVALIDITY (\d+)", text, re.IGNORECASE)
        if validity is None:
            raise ImapRefusedError("the server gives no UIDVALIDITY for this folder")
        uidnext = re.search(rb"UIDNEXT (\d+)", text, re.IGNORECASE)
        exists = re.search(rb"(?:^|\n)(\d+) EXISTS", text)
        self.selected = folder
        return Box(int(validity[1]), int(uidnext[1]) if uidnext else None, int(exists[1]) if exists else 0)

    async def search(self, *criteria: str) -> list[int]:
        """UIDs in ascending order. No CHARSET: Exchange refuses it."""
        response = await self._run("SEARCH", self._client.uid_search(*criteria, charset=None))
        if response.result != "OK":
            raise ImapRefusedError(last_line(response))
        found: set[int] = set()
        for line in response.lines[:-1]:
            if re.fullmatch(rb"[\d ]+", line):
                found.update(int(word) for word in line.split())
        return sorted(found)

    async def metas(self, uids: Sequence[int]) -> dict[int, Meta]:
        """Size and date of at most META_BATCH messages; those that are gone are absent."""
        if len(uids) > META_BATCH:
            raise ValueError(f"at most {META_BATCH} UIDs a command")
        wanted = ",".join(str(uid) for uid in uids)
        response = await self._run("FETCH", self._fetch(wanted, "(UID RFC822.SIZE INTERNALDATE)"))
        if response.result != "OK":
            raise ImapRefusedError(last_line(response))
        asked = set(uids)
        found: dict[int, Meta] = {}
        for text, _literals in fetch_items(response.lines):
            uid, size = number(rb"UID (\d+)", text), number(rb"RFC822\.SIZE (\d+)", text)
            # Unsolicited answers ("3 FETCH (FLAGS …)") come in between; they lack what was asked for.
            if uid in asked and uid is not None and size is not None:
                date = re.search(rb'INTERNALDATE "([^"]+)"', text, re.IGNORECASE)
                found[uid] = Meta(
                    uid, size, internal_date_ms(date[1].decode("ascii", "replace")) if date else None
                )
        return found

    async def bodies(self, uids: Sequence[int]) -> dict[int, bytes]:
        """Whole messages by one command, for small ones only; those that are gone are absent.

        The time limit is that of one answer: whoever asks keeps the sum of their sizes below SLICE.
        """
        return await self._literals(uids, "BODY.PEEK[]")

    def _fetch(self, wanted: str, parts: str) -> Coroutine[Any, Any, Any]:
        # Without the library's own timer, which is set anew at every line: `_run` limits the whole.
        answer: Coroutine[Any, Any, Any] = self._client.protocol.uid("fetch", wanted, parts)
        return answer

    async def _literals(self, uids: Sequence[int], part: str) -> dict[int, bytes]:
        wanted = ",".join(str(uid) for uid in uids)
        response = await self._run("FETCH", self._fetch(wanted, f"(UID {part})"))
        if response.result != "OK":
            raise ImapRefusedError(last_line(response))
        asked = set(uids)
        found: dict[int, bytes] = {}
        for text, literals in fetch_items(response.lines):
            uid = number(rb"UID (\d+)", text)
            if uid in asked and uid is not None and re.search(rb"BODY\[", text, re.IGNORECASE):
                body = literals[0] if literals else quoted_body(text)
                if body is not None:
                    found[uid] = body
        return found

    async def listing(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The header lines by which at most META_BATCH mails are told apart; absent where they are gone."""
        if len(uids) > META_BATCH:
            raise ValueError(f"at most {META_BATCH} UIDs a command")
        return await self._literals(uids, "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID DATE FROM)]")

    async def numbers(self, folder: str) -> tuple[int, int]:
        """UIDVALIDITY and UIDNEXT of a folder that need not be selected. Raises ImapRefusedError."""
        call = self._client.protocol.simple_command("STATUS", quoted_mailbox(folder), "(UIDVALIDITY UIDNEXT)")
        response = await self._run("STATUS", call)
        text = b"\n".join(line for line in response.lines if isinstance(line, bytes))
        validity, following = number(rb"UIDVALIDITY (\d+)", text), number(rb"UIDNEXT (\d+)", text)
        if response.result != "OK" or validity is None or following is None:
            raise ImapRefusedError(last_line(response))
        return validity, following

    async def special_folders(self) -> Special:
        """Which folders the server marks (RFC 6154)."""
        response = await self._run("LIST", self._client.protocol.simple_command("LIST", '""', '"*"'))
        if response.result != "OK":
            raise ImapRefusedError(last_line(response))
        return Special(
            sent=special_folder(response.lines, b"\\Sent"), junk=special_folder(response.lines, b"\\Junk")
        )

    async def append(self, folder: str, raw: bytes, timeout: float | None = None) -> None:
        """File a mail of ours in a folder, marked as read. Raises ImapRefusedError where it is not taken."""
        call = self._client.protocol.append(raw, mailbox=quoted_mailbox(folder), flags="(\\Seen)")
        response = await self._run("APPEND", call, timeout)
        if response.result != "OK":
            raise ImapRefusedError(last_line(response))

    async def body(self, uid: int, size: int) -> bytes | None:
        """The whole message; None where it is gone. Above SLICE in slices, each with its own time limit."""
        if size <= SLICE:
            return await self._part(uid, "BODY.PEEK[]")
        pieces: list[bytes] = []
        offset = 0
        while True:
            piece = await self._part(uid, f"BODY.PEEK[]<{offset}.{SLICE}>")
            if piece is None:
                return None
            pieces.append(piece)
            offset += len(piece)
            # RFC822.SIZE is wrong on some servers: the end is where a slice comes back short.
            if len(piece) < SLICE:
                return b"".join(pieces)
            if offset > MAX_LITERAL * 2:
                raise ImapRefusedError(f"the message with UID {uid} does not end")

    async def header(self, uid: int) -> bytes | None:
        return await self._part(uid, f"BODY.PEEK[HEADER]<0.{SLICE}>")

    async def _part(self, uid: int, part: str) -> bytes | None:
        return (await self._literals([uid], part)).get(uid)

    async def idle(self, seconds: float, wake: asyncio.Event | None = None) -> bool:
        """Wait for the doorbell: True when the server said something, False when the time was over, or when
        `wake` was set.

        What it said is not read: whoever is woken searches by UID. Raises ImapRefusedError where the
        server refuses to IDLE.
        """
        client, protocol = self._client, self._client.protocol
        while not protocol.idle_queue.empty():
            protocol.idle_queue.get_nowait()
        try:
            finished = await self._run("IDLE", _start_idle(client, seconds + 4 * self._timeout))
        except _IdleRefusedError as error:
            raise ImapRefusedError(str(error)) from error
        push = asyncio.ensure_future(protocol.idle_queue.get())
        others = [asyncio.ensure_future(one.wait()) for one in (self._lost, wake) if one is not None]
        try:
            await asyncio.wait({push, *others}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
            rang = bool(push.done())
        finally:
            for one in (push, *others):
                one.cancel()
        if self._lost.is_set():
            self.drop()
            raise LinkLostError(f"IDLE: {self.notable or 'the server closed the connection'}")
        client.idle_done()
        await self._run("DONE", _finish(finished))
        return rang


class _IdleRefusedError(Exception):
    """IDLE was answered with NO or BAD."""


async def _start_idle(client: Client, seconds: float) -> asyncio.Future[Any]:
    try:
        finished: asyncio.Future[Any] = await client.idle_start(seconds)
    except aioimaplib.Abort as error:
        raise _IdleRefusedError(str(error)) from error
    return finished


async def _finish(future: asyncio.Future[Any]) -> None:
    await future


def last_line(response: Any) -> str:
    return one_line(bytes(response.lines[-1])) if response.lines else str(response.result)
