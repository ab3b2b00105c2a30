"""The whole agent server in this process: its doors are real, its operators and its clock are the test's.

The kernel knows only one account here, so a request may name another one as its bearer token ("4711" for
uid 4711); without a token the kernel's word counts, as in production.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import itertools
import os
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp
import msgspec
from aiohttp import web

from channels import registry
from channels.secret import Secret
from channels.webchat import WebchatSettings
from channels.webchat.identity import sign
from channels.webhook import standard
from channels.webhook.channel import WebhookSettings
from omni_console.client import Link, RefusedError, ServerClient
from server.api.app import create_operator_app
from server.api.context import CONTEXT, Context, Handler
from server.api.socket import peer_uid
from server.app import Server
from server.clock import HeldClock
from server.config import make_channels
from server.protocol import Conversation, Envelope, EventBody, Message, ReplyCommand, ReplyWay, Role
from server.settings import (
    ApiSettings,
    Config,
    PublicLimits,
    PublicSettings,
    SendingSettings,
    ServerSettings,
    SiteSettings,
)
from server.store import operators as accounts
from server.store.transaction import Snapshot
from tests.fakes.letters import LettersChannel

SHOP = "https://shop.example"
HOOK_SECRET = "whsec_c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0"
CHAT_KEY = "k" * 48
NO_HOLD = SendingSettings(hold_letters_seconds=0, hold_chats_seconds=0)  # what is sent leaves at once
OLGA, IVAN, RITA = 4711, 4712, 4713  # uids: two operators, and one who only reads

_uid: ContextVar[int | None] = ContextVar("uid", default=None)


async def until(true: Callable[[], bool], seconds: float = 10.0) -> None:
    """Return as soon as a condition holds; a test that waits for nothing fails."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110 - what is waited for happens in the server, which knows no test
            await asyncio.sleep(0.005)


class Receiver:
    """Where the webhook channel delivers replies. `answers` are the next statuses; afterwards 200."""

    def __init__(self) -> None:
        self.heard: list[dict[str, Any]] = []  # `data` of each delivery that was answered 2xx
        self.tries: list[str] = []  # webhook-id of each request
        self.answers: deque[int] = deque()

    def texts(self) -> list[str]:
        return [str(data["text"]) for data in self.heard]

    async def take(self, request: web.Request) -> web.Response:
        body = await request.json()
        standard.check(
            [standard.read_secret(HOOK_SECRET)],
            {name.lower(): value for name, value in request.headers.items()},
            await request.read(),
            int(request.headers["webhook-timestamp"]),
        )
        self.tries.append(request.headers["webhook-id"])
        status = self.answers.popleft() if self.answers else 200
        if status < 300:
            self.heard.append(body["data"])
        return web.Response(status=status)

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/", self.take)
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
        finally:
            await runner.cleanup()


class Listening:
    """One operator's event stream; `heard` grows by itself."""

    def __init__(self, client: ServerClient) -> None:
        self.client = client
        self.heard: list[Envelope] = []
        self.links: list[Link] = []
        self.task = asyncio.create_task(client.listen(self.heard.append, self.links.append))

    def events(self, kind: str = "") -> list[Envelope]:
        return [one for one in self.heard if one.type == "event" and one.kind.startswith(kind)]

    def bodies(self, kind: str = "") -> list[EventBody]:
        return [msgspec.json.decode(one.body, type=EventBody) for one in self.events(kind)]

    async def reached(self, seq: int) -> None:
        await until(lambda: (self.client.seq or 0) >= seq)

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


