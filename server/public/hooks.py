"""POST /hooks/CHANNEL: verify, parse, commit, and only then answer."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

import msgspec
import structlog
from aiohttp import web

from channels.base import (
    Channel,
    Delivery,
    HookRequest,
    Host,
    HostUnavailableError,
    InboundEvent,
    Rejected,
    Sender,
)
from server.public.answers import refuse
from server.public.counters import Counters
from server.public.limits import Buckets, retry_after

UNAVAILABLE_RETRY_S = 5.0
COMPLETE_S = 45.0  # providers wait for an answer for about a minute


class Hooks:
    """The webhook endpoints of all channels that take webhooks."""

    def __init__(
        self,
        channels: Mapping[str, Channel],
        hosts: Mapping[str, Host],
        counters: Counters,
        buckets: Buckets,
        body_max: int,
    ) -> None:
        self._channels = {name: channel for name, channel in channels.items() if channel.spec.takes_hooks}
        self._hosts = hosts
        self._counters = counters
        self._buckets = buckets
        self._body_max = body_max
        self._log = structlog.get_logger("server.public.hooks")

    async def take(self, request: web.Request) -> web.Response:
        """200 (or what the provider expects) only after the commit; a 2xx is a promise."""
        channel_id = request.match_info["channel_id"]
        channel = self._channels.get(channel_id)
        if channel is None:
            return refuse(404, "not_found")
        host = self._hosts[channel_id]
        body = await request.clone(client_max_size=self._body_max).read()
        hook = HookRequest(method=request.method, headers=_joined(request), body=body, received_at=host.now())
        verdict = channel.verify(hook)
        if isinstance(verdict, Rejected):
            self._counters.add("refused", channel_id)
            self._log.warning("hook refused", channel=channel_id, reason=verdict.reason)
            return web.Response(status=401)
        # Only verified requests use up the channel's allowance: a stranger cannot silence a provider.
        if wait := self._buckets.take(channel_id):
            self._counters.add("limited", channel_id)
            return refuse(429, "limited", {"Retry-After": retry_after(wait)})
        deliveries = to_deliveries(await self._complete(channel, self._parse(channel, hook)), body)
        try:
            if deliveries:
                await host.submit(deliveries)
        except HostUnavailableError as error:
            self._counters.add("unavailable", channel_id)
            self._log.error("hook not stored", channel=channel_id, reason=str(error))
            return refuse(503, "unavailable", {"Retry-After": retry_after(UNAVAILABLE_RETRY_S)})
        return self._answer(channel, hook)

    def _parse(self, channel: Channel, hook: HookRequest) -> list[InboundEvent]:
        try:
            return channel.parse(hook)
        except Exception as error:  # an adapter's fault must not lose what a customer wrote
            self._counters.add("unparsed", channel.id)
            self._log.exception("hook not understood", channel=channel.id)
            return [unparsed(hook.body, error)]

    async def _complete(self, channel: Channel, events: list[InboundEvent]) -> list[InboundEvent]:
        """The events with their files, or, after a time, without: a lost file loses no words."""
        try:
            async with asyncio.timeout(COMPLETE_S):
                events = await channel.complete(events)
            problem = "it was not fetched"
        except TimeoutError:
            self._log.warning("files not fetched in time", channel=channel.id)
            problem = "it could not be fetched in time"
        except Exception as error:
            self._log.exception("files not fetched", channel=channel.id)
            problem = f"it could not be fetched ({type(error).__name__})"
        return [without_files(event, problem) for event in events]

    def _answer(self, channel: Channel, hook: HookRequest) -> web.Response:
        try:
            status, text = channel.answer(hook)
        except Exception:  # it is stored: a provider told otherwise would only repeat it
            self._log.exception("no answer for the provider", channel=channel.id)
            return web.Response(status=200)
        return web.Response(status=status, text=text)


def to_deliveries(events: Sequence[InboundEvent], body: bytes) -> list[Delivery]:
    """One delivery per event; the first carries the raw body, the others name the first."""
    deliveries: list[Delivery] = []
    for event in events:
        first = not deliveries
        deliveries.append(
            Delivery(
                dedupe_key=event.dedupe_key,
                raw=body if first else b"",
                event=event,
                meta={} if first else {"part_of": events[0].dedupe_key},
            )
        )
    return deliveries


def without_files(event: InboundEvent, problem: str) -> InboundEvent:
    """The event as it can be taken in where its files were not to be had."""
    return msgspec.structs.replace(
        event,
        attachments=tuple(
            msgspec.structs.replace(one, problem=problem) if one.data is None and not one.problem else one
            for one in event.attachments
        ),
    )


def unparsed(body: bytes, error: Exception) -> InboundEvent:
    """What stands in for a body on which parse() failed; the same body gives the same key.

    Nobody knows who wrote it, so each stands alone: two of them never share a conversation.
    """
    digest = hashlib.sha256(body).hexdigest()
    problem = f"the adapter could not read this item ({type(error).__name__}); it is kept in the journal"
    return InboundEvent(
        kind="unsupported",
        dedupe_key=f"unparsed:{digest}",
        sender=Sender(external_id=f"unreadable:{digest[:16]}", name="unreadable item", reachable=False),
        thread=f"unreadable:{digest[:16]}",
        text=problem,
        detail={"problem": problem},
    )


def _joined(request: web.Request) -> dict[str, str]:
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        name = name.lower()
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
