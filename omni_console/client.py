"""ServerClient: commands over HTTP, one event stream, resume by sequence number.

It keeps no picture of the desk and knows no widgets. Every failure is one of two kinds: the server said
no (`RefusedError`), or could not be asked (`UnreachableError`, which says whether the command may have
arrived).
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import random
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Literal, Self, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec

from omni_console import __version__
from omni_console.i18n import N_
from omni_console.lead_api import LeadApi
from omni_console.people_api import PeopleApi
from omni_console.templates_api import TemplatesApi
from omni_console.views_api import ViewsApi
from server import protocol as wire

T = TypeVar("T")

ANSWER_S = 10.0  # a command that takes longer counts as unanswered
CONNECT_S = 3.0
TRANSFER_S = 120.0  # of a file
BACKOFF_FIRST_S = 0.2
BACKOFF_MAX_S = 2.5  # a server that is back is noticed within 3 s
FRAME_MAX = 4 * 1024 * 1024


class RefusedError(Exception):
    """The server answered, and not with yes. `body.code` is one of those that `ErrorBody` lists."""

    def __init__(self, status: int, body: wire.ErrorBody) -> None:
        super().__init__(f"{body.code}: {body.message}")
        self.status = status
        self.body = body


class UnreachableError(Exception):
    """No answer. `maybe_done`: the command had left us, so the server may have carried it out."""

    def __init__(self, why: str, *, maybe_done: bool) -> None:
        super().__init__(why)
        self.maybe_done = maybe_done


class Link(msgspec.Struct, frozen=True):
    """The state of the event stream, told at every change."""

    state: Literal["online", "offline", "refused"]
    why: str = ""


class Backoff:
    """Pauses between attempts: doubling up to BACKOFF_MAX_S, each shortened by up to a half at random,
    so that the consoles of a team do not come back in step."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self._chance = chance
        self._next = BACKOFF_FIRST_S

    def pause(self) -> float:
        pause = self._next * (1.0 - 0.5 * self._chance())
        self._next = min(self._next * 2, BACKOFF_MAX_S)
        return pause

    def reset(self) -> None:
        self._next = BACKOFF_FIRST_S