class Visitor:
    """Somebody in the site chat, by its public API."""

    def __init__(self, running: Running) -> None:
        self._running = running
        self.token = ""
        self.name = ""

    async def begin(self, **claims: Any) -> None:
        """A session; `claims` are what the site signs of him, nothing: he stays anonymous."""
        body: dict[str, Any] = {"protocol": 1}
        if claims:
            expires = self._running.clock.now() // 1000 + 300
            body["identity"] = sign(CHAT_KEY.encode(), {"aud": "site", "exp": expires, **claims})
        answer = await self.post("/session", body)
        self.token = answer.get("token", self.token)
        self.name = answer["visitor"]

    async def say(self, text: str) -> dict[str, Any]:
        key = f"client-{next(self._running.numbers):06}"
        return await self.post("/messages", {"client_id": key, "text": text})

    async def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        headers = {"Origin": SHOP}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        url = f"{self._running.url}/webchat/site{path}"
        async with self._running.http.post(url, json=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()
            found = await answer.json()
            assert isinstance(found, dict)
            return found

    async def read(self, count: int) -> list[dict[str, Any]]:
        """The first `count` messages of his window."""
        headers = {"Origin": SHOP, "Authorization": f"Bearer {self.token}"}
        found: list[dict[str, Any]] = []
        url = f"{self._running.url}/webchat/site/events"
        async with asyncio.timeout(10), self._running.http.get(url, headers=headers) as answer:
            event = ""
            while len(found) < count:
                name, _, value = (await answer.content.readline()).decode().strip().partition(": ")
                if name == "event":
                    event = value
                elif name == "data" and event == "message":
                    found.append(msgspec.json.decode(value))
        return found


class Running:
    """A server that runs, and everybody around it."""

    def __init__(self, server: Server, clock: HeldClock, receiver: Receiver, folder: Path) -> None:
        self.server = server
        self.clock = clock
        self.receiver = receiver
        self.folder = folder
        self.numbers = itertools.count(1)
        self.http: aiohttp.ClientSession
        self.context: Context
        self.socket = str(server.config.server.socket)
        self._stack = contextlib.AsyncExitStack()

    @property
    def url(self) -> str:
        assert self.server.public is not None
        return self.server.public.url

    @property
    def letters(self) -> LettersChannel:
        channel = self.server.channels["mail"]
        assert isinstance(channel, LettersChannel)
        return channel

    async def client(self, uid: int | None = OLGA) -> ServerClient:
        """A console's client; None: as the account that runs the test."""
        made = ServerClient(self.socket, token="" if uid is None else str(uid), sleep=_at_once)
        return await self._stack.enter_async_context(made)

    async def listen(self, uid: int | None = OLGA, resume: int | None = None) -> Listening:
        client = await self.client(uid)
        client.seq = resume
        listening = Listening(client)
        self._stack.push_async_callback(listening.stop)
        await until(lambda: bool(listening.links))
        return listening

    async def ask(
        self, method: str, path: str, body: bytes | None = None, uid: int | None = OLGA, **more: Any
    ) -> tuple[int, bytes]:
        """A raw request of the operator API."""
        connector = aiohttp.UnixConnector(path=self.socket)
        headers = {"Authorization": f"Bearer {uid}"} if uid is not None else {}
        headers |= more.pop("headers", {})
        data = None if body is None else io.BytesIO(body)
        async with (
            aiohttp.ClientSession(connector=connector) as session,
            session.request(method, "http://omni" + path, data=data, headers=headers, **more) as answer,
        ):
            return answer.status, await answer.read()

    async def hook(
        self, text: str, sender: str = "buyer-1", key: str = "order-1", kind: str = "message", **data: Any
    ) -> None:
        """A signed webhook of the market, acknowledged."""
        number = next(self.numbers)
        person = {"id": sender, **data.pop("person", {})}
        whole = {"conversation_key": key, "sender": person, "text": text, "message_id": f"in-{number}"}
        body = msgspec.json.encode({"type": kind, "data": whole | data})
        moment = self.clock.now() // 1000
        headers = standard.headers([standard.read_secret(HOOK_SECRET)], f"hook-{number}", moment, body)
        async with self.http.post(f"{self.url}/hooks/market", data=body, headers=headers) as answer:
            assert answer.status == 200, await answer.text()

    async def visitor(self, **claims: Any) -> Visitor:
        visitor = Visitor(self)
        await visitor.begin(**claims)
        return visitor

    async def read(self, sql: str, *parameters: Any) -> list[dict[str, Any]]:
        """Rows of the database, for what no API shows."""

        def rows(tx: Snapshot) -> list[dict[str, Any]]:
            return [dict(row) for row in tx.all(sql, parameters)]

        return await self.server.database.read(rows)

    async def newest(self) -> int:
        [row] = await self.read("SELECT max(seq) AS seq FROM event")
        return int(row["seq"])

    async def settled(self) -> None:
        """Until no reply waits to be sent."""
        pending = "SELECT 1 FROM outbox WHERE state IN ('queued', 'sending')"
        async with asyncio.timeout(10):
            while await self.read(pending):  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.005)

    def command(
        self, text: str, way: ReplyWay, after_seq: int, client_id: str = "", **more: Any
    ) -> ReplyCommand:
        return ReplyCommand(
            client_id=client_id or f"reply-{next(self.numbers):06}",
            text=text,
            channel_id=way.channel_id,
            address_id=way.address_id,
            after_seq=after_seq,
            **more,
        )

    async def answer(self, client: ServerClient, conversation_id: int, text: str) -> Message:
        """Reply the first way, having read everything."""
        detail = await client.detail(conversation_id)
        command = self.command(text, detail.ways[0], detail.history.seq)
        return await client.reply(conversation_id, command)


