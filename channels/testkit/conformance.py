"""The checks of the conformance kit."""

from __future__ import annotations

import asyncio
import importlib
import re
import unicodedata
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from typing import Any, Protocol

import aiohttp
import msgspec
from aiohttp import web

from channels.base import (
    Channel,
    ChannelError,
    ChannelSettings,
    HookRequest,
    InboundEvent,
    Outbound,
    Rejected,
    Retry,
    SendResult,
    Sent,
    Verified,
)
from channels.testkit import hostile
from channels.testkit.door import door
from channels.testkit.memory import MemoryHost

_NAME = re.compile(r"[a-z][a-z0-9_-]*")


class ConformanceError(AssertionError):
    """The adapter breaks a promise; the text says which."""


def _require(holds: object, promise: str) -> None:
    if not holds:
        raise ConformanceError(promise)


class Signs(Protocol):
    def __call__(self, body: bytes, webhook_id: str, at: int) -> HookRequest:
        """A genuine request as the provider would send it: `at` in UTC milliseconds, `webhook_id` names
        the event where the provider has such ids."""


class Conformance:
    """Everything that can be checked of an adapter without knowing its provider.

    `make` gives a channel that would work. Each of `incomplete` builds one whose configuration lacks what
    it takes to tell friend from foe. Everything else is as far as the adapter has it:

    - hooks: `sign` and `bodies`, genuine bodies each of which is another event (`signs_body` False where
      the provider sends only a bearer secret);
    - a parser that runs after the commit: `raw`, genuine raw items each of which is another event;
    - a peer to send to: `aim`, a channel whose peer is at a port of 127.0.0.1 and whose time limits are a
      second or less;
    - routes of its own: `knock`, which makes one inbound message over HTTP at a base address and returns
      the status that the customer's side was given; a repeat must be the same message.
    """

    def __init__(
        self,
        make: Callable[[], Channel],
        *,
        incomplete: Sequence[Callable[[], Channel]],
        sign: Signs | None = None,
        bodies: Sequence[bytes] = (),
        signs_body: bool = True,
        raw: Sequence[bytes] = (),
        meta: dict[str, str] | None = None,
        aim: Callable[[int], Channel] | None = None,
        knock: Callable[[aiohttp.ClientSession, str], Awaitable[int]] | None = None,
        now: int = 1_795_262_400_000,
    ) -> None:
        self._make = make
        self._incomplete = incomplete
        self._sign = sign
        self._bodies = bodies
        self._signs_body = signs_body
        self._raw = raw
        self._meta = meta or {}
        self._aim = aim
        self._knock = knock
        self._now = now

    async def run(self) -> None:
        """Every check in turn. Raises ConformanceError for the first promise that is broken."""
        self.check_spec()
        self.check_refusals()
        self.check_verify()
        self.check_parse()
        self.check_dedupe()
        await self.check_send()
        await self.check_unavailable()
        await self.check_stop()

    def _host(self) -> MemoryHost:
        host = MemoryHost(self._make().id)
        host.clock = self._now
        return host

    # --- facts ----------------------------------------------------------------------------------

    def check_spec(self) -> None:
        channel = self._make()
        spec, can = channel.spec, channel.spec.capabilities
        _require(_NAME.fullmatch(spec.kind), "kind is a lower-case name")
        _require(_NAME.fullmatch(spec.scheme), "scheme is a lower-case name")
        _require(spec.title, "there is a title")
        _require(
            len(spec.mark) == 1
            and spec.mark.isprintable()
            and unicodedata.east_asian_width(spec.mark) not in "WF",
            "the mark fills one terminal cell",
        )
        _require(
            issubclass(spec.settings, ChannelSettings)
            and spec.settings.__struct_config__.forbid_unknown_fields,
            "settings extend ChannelSettings and refuse unknown fields",
        )
        _require(can.text_max > 0, "text_max is positive")
        _require(bool(can.files_max) == bool(can.file_bytes_max), "files_max and file_bytes_max agree")
        overridden = (type(channel).verify, type(channel).parse) != (Channel.verify, Channel.parse)
        _require(spec.takes_hooks == overridden, "takes_hooks says whether verify() and parse() are there")
        _require(not spec.takes_hooks or self._sign, "an adapter that takes hooks is checked with `sign`")
        if spec.parser is not None:
            _require(callable(_parser(spec.parser)), "the parser can be imported")
            _require(self._raw, "an adapter with a parser is checked with `raw`")
        places = [(route.method, route.path) for route in channel.routes()]
        _require(len(set(places)) == len(places), "no route is there twice")
        for route in channel.routes():
            _require(route.path.startswith("/") and route.method.isupper(), "routes are METHOD /path")
            _require(0 <= route.body_max <= 512 * 1024 * 1024, "a route limits its body")

    def check_refusals(self) -> None:
        """Without its secret a channel refuses to be built, and says in which key."""
        _require(self._incomplete, "at least one incomplete configuration is given")
        for build in self._incomplete:
            try:
                build()
            except ChannelError as error:
                _require(str(error), "a refusal says why")
            else:
                raise ConformanceError("a configuration that cannot tell friend from foe was accepted")

    # --- hooks ----------------------------------------------------------------------------------

    def check_verify(self) -> None:
        """Genuine requests pass; unsigned ones and hundreds of altered ones do not."""
        channel = self._make()
        empty = HookRequest(method="POST", headers={}, body=b"{}", received_at=self._now)
        _require(isinstance(channel.verify(empty), Rejected), "an unsigned request is rejected")
        if self._sign is None:
            return
        for number, body in enumerate(self._bodies):
            genuine = self._sign(body, f"event_{number}", self._now)
            _require(isinstance(channel.verify(genuine), Verified), "a genuine request is believed")
            for altered in self._alterations(genuine):
                _require(isinstance(channel.verify(altered), Rejected), "an altered request is rejected")

    def _alterations(self, genuine: HookRequest) -> Iterable[HookRequest]:
        replace = msgspec.structs.replace
        channel = self._make()
        if self._signs_body:
            body = genuine.body
            for at in range(0, len(body), max(1, len(body) // 200)):
                for bit in (1, 0x80):
                    yield replace(genuine, body=body[:at] + bytes([body[at] ^ bit]) + body[at + 1 :])
            yield replace(genuine, body=body + b" ")
            yield replace(genuine, body=b"")
        for name, value in genuine.headers.items():
            rest = {other: kept for other, kept in genuine.headers.items() if other != name}
            without = replace(genuine, headers=rest)
            if isinstance(channel.verify(without), Verified):
                continue  # it has no part in the signature
            for text in hostile.changed_text(value):
                yield replace(genuine, headers={**rest, name: text})

    def check_parse(self) -> None:
        """parse() is total: whatever comes, it returns events that can be stored and shown."""
        channel = self._make()
        if self._sign is not None:
            for number, body in enumerate(self._bodies):
                genuine = channel.parse(self._sign(body, f"event_{number}", self._now))
                _require(genuine, "a genuine body gives an event")
                _require(
                    all(event.kind != "unsupported" for event in genuine), "genuine bodies are understood"
                )
                for broken in hostile.damaged(body):
                    _check_events(channel.parse(self._sign(broken, "event", self._now)), broken)
        if channel.spec.parser is not None:
            parse = _parser(channel.spec.parser)
            for item in self._raw:
                _require(parse(item, self._meta), "a genuine item gives an event")
                for broken in hostile.damaged(item):
                    _check_events(parse(broken, self._meta), broken)

    def check_dedupe(self) -> None:
        """A repeat has the same key, also when it is signed anew; another event has another."""
        channel = self._make()
        keys: set[str] = set()
        if self._sign is not None:
            for number, body in enumerate(self._bodies):
                first, again, later = (
                    [event.dedupe_key for event in channel.parse(self._sign(body, f"event_{number}", at))]
                    for at in (self._now, self._now, self._now + 60_000)
                )
                _require(first == again == later, "a repeated delivery has the same dedupe key")
                _require(len(set(first)) == len(first), "events of one delivery have different keys")
                _require(keys.isdisjoint(first), "different events have different keys")
                keys.update(first)
        if channel.spec.parser is not None:
            parse = _parser(channel.spec.parser)
            for item in self._raw:
                first = [event.dedupe_key for event in parse(item, self._meta)]
                again = [event.dedupe_key for event in parse(item, self._meta)]
                _require(first == again, "a repeated item has the same dedupe key")
                _require(keys.isdisjoint(first), "different items have different keys")
                keys.update(first)

    # --- sending --------------------------------------------------------------------------------

    async def check_send(self) -> None:
        """send() answers and never raises, whatever the peer does; and says Sent only when it was."""
        if self._aim is None:
            result = await self._send(self._make())
            _require(isinstance(result, SendResult), "send() returns a SendResult")
            return
        refusing = await asyncio.start_server(_hang, "127.0.0.1", 0)
        port = refusing.sockets[0].getsockname()[1]
        refusing.close()
        await refusing.wait_closed()
        result = await self._send(self._aim(port))
        _require(isinstance(result, Retry), f"a refused connection is tried again, not {result!r}")
        for peer in (_hang, _cut, _cut_late, _babble):
            server = await asyncio.start_server(peer, "127.0.0.1", 0)
            async with server:
                result = await self._send(self._aim(server.sockets[0].getsockname()[1]))
            name = peer.__name__.strip("_")
            _require(isinstance(result, SendResult), f"send() answers when the peer does {name}")
            _require(not isinstance(result, Sent), f"a peer that does {name} has taken nothing")

    async def _send(self, channel: Channel) -> SendResult:
        host = self._host()
        await channel.start(host)
        message = Outbound(
            key="conformance-1",
            message_id=1,
            conversation_id=1,
            to="customer@example.org",
            to_name="Customer",
            thread="thread",
            text="Hello",
            subject="Hello",
            author="Olga",
            remote_id=channel.name_message(1, 1),
            written_at=self._now,
        )
        try:
            async with asyncio.timeout(30):
                return await channel.send(message)
        except Exception as error:
            raise ConformanceError(f"send() raised {type(error).__name__}: {error}") from error
        finally:
            await channel.stop()

    # --- the host -------------------------------------------------------------------------------

    async def check_unavailable(self) -> None:
        """While the host cannot commit nobody is told that it did; afterwards the message comes in once."""
        if self._sign is None and self._knock is None:
            return
        channel, host = self._make(), self._host()
        await channel.start(host)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(channel.stop)
            runner = web.AppRunner(door(channel, host), shutdown_timeout=1)
            stack.push_async_callback(runner.cleanup)
            await runner.setup()
            site = web.TCPSite(runner, "127.0.0.1", 0)
            await site.start()
            session = await stack.enter_async_context(aiohttp.ClientSession())
            base = f"http://127.0.0.1:{runner.addresses[0][1]}"
            knock = self._knock or self._knock_by_hook
            host.unavailable = True
            status = await knock(session, base)
            _require(status >= 500 or status == 429, f"an unavailable host is no {status}")
            _require(not host.deliveries, "nothing was taken in")
            host.unavailable = False
            for _ in range(2):
                status = await knock(session, base)
                _require(200 <= status < 300, f"an available host is no {status}")
            taken = [item for item in host.deliveries if item.event is None or item.event.kind == "message"]
            _require(len(taken) == 1, "a repeat is the same message")

    async def _knock_by_hook(self, session: aiohttp.ClientSession, base: str) -> int:
        if self._sign is None:
            raise ConformanceError("an adapter that takes hooks is checked with `sign`")
        request = self._sign(self._bodies[0], "event_0", self._now)
        url = f"{base}/hooks/{self._make().id}"
        async with session.post(url, data=request.body, headers=dict(request.headers)) as answer:
            return answer.status

    async def check_stop(self) -> None:
        """start() does not fail for a peer that is away; stop() leaves nothing running, also twice."""
        before = asyncio.all_tasks()
        channel, host = self._make(), self._host()
        await channel.stop()
        for _ in range(2):
            await channel.start(host)
            await asyncio.sleep(0.05)
            async with asyncio.timeout(10):
                await channel.stop()
                await channel.stop()
            left = asyncio.all_tasks() - before
            _require(not left, f"stop() leaves {len(left)} tasks running: {left}")


def _parser(name: str) -> Callable[[bytes, dict[str, str]], list[InboundEvent]]:
    module, _, attribute = name.partition(":")
    found: Callable[[bytes, dict[str, str]], list[InboundEvent]] = getattr(
        importlib.import_module(module), attribute
    )
    return found


def _check_events(events: object, given: bytes) -> None:
    shown = given[:60]
    _require(isinstance(events, list), f"parse() returns a list for {shown!r}")
    for event in events if isinstance(events, list) else []:
        _require(isinstance(event, InboundEvent), f"parse() returns events for {shown!r}")
        _require(event.dedupe_key and event.sender.external_id, f"events of {shown!r} have key and sender")
        for text in _strings(msgspec.to_builtins(event)):
            _require("\x00" not in text, f"no NUL comes out of {shown!r}")
            _require(text == text.encode("utf-8", "ignore").decode(), f"no lone surrogate out of {shown!r}")


def _strings(value: Any) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _strings(key)
            yield from _strings(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _strings(item)


# --- peers that misbehave -----------------------------------------------------------------------------


async def _hang(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(65536):
        pass
    writer.close()


async def _cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def _cut_late(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.transport.abort()


async def _babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        writer.write(b"\x00\xff garbage\r\n" * 100)
        await writer.drain()
        await reader.read(1)
    except ConnectionError:
        return
    finally:
        writer.close()