class ServerClient:
    """One operator's connection, by Unix socket, or by URL and token.

    `offline_after` is how long (s) the event stream may be silent before the server counts as lost.
    """

    def __init__(
        self,
        socket_path: str | None = None,
        *,
        url: str = "http://omni",
        token: str = "",
        offline_after: float = wire.OFFLINE_AFTER_S,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._socket_path = socket_path
        self._url = url.rstrip("/")
        self._token = token
        self._offline_after = offline_after
        self._sleep = sleep
        self._chance = chance
        self._session: aiohttp.ClientSession | None = None
        self.seq: int | None = None  # newest event heard, or examined by the server for us
        self._stream: aiohttp.ClientWebSocketResponse | None = None
        self._whereabouts = wire.Whereabouts()
        self.people = PeopleApi(self._ask)
        self.lead = LeadApi(self._ask)
        self.templates = TemplatesApi(self._ask)
        self.views = ViewsApi(self._ask)

    @property
    def place(self) -> str:
        """Where the server is: what is remembered of it must not be taken for another's."""
        return self._socket_path or self._url

    async def __aenter__(self) -> Self:
        self._open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _open(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            connector: aiohttp.BaseConnector
            if self._socket_path is not None:
                connector = aiohttp.UnixConnector(path=self._socket_path, limit=0)
            else:
                connector = aiohttp.TCPConnector(limit=0)
            headers = {
                "Omni-Protocol": str(wire.PROTOCOL),
                "User-Agent": f"omni-console/{__version__}",
            }
            if self._token:
                headers["Authorization"] = f"Bearer {self._token}"
            self._session = aiohttp.ClientSession(connector=connector, headers=headers)
        return self._session

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()
            self._session = None

    # --- one question, one answer -------------------------------------------------------------------

    async def _ask(
        self,
        method: str,
        path: str,
        answer: type[T],
        body: object = None,
        query: dict[str, str | int | None] | None = None,
    ) -> T:
        raw = await self._bytes(method, path, body, query)
        try:
            return msgspec.json.decode(raw, type=answer)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            why = f"the answer makes no sense: {error}"
            raise UnreachableError(why, maybe_done=method != "GET") from error

    async def _bytes(
        self,
        method: str,
        path: str,
        body: object,
        query: dict[str, str | int | None] | None,
        *,
        patience: float | None = None,
    ) -> bytes:
        params = {key: str(value) for key, value in (query or {}).items() if value is not None}
        encoded = body if body is None or isinstance(body, bytes) else msgspec.json.encode(body)
        data = None if encoded is None else io.BytesIO(encoded)
        kind = "application/octet-stream" if isinstance(body, bytes) else "application/json"
        headers = {} if body is None else {"Content-Type": kind}
        if patience is None:
            patience = TRANSFER_S if isinstance(body, bytes) else ANSWER_S
        timeout = aiohttp.ClientTimeout(total=patience, sock_connect=CONNECT_S)
        try:
            async with self._open().request(
                method, self._url + path, params=params, data=data, headers=headers, timeout=timeout
            ) as response:
                raw = await response.read()
                if 200 <= response.status < 300:
                    return raw
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, FileNotFoundError) as error:
            raise UnreachableError(str(error), maybe_done=False) from error
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise UnreachableError(str(error) or "no answer in time", maybe_done=method != "GET") from error
        try:
            problem = msgspec.json.decode(raw, type=wire.ErrorAnswer).error
        except (msgspec.DecodeError, msgspec.ValidationError):
            problem = wire.ErrorBody(code="unavailable", message=f"HTTP {response.status}")
        raise RefusedError(response.status, problem)

    async def hello(self) -> wire.Hello:
        return await self._ask("GET", "/v1/hello", wire.Hello)

    async def conversations(
        self, view: wire.View, after: str | None = None, limit: int = 100, *, filtered: str = ""
    ) -> wire.ConversationPage:
        """`filtered`: only what this query lets through; then a page may be short and have a next one."""
        query: dict[str, str | int | None] = {
            "view": view,
            "after": after,
            "limit": limit,
            "filter": filtered or None,
        }
        return await self._ask("GET", "/v1/conversations", wire.ConversationPage, query=query)

    async def counts(self) -> wire.Counts:
        return await self._ask("GET", "/v1/counts", wire.Counts)

    async def detail(self, conversation_id: int) -> wire.ConversationDetail:
        return await self._ask("GET", f"/v1/conversations/{conversation_id}", wire.ConversationDetail)

    async def customer(self, customer_id: int) -> wire.Customer:
        return await self._ask("GET", f"/v1/customers/{customer_id}", wire.Customer)

    async def history(self, customer_id: int, before: str | None, limit: int = 100) -> wire.HistoryPage:
        query: dict[str, str | int | None] = {"before": before, "limit": limit}
        return await self._ask("GET", f"/v1/customers/{customer_id}/history", wire.HistoryPage, query=query)

    async def claim(self, conversation_id: int, expect: int | None) -> wire.Conversation:
        return await self._do(conversation_id, "claim", wire.ClaimCommand(expect=expect))

    async def take_next(self, skip: list[int]) -> wire.Urgency:
        """The most urgent conversation, mine now; none where nobody waits."""
        return await self._ask("POST", "/v1/next", wire.Urgency, wire.NextCommand(skip=skip))

    async def why(self, conversation_id: int) -> wire.Urgency:
        return await self._ask("GET", f"/v1/conversations/{conversation_id}/why", wire.Urgency)

    async def release(self, conversation_id: int) -> wire.Conversation:
        return await self._do(conversation_id, "release")

    async def assign(self, conversation_id: int, operator_id: int, note: str) -> wire.Conversation:
        command = wire.AssignCommand(operator_id=operator_id, note=note)
        return await self._do(conversation_id, "assign", command)

    async def decline(self, conversation_id: int, reason: str) -> wire.Conversation:
        return await self._do(conversation_id, "decline", wire.DeclineCommand(reason=reason))

    async def share(self, conversation_id: int, operator_id: int) -> wire.Conversation:
        """Let a collaborator see it."""
        return await self._do(conversation_id, "shares", wire.ShareCommand(operator_id=operator_id))

    async def unshare(self, conversation_id: int, operator_id: int) -> wire.Conversation:
        path = f"/v1/conversations/{conversation_id}/shares/{operator_id}"
        return await self._ask("DELETE", path, wire.Conversation)

    async def be(self, state: wire.Presence) -> wire.OperatorInfo:
        """How I am."""
        return await self._ask("PUT", "/v1/presence", wire.OperatorInfo, wire.PresenceCommand(state=state))

    async def close_conversation(self, conversation_id: int, topic: str, result: str) -> wire.Conversation:
        return await self._do(conversation_id, "close", wire.CloseCommand(topic=topic, result=result))

    async def reopen(self, conversation_id: int) -> wire.Conversation:
        return await self._do(conversation_id, "reopen")

    async def snooze(self, conversation_id: int, until: int) -> wire.Conversation:
        return await self._do(conversation_id, "snooze", wire.SnoozeCommand(until=until))

    async def wake(self, conversation_id: int) -> wire.Conversation:
        return await self._do(conversation_id, "wake")

    async def undo(self, conversation_id: int, seq: int) -> wire.Conversation:
        """Take back the deed in whose answer the conversation had this `seq`."""
        return await self._do(conversation_id, "undo", wire.UndoCommand(seq=seq))

    async def seen(self, conversation_id: int, seq: int) -> wire.Conversation:
        return await self._do(conversation_id, "seen", wire.SeenCommand(seq=seq))

    async def _do(self, conversation_id: int, verb: str, body: object = None) -> wire.Conversation:
        path = f"/v1/conversations/{conversation_id}/{verb}"
        return await self._ask("POST", path, wire.Conversation, body)

    async def reply(self, conversation_id: int, command: wire.ReplyCommand) -> wire.Message:
        return await self._ask("POST", f"/v1/conversations/{conversation_id}/reply", wire.Message, command)

    async def forward(self, message_id: int, command: wire.ForwardCommand) -> wire.Message:
        return await self._ask("POST", f"/v1/messages/{message_id}/forward", wire.Message, command)

    async def source(self, message_id: int) -> bytes:
        return await self._bytes("GET", f"/v1/messages/{message_id}/source", None, None)

    async def put_up(self, conversation_id: int, name: str, data: bytes) -> wire.Upload:
        """A file to go with the reply that is being written."""
        path = f"/v1/conversations/{conversation_id}/files"
        return await self._ask("POST", path, wire.Upload, data, query={"name": name})

    async def note(self, conversation_id: int, command: wire.NoteCommand) -> wire.Message:
        return await self._ask("POST", f"/v1/conversations/{conversation_id}/note", wire.Message, command)

    async def save_draft(self, draft: wire.Draft) -> wire.Draft:
        return await self._ask("PUT", f"/v1/conversations/{draft.conversation_id}/draft", wire.Draft, draft)

    async def drafts(self) -> list[wire.Draft]:
        return await self._ask("GET", "/v1/drafts", list[wire.Draft])

    async def search(
        self, q: str, before: str | None = None, limit: int = 50, *, customer_id: int | None = None
    ) -> wire.SearchPage:
        query: dict[str, str | int | None] = {
            "q": q,
            "before": before,
            "limit": limit,
            "customer": customer_id,
        }
        return await self._ask("GET", "/v1/search", wire.SearchPage, query=query)

    async def outbox(self) -> list[wire.OutboxItem]:
        return await self._ask("GET", "/v1/outbox", list[wire.OutboxItem])

    async def held(self) -> list[wire.Message]:
        return await self._ask("GET", "/v1/outbox/held", list[wire.Message])

    async def withdraw(self, message_id: int) -> wire.Withdrawn:
        return await self._ask("POST", f"/v1/messages/{message_id}/withdraw", wire.Withdrawn)

    async def leave(
        self, message_id: int, at: int | None = None, *, keep: bool | None = None
    ) -> wire.Message:
        """Let a held or scheduled reply go now, or a scheduled one `at` another time."""
        command = wire.LeaveCommand(at=at, keep=keep)
        return await self._ask("POST", f"/v1/messages/{message_id}/leave", wire.Message, command)

    async def settle(
        self,
        verdict: Literal["arrived", "again", "drop"],
        message_ids: Sequence[int] = (),
        *,
        everything: bool = False,
    ) -> wire.Settled:
        command = wire.SettleCommand(verdict=verdict, message_ids=list(message_ids), all=everything)
        return await self._ask("POST", "/v1/outbox/settle", wire.Settled, command)

    async def channels(self) -> list[wire.ChannelInfo]:
        return await self._ask("GET", "/v1/channels", list[wire.ChannelInfo])

    async def operators(self) -> list[wire.OperatorInfo]:
        return await self._ask("GET", "/v1/operators", list[wire.OperatorInfo])

    async def mentions(self, after: str | None = None, limit: int = 50) -> wire.MentionPage:
        query: dict[str, str | int | None] = {"after": after, "limit": limit}
        return await self._ask("GET", "/v1/mentions", wire.MentionPage, query=query)

    async def mention_seen(self, mention_id: int) -> wire.Mention:
        return await self._ask("POST", f"/v1/mentions/{mention_id}/seen", wire.Mention)

    async def file(self, file_id: int) -> bytes:
        return await self._bytes("GET", f"/v1/files/{quote(str(file_id))}", None, None, patience=TRANSFER_S)

    # --- the event stream -----------------------------------------------------------------------------

    async def attend(self, whereabouts: wire.Whereabouts) -> None:
        """Say what is on the screen. Without a stream it is said as soon as there is one."""
        self._whereabouts = whereabouts
        stream = self._stream
        if stream is not None and not stream.closed:
            with contextlib.suppress(ConnectionError):  # `listen` notices it too, and comes back
                await stream.send_str(msgspec.json.encode(whereabouts).decode())

    async def listen(self, heard: Callable[[wire.Envelope], Any], link: Callable[[Link], Any]) -> None:
        """Hear events for ever, each once and in order, over any number of connections.

        Starts after `self.seq`. Returns only when the server refuses us for good (another protocol, no
        such operator); everything else is tried again. A "reset" is handed on like an event: whoever
        listens loads everything anew.
        """
        backoff = Backoff(self._chance)
        online = True
        while True:
            why = ""
            try:
                async with asyncio.timeout(self._offline_after):
                    socket = await self._open().ws_connect(
                        self._url + "/v1/events",
                        max_msg_size=FRAME_MAX,
                        timeout=aiohttp.ClientWSTimeout(ws_close=0.2),
                    )
                async with socket:
                    await socket.send_str(msgspec.json.encode(wire.Subscribe(resume=self.seq)).decode())
                    self._stream = socket
                    if self._whereabouts.open:
                        await self.attend(self._whereabouts)
                    while True:
                        async with asyncio.timeout(self._offline_after):
                            frame = await socket.receive()
                        if frame.type is not aiohttp.WSMsgType.TEXT:
                            why = why or N_("the server closed the connection")
                            break
                        envelope = msgspec.json.decode(frame.data, type=wire.Envelope)
                        if envelope.type == "bye":
                            why = envelope.text
                        if not online or envelope.type == "welcome":
                            online = True
                            backoff.reset()
                            link(Link("online"))
                        self._hear(envelope, heard)
            except aiohttp.WSServerHandshakeError as error:
                if error.status in (401, 403, 426):
                    link(Link("refused", error.message))
                    return
                why = f"HTTP {error.status}"
            except TimeoutError:
                why = N_("no sign of life")
            except (aiohttp.ClientError, OSError, msgspec.DecodeError, msgspec.ValidationError) as error:
                why = str(error)
            online = False
            self._stream = None
            link(Link("offline", why))
            await self._sleep(backoff.pause())

    def _hear(self, envelope: wire.Envelope, heard: Callable[[wire.Envelope], Any]) -> None:
        known = self.seq if self.seq is not None else -1
        if envelope.type == "event":
            if envelope.seq <= known:
                return  # heard before the connection broke
            self.seq = envelope.seq
            heard(envelope)
        elif envelope.type == "reset":
            self.seq = envelope.seq
            heard(envelope)
        elif envelope.type in ("heartbeat", "welcome"):
            # A welcome on a resume is followed by what we missed; only a fresh start may skip to it.
            if envelope.type == "heartbeat" or self.seq is None:
                self.seq = max(known, envelope.seq)
        elif envelope.type in ("trouble", "presence"):
            heard(envelope)