async def _at_once(seconds: float) -> None:
    await asyncio.sleep(0.005)


async def only(client: ServerClient) -> Conversation:
    """The one conversation there is that is not closed."""
    [conversation] = (await client.conversations("all")).items
    return conversation


async def refusal(asked: Any) -> RefusedError:
    """The refusal that a question ends in."""
    try:
        await asked
    except RefusedError as error:
        return error
    raise AssertionError("it was not refused")


def _impersonated(request: web.Request) -> int | None:
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return int(token) if scheme == "Bearer" and token.isdigit() else None


@web.middleware
async def _as_named(request: web.Request, handler: Handler) -> web.StreamResponse:
    _uid.set(_impersonated(request))
    return await handler(request)


@contextlib.contextmanager
def _operators_by_token(seen: list[Context]) -> Iterator[None]:
    def made(context: Context) -> web.Application:
        app = create_operator_app(context)
        seen.append(app[CONTEXT])
        app.middlewares.insert(0, _as_named)
        return app

    def who(transport: asyncio.BaseTransport | None) -> int:
        named = _uid.get()
        return peer_uid(transport) if named is None else named

    with (
        patch("server.doors.create_operator_app", made),
        patch("server.api.app.peer_uid", who),
        # Rarely enough that the process counts as idle: after each key a test waits for that, for up to 3 s.
        patch("server.app.HOUSEKEEPING_S", 0.1),
    ):
        yield


def configuration(folder: Path, deliver_url: str) -> Config:
    """Three channels: a market (webhook), a site chat, and letters that behave like e-mail."""
    plenty = PublicLimits(
        requests_per_second=100_000, request_burst=100_000, hooks_per_second=100_000, hook_burst=100_000
    )
    config = Config(
        server=ServerSettings(data_dir=folder / "data", socket=folder / "run" / "omni.sock"),
        public=PublicSettings(listen="127.0.0.1:0", limits=plenty),
        site=SiteSettings(name="Shop"),
        sending=NO_HOLD,
        channels={
            "market": WebhookSettings(
                kind="webhook", title="market", secrets=[Secret(HOOK_SECRET)], deliver_url=deliver_url
            ),
            "site": WebchatSettings(
                kind="webchat", title="site chat", origins=[SHOP], identity_secret=Secret(CHAT_KEY)
            ),
            "mail": LettersChannel.spec.settings(kind="letters", title="mail"),
        },
    )
    with patch.dict(registry.BUILT_IN, letters="tests.fakes.letters:LettersChannel"):
        make_channels(config)  # a wrong configuration is the test's own fault: say so at once
    return config


async def _add_people(running: Running) -> None:
    people: list[tuple[str, str, Role, int]] = [
        ("olga", "Olga", "operator", OLGA),
        ("ivan", "Ivan", "operator", IVAN),
        ("rita", "Rita", "reader", RITA),
        ("admin", "Anna", "admin", os.getuid()),
    ]
    for login, name, role, uid in people:
        await running.server.database.write(
            lambda tx, who=(login, name, role, uid): accounts.add(tx, *who)  # type: ignore[misc]
        )


@contextlib.asynccontextmanager
async def running_server(
    kept: Path | None = None, api: ApiSettings | None = None, **tables: Any
) -> AsyncIterator[Running]:
    """A server with its people, in a folder of its own or in `kept`, where it can be started again.

    `api`: its operator API also listens on TCP. `tables`: others of the configuration, by name.
    """
    receiver = Receiver()
    seen: list[Context] = []
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(_operators_by_token(seen))
        stack.enter_context(patch.dict(registry.BUILT_IN, letters="tests.fakes.letters:LettersChannel"))
        # Short: a Unix socket's path may have 107 bytes, and pytest's own are long.
        folder = kept or Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="omni-")))
        url = await stack.enter_async_context(receiver.served())
        clock = HeldClock()
        config = configuration(folder, url)
        config.api = api or config.api
        for name, table in tables.items():
            setattr(config, name, table)
        running = Running(Server(config, clock), clock, receiver, folder)
        await stack.enter_async_context(running.server.run())
        running.context = seen[0]
        running.http = await stack.enter_async_context(aiohttp.ClientSession())
        await stack.enter_async_context(running._stack)
        if not await running.read("SELECT 1 FROM operator"):
            await _add_people(running)
        yield running
